// The settings that a deployment remembers, and whether another deployment can follow it: CloudFormation keeps an
// export that another stack uses
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html).
import { readFileSync } from 'node:fs';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHECKED, checkedMark } from '../../lib/checked.ts';
import { parseDeploymentRecord } from '../../lib/deployment-record.ts';
import { requireKnown, requireWellSpelt } from '../../lib/known-settings.ts';
import { readSettings, type Settings, writeSettings } from '../../lib/settings.ts';
import { warnUnchecked } from '../../lib/unchecked.ts';
import { valueText } from './policy-text.ts';
import {
  defineExample,
  resources,
  type SynthOptions,
  synthExample,
  type Templates,
  templatesOf,
} from './synth.ts';

const OTHER = { vpcId: 'vpc-0123456789abcdef0', privateSubnetIds: 'subnet-0123456789abcdef0' };
const THIRD = { vpcId: 'vpc-0fedcba9876543210', privateSubnetIds: 'subnet-0fedcba9876543210' };
const RESTORED = {
  stateTable: 'restored',
  stateStream: 'arn:aws:dynamodb:eu-west-1:123456789012:table/restored/stream/2026-01-01T00:00:00.000',
};

describe('settings', () => {
  it('reading returns what was written, for any settings', () => {
    const setting = fc.stringMatching(/^[a-z0-9/-]{1,12}$/);
    const own = {
      network: undefined,
      natInstance: undefined,
      withoutNetwork: false,
      storeInVpc: false,
      egressPorts: [],
    };
    const id = fc.stringMatching(/^[0-9a-f]{17}$/);
    const existing = fc.record({
      vpcId: id.map((digits) => `vpc-${digits}`),
      privateSubnetIds: fc.uniqueArray(
        id.map((digits) => `subnet-${digits}`),
        { minLength: 1, maxLength: 3 },
      ),
    });
    const ways = fc.oneof(
      fc
        .tuple(existing, fc.uniqueArray(fc.integer({ min: 1, max: 65_535 })))
        .map(([network, egressPorts]) => ({ ...own, network, storeInVpc: true, egressPorts })),
      fc.constantFrom({ ...own, natInstance: 't4g.nano' }, { ...own, withoutNetwork: true }, own),
    );
    const rest = fc.record({
      name: fc.constant('bartizan'),
      architecture: fc.constantFrom('arm64', 'x86_64'),
      ciphers: fc.constantFrom('native', 'javascript'),
      shards: fc.integer({ min: 1, max: 100 }),
      loginParameters: fc.uniqueArray(fc.stringMatching(/^(\/[\w.-]{1,5}){1,3}(\/\*)?$/)),
      auditDays: fc.option(fc.integer({ min: 1, max: 4_000 }), { nil: undefined }),
      alarmEmail: fc.subarray(['ops@example.net', 'on-call@example.net']),
      publicConcurrency: fc.option(fc.integer({ min: 1, max: 1000 }), { nil: undefined }),
      uploadConfig: fc.boolean(),
      restored: fc.option(
        setting.map((table) => ({ table, stream: `arn:aws:dynamodb:r:1:table/${table}/stream/x` })),
        { nil: undefined },
      ),
      confirmed: fc.constant([]),
    });
    const some: fc.Arbitrary<Settings> = fc.tuple(rest, ways).map(([one, way]) => ({ ...one, ...way }));
    fc.assert(
      fc.property(some, (settings) => {
        const written: Readonly<Record<string, string>> = writeSettings(settings);
        expect(readSettings((name) => written[name])).toEqual(settings);
      }),
    );
  });

  it.each([
    [{ confirm: 'everything' }, '-c confirm=everything: write `fleet`, `network`, `private`'],
    [{ stateTable: 'restored' }, 'a restored table needs both'],
    [{ stateTable: 'other', stateStream: RESTORED.stateStream }, 'a restored table needs both'],
    [{ vpcId: 'vpc-11111111' }, 'an existing network needs both'],
    [
      { ...OTHER, vpcId: 'subnet-0123456789abcdef0' },
      '`subnet-0123456789abcdef0` is not valid; write one network, `vpc-`',
    ],
    [{ ...OTHER, privateSubnetIds: 'vpc-11111111' }, '`vpc-11111111` is not valid; write subnets'],
    [{ alarmEmail: 'ops' }, '-c alarmEmail=ops: `ops` is not valid; write addresses'],
    [{ alarmEmail: 'ops@example.net on-call@example.net' }, 'is not valid; write addresses'],
    [{ natInstance: 't4g.nanoo' }, 'write a type of EC2'],
    [{ loginParameters: 'bartizan/keys' }, '`bartizan/keys` is not valid; write parameters'],
    [{ loginParameters: '/bartizan/*/key' }, 'is not valid; write parameters'],
    [{ loginParameters: '/*' }, 'is not valid; write parameters'],
  ])('%j is refused', (context: Record<string, string>, printed) => {
    expect(() => readSettings((name) => context[name])).toThrow(printed);
  });

  it('lists may contain spaces, and a mail address has one subscription', () => {
    const lists = { alarmEmail: 'a@example.net, b@example.net,a@example.net', vpcId: 'vpc-11111111' };
    const context = { ...lists, privateSubnetIds: 'subnet-11111111, subnet-22222222' };
    const settings = readSettings((name) => context[name as keyof typeof context]);
    expect(settings.network?.privateSubnetIds).toEqual(['subnet-11111111', 'subnet-22222222']);
    const topics = resources(synthExample({ context }), 'AWS::SNS::Subscription');
    expect(topics.map(({ Properties }) => Properties.Endpoint)).toEqual(['a@example.net', 'b@example.net']);
  });

  it('settings that are too long for their parameter are refused before the deployment', () => {
    const loginParameters = Array.from(
      { length: 300 },
      (_, i) => `/bartizan/customers/keys/number-${i}`,
    ).join();
    expect(() => defineExample({ context: { loginParameters } })).toThrow(
      /settings: their record needs \d+ bytes in a parameter, which has at most 8192; write `-c loginParameters=/,
    );
  });

  it.each([
    ['vpcID', 'vpcId'],
    ['alarmemail', 'alarmEmail'],
    ['Shards', 'shards'],
    ['nmae', 'name'],
    ['privateSubnetIDs', 'privateSubnetIds'],
  ])('%s is refused with the suggestion %s', (written, meant) => {
    for (const check of [requireKnown, requireWellSpelt])
      expect(() => check(['shards', written])).toThrow(
        new RegExp(`^-c ${written}: no such setting; did you mean \`${meant}\`\\?$`),
      );
  });

  it('an unknown setting is refused on a command line; in the files of CDK its own keys are allowed', () => {
    expect(() => requireKnown(['checked'])).toThrow('-c checked: no such setting; there are');
    const own = [
      'aws:cdk:enable-path-metadata',
      '@aws-cdk/core:x',
      'cli-telemetry',
      'acknowledged-issue-numbers',
    ];
    expect(() => requireWellSpelt([...own, 'shards'])).not.toThrow();
    expect(() => requireKnown(own.slice(0, 2))).not.toThrow();
  });

  it('CDK sends no usage data to its makers, and accepts the setting for it', () => {
    const { context } = JSON.parse(readFileSync('cdk.json', 'utf8')) as { context: Record<string, unknown> };
    expect(context['cli-telemetry']).toBe(false);
    expect(() => requireWellSpelt(Object.keys(context))).not.toThrow();
  });

  it.each(['0', '65536', '8428;8443', '0x50', '1e3', 'https'])(
    'egressPorts=%s is refused with a message',
    (value) => {
      const context = (name: string) => (name === 'egressPorts' ? value : undefined);
      expect(() => readSettings(context)).toThrow(
        `-c egressPorts=${value}: write ports, whole numbers from 1 to 65535, such as \`8428,8443\``,
      );
    },
  );

  it('open ports are refused where no firewall closes any', () => {
    const context: Record<string, string> = { network: 'none', egressPorts: '8443' };
    expect(() => readSettings((name) => context[name])).toThrow(
      '`-c network=none` has no firewall that closes ports: leave `-c egressPorts` out',
    );
  });

  it('synth prints the settings when `deploy` did not compare them with those of the last deployment', () => {
    const printed = (context: Record<string, string>) => {
      const { stacks } = defineExample({ context });
      warnUnchecked(stacks.pipeline.stack, 'my.yaml');
      return Annotations.fromStack(stacks.pipeline.stack)
        .findWarning('*', Match.stringLikeRegexp('For the deployment'))
        .map(({ entry }) => String(entry.data));
    };
    expect(printed({})).toEqual([
      expect.stringMatching(
        /`bartizan` this uses: the configuration my.yaml, a network of its own with a NAT gateway, architecture x86_64, .* shards 1,/,
      ),
    ]);
    expect(printed({ ...OTHER, name: 'seoul', alarmEmail: 'ops@example.net' })).toEqual([
      expect.stringMatching(
        /`seoul` this uses: the configuration my.yaml, the network vpc-0123456789abcdef0, .*alarmEmail ops@example.net/,
      ),
    ]);
    const mark = (context: Record<string, string>) => checkedMark(readSettings((name) => context[name]));
    expect(printed({ [CHECKED]: mark({}) })).toEqual([]);
    // A mark that a person wrote, and a setting that CDK takes from a file which `deploy` did not check.
    expect(() => printed({ [CHECKED]: 'true' })).toThrow('CDK uses other settings than');
    expect(() => printed({ ...OTHER, [CHECKED]: mark({}) })).toThrow('the network vpc-0123456789abcdef0');
  });

  it('the last stack records the settings together with the bastions and the bucket', () => {
    const { stacks } = defineExample({ context: { shards: '4', ...OTHER } });
    const { pipeline } = templatesOf(stacks);
    const [parameter] = Object.values(pipeline.findResources('AWS::SSM::Parameter')).filter(
      ({ Properties }) => Properties.Name === '/bartizan/deployment/settings',
    );
    const { bucket, ...remembered } = parseDeploymentRecord(valueText(parameter?.Properties.Value), 'it');
    expect(bucket).toBe('<Files>');
    expect(remembered.settings).toMatchObject({ shards: '4', ...OTHER, stateTable: '' });
    expect(remembered.bastions).toEqual([{ name: 'seoul', host: 'bastion.example.net', port: 22 }]);
  });
});

