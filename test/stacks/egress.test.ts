import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { defineExample, resources, type SynthOptions, synthExample } from './synth.ts';

// Each of these tests synthesises several apps.
const probeOf = (templates: ReturnType<typeof synthExample>) =>
  resources(templates, 'AWS::Lambda::Function').find(({ id }) => id.startsWith('Probe'))?.Properties;

it.each([
  ['t4g.nano', 'arm64'],
  ['t3.micro', 'x86_64'],
])(
  'an instance of type %s is the egress in place of a NAT gateway, with the same address',
  (natInstance, processor) => {
    const templates = synthExample({ context: { natInstance } });
    expect(resources(templates, 'AWS::EC2::NatGateway')).toEqual([]);
    const [machine, ...others] = resources(templates, 'AWS::EC2::Instance');
    expect(others).toEqual([]);
    expect(machine?.Properties).toMatchObject({
      InstanceType: natInstance,
      SourceDestCheck: false,
      BlockDeviceMappings: [{ Ebs: { Encrypted: true } }],
    });
    const image = JSON.stringify(templates.network.findParameters('*'));
    expect(image).toContain(`al2023-ami-kernel-6.1-${processor}`);
    const [address] = resources(templates, 'AWS::EC2::EIP');
    expect(templates.network.findOutputs('ProbeAddress').ProbeAddress?.Value).toEqual({ Ref: address?.id });
    expect(resources(templates, 'AWS::EC2::EIPAssociation').map(({ Properties }) => Properties)).toEqual([
      { AllocationId: { 'Fn::GetAtt': [address?.id, 'AllocationId'] }, InstanceId: { Ref: machine?.id } },
    ]);
    // Both private subnets route through the instance, which accepts connections from our network only.
    const routes = resources(templates, 'AWS::EC2::Route').filter(({ Properties }) => Properties.InstanceId);
    expect(routes.map(({ Properties }) => Properties.InstanceId)).toEqual([
      { Ref: machine?.id },
      { Ref: machine?.id },
    ]);
    const [group] = resources(templates, 'AWS::EC2::SecurityGroup').filter(
      ({ Properties }) => Properties.SecurityGroupIngress,
    );
    expect(group?.Properties.SecurityGroupIngress).toEqual([
      {
        CidrIp: '10.0.0.0/16',
        Description: 'From our network',
        FromPort: 0,
        IpProtocol: 'tcp',
        ToPort: 65_535,
      },
    ]);
    expect(probeOf(templates)?.VpcConfig.SubnetIds).toHaveLength(1);
  },
);

it('without a network the stacks create nothing in EC2, and probe may create no network interfaces', () => {
  const templates = synthExample({ context: { network: 'none' } });
  expect(Object.keys(templates.network.toJSON().Resources ?? {})).toEqual([]);
  expect(probeOf(templates)?.VpcConfig).toBeUndefined();
  const policies = JSON.stringify(resources(templates, 'AWS::IAM::Policy'));
  expect(policies).not.toContain('ec2:');
});

it('the bucket keeps the audit for ever, or for the days of `auditDays`', () => {
  const rulesOf = (context: Record<string, string>) => {
    const [bucket] = resources(synthExample({ context }), 'AWS::S3::Bucket');
    return bucket?.Properties.LifecycleConfiguration.Rules.filter(
      ({ Prefix }: { Prefix?: string }) => Prefix === 'audit/',
    );
  };
  expect(rulesOf({})).toEqual([]);
  expect(rulesOf({ auditDays: '400' })).toMatchObject([
    { ExpirationInDays: 400, NoncurrentVersionExpiration: { NoncurrentDays: 1 }, Status: 'Enabled' },
  ]);
});

describe('functions in the network of the store may connect to', () => {
  const HOOK = '"${ssm:/bartizan/on-call-url}"';
  const inside = { storeInVpc: 'true' };
  const egress = (options: SynthOptions) => {
    const [group] = resources(synthExample(options), 'AWS::EC2::SecurityGroup');
    return group?.Properties.SecurityGroupEgress.map(
      ({ IpProtocol, FromPort, ToPort }: Record<string, string | number>) =>
        FromPort === ToPort ? `${IpProtocol} ${FromPort}` : 'many',
    );
  };

  it.each<[what: string, hook: string, port: string]>([
    [
      'the port of a proxy of a channel',
      '"https://hooks.example/x", proxy: "http://proxy.internal:3128"',
      'tcp 3128',
    ],
    [
      'the port of a proxy with a login',
      '"https://h.example:1/", proxy: "http://u:${ssm:/a}@proxy.internal"',
      'tcp 80',
    ],
    [
      'the port of an address with a secret in its path',
      '"https://hooks.internal:8443/${ssm:/a}"',
      'tcp 8443',
    ],
    ['the port of an address with a secret login', '"https://u:${ssm:/a}@hooks.internal:8443/"', 'tcp 8443'],
    ['the port of a host that is secret', '"https://${ssm:/a}:8443/"', 'tcp 8443'],
  ])('%s', (_, hook, port) => {
    expect(egress({ context: inside, replace: [[HOOK, hook]] })).toEqual(['tcp 443', 'tcp 22', port]);
    expect(egress({ replace: [[HOOK, hook]] })).toEqual(['tcp 443', 'tcp 22']);
  });

  it('the ports of `egressPorts` and of the configuration', () => {
    const replace: SynthOptions['replace'] = [[HOOK, '"https://hooks.internal:8443/${ssm:/a}"']];
    const context = { ...inside, egressPorts: '8428,8443,443,22' };
    expect(egress({ context, replace })).toEqual(['tcp 443', 'tcp 22', 'tcp 8443', 'tcp 8428']);
  });

  it('name servers in that network, also by UDP', () => {
    const context = {
      vpcId: 'vpc-0123456789abcdef0',
      privateSubnetIds: 'subnet-0123456789abcdef0',
      egressPorts: '53',
    };
    expect(egress({ context })).toEqual(['tcp 443', 'tcp 22', 'tcp 53', 'udp 53']);
  });

  it('no port that is inside a secret: synth warns until `egressPorts` names it', () => {
    const warnings = (context: Record<string, string>) =>
      Annotations.fromStack(defineExample({ context }).stacks.pipeline.stack)
        .findWarning('*', Match.stringLikeRegexp('bartizan:egressPorts'))
        .map(({ entry }) => String(entry.data));
    expect(warnings(inside)).toEqual([
      expect.stringContaining('parameters hold the ports of channels on-call.url, server.heartbeat,'),
    ]);
    expect(warnings({ ...inside, egressPorts: '8443' })).toEqual([]);
    expect(warnings({})).toEqual([]);
  });
});

it('synth refuses a bastion that functions cannot reach, together with all other errors', () => {
  const replace: SynthOptions['replace'] = [
    ['host: bastion.example.net', 'host: 10.0.0.5'],
    ['every: 1m', 'every: 90s'],
  ];
  expect(() => defineExample({ replace })).toThrow(
    /cannot run on AWS: 2 problems\n {2}checks usage: .*\n {2}bastions seoul\.host: 10\.0\.0\.5 is a private address/,
  );
  const context = { vpcId: 'vpc-0123456789abcdef0', privateSubnetIds: 'subnet-0123456789abcdef0' };
  expect(() => defineExample({ context, replace: replace.slice(0, 1) })).not.toThrow();
});