const exportsOf = (template: Templates[keyof Templates]) =>
  new Map(
    Object.values(
      (template.toJSON().Outputs ?? {}) as Record<string, { Value: unknown; Export?: { Name: string } }>,
    )
      .filter((output) => output.Export !== undefined)
      .map((output) => [output.Export?.Name ?? '', JSON.stringify(output.Value)]),
  );

const importsOf = (template: Templates[keyof Templates]): string[] =>
  [...JSON.stringify(template.toJSON()).matchAll(/"Fn::ImportValue":"([^"]+)"/g)].map(
    ([, name]) => name ?? '',
  );

/**
 * Exports that the deployed stacks use and that a stack of the next deployment, which is deployed before them, removes.
 */
function takenAway(before: SynthOptions, after: SynthOptions): string[] {
  const [now, next] = [synthExample(before), synthExample(after)];
  const used = new Set([...importsOf(now.history), ...importsOf(now.pipeline)]);
  return (['network', 'data', 'history'] as const).flatMap((stack) => {
    const [old, young] = [exportsOf(now[stack]), exportsOf(next[stack])];
    // A stack that the next deployment does not define stays as it is.
    if (Object.keys(next[stack].toJSON().Resources ?? {}).length === 0) return [];
    return [...old.keys()].filter((name) => used.has(name) && young.get(name) !== old.get(name));
  });
}

describe('a deployment can follow another one', () => {
  it.each<[what: string, before: Record<string, string>, after: Record<string, string>]>([
    ['from its own network into an existing one', {}, OTHER],
    ['from an existing network into its own', OTHER, {}],
    ['from one existing network into another', OTHER, THIRD],
    ['when the store moves into the network', {}, { storeInVpc: 'true' }],
    ['when the store moves out of the network', { storeInVpc: 'true' }, {}],
    ['when it has a restored table', {}, RESTORED],
    ['when it has the table of the stacks again', RESTORED, {}],
  ])('%s', (_, before, after) => {
    expect(takenAway({ context: before }, { context: after })).toEqual([]);
  });

  it('these tests notice a deployment that removes an export', () => {
    const away = takenAway({}, { replace: [['bastions:', 'bastions:']], context: { name: 'other' } });
    expect(away.length).toBeGreaterThan(5);
  });

  it('with an existing network there is no network stack, and nothing imports from one', () => {
    const { app, stacks } = defineExample({ context: OTHER });
    expect(stacks.network.stack).toBeUndefined();
    const { pipeline } = templatesOf(stacks);
    expect(importsOf(pipeline).filter((name) => name.startsWith('BartizanNetwork'))).toEqual([]);
    pipeline.hasResourceProperties('AWS::EC2::SecurityGroup', { VpcId: OTHER.vpcId });
    expect(app.node.tryFindChild('BartizanNetwork')).toBeUndefined();
  });
});

describe('a restored table', () => {
  const templates = synthExample({ context: RESTORED });

  it('is the one that functions read and write and whose stream wakes notify; the table of the stacks stays', () => {
    const functions = resources(templates, 'AWS::Lambda::Function');
    const tables = functions.map(({ Properties }) =>
      valueText(Properties.Environment.Variables.BARTIZAN_TABLE),
    );
    expect(new Set(tables)).toEqual(new Set(['restored']));
    const [stream] = resources(templates, 'AWS::Lambda::EventSourceMapping').filter(
      ({ Properties }) => Properties.StartingPosition !== undefined,
    );
    expect(stream?.Properties.EventSourceArn).toBe(RESTORED.stateStream);
    const policies = JSON.stringify(resources(templates, 'AWS::IAM::Policy'));
    expect(policies).toContain(':table/restored"');
    expect(policies).toContain(':table/restored/index/history');
    expect(policies).not.toContain('GetAttState');
    const [own] = resources(templates, 'AWS::DynamoDB::Table');
    expect(own?.DeletionPolicy).toBe('Retain');
  });
});
