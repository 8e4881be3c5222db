import { describe, expect, it } from 'vitest';
import { TABLE_DEFINITION } from '../../adapters/state/dynamodb/layout.ts';
import { resources, synthExample } from './synth.ts';

const templates = synthExample();

describe('the table of state', () => {
  const [table] = resources(templates, 'AWS::DynamoDB::Table');

  it('is the table that the adapter creates by itself', () => {
    const { KeySchema, GlobalSecondaryIndexes, BillingMode, AttributeDefinitions } = TABLE_DEFINITION;
    expect(table?.Properties).toMatchObject({
      KeySchema,
      GlobalSecondaryIndexes,
      BillingMode,
      StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
    });
    const byName = (a: { AttributeName: string }, b: { AttributeName: string }) =>
      a.AttributeName < b.AttributeName ? -1 : 1;
    expect(table?.Properties.AttributeDefinitions.toSorted(byName)).toEqual(
      AttributeDefinitions.toSorted(byName),
    );
  });

  it('survives mistakes: it can be restored, and no deployment deletes it', () => {
    expect(table?.DeletionPolicy).toBe('Retain');
    expect(table?.Properties).toMatchObject({
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });

  it('wakes notify only for new items of the outbox', () => {
    const [stream] = resources(templates, 'AWS::Lambda::EventSourceMapping').filter(
      ({ Properties }) => Properties.StartingPosition !== undefined,
    );
    expect(stream?.Properties.FunctionName.Ref).toMatch(/^NotifyFunction/);
    expect(
      stream?.Properties.FilterCriteria.Filters.map(({ Pattern }: { Pattern: string }) => Pattern),
    ).toEqual(['{"eventName":["INSERT"],"dynamodb":{"NewImage":{"kind":{"S":["outbox"]}}}}']);
    expect(stream?.Properties).toMatchObject({
      MaximumRetryAttempts: 2,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
  });
});

describe('the bucket', () => {
  const [bucket] = resources(templates, 'AWS::S3::Bucket');

  it('is private, encrypted and versioned, and a deployment keeps it', () => {
    expect(bucket?.DeletionPolicy).toBe('Retain');
    expect(bucket?.Properties).toMatchObject({
      VersioningConfiguration: { Status: 'Enabled' },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
    });
    const [policy] = resources(templates, 'AWS::S3::BucketPolicy');
    const denied = policy?.Properties.PolicyDocument.Statement.filter(
      ({ Effect }: { Effect: string }) => Effect === 'Deny',
    );
    expect(denied).toContainEqual(
      expect.objectContaining({ Action: 's3:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
    );
  });

  it('deletes pictures when their addresses expire, and counters when no round compares with them; it keeps the audit log and the configuration', () => {
    const rules = bucket?.Properties.LifecycleConfiguration.Rules as {
      Prefix?: string;
      ExpirationInDays?: number;
      NoncurrentVersionExpiration?: { NoncurrentDays: number };
    }[];
    const expiring = rules.filter(({ ExpirationInDays }) => ExpirationInDays !== undefined);
    expect(expiring.map(({ Prefix, ExpirationInDays }) => [Prefix, ExpirationInDays])).toEqual([
      ['charts/', 30],
      ['counters/', 7],
      // Sections of former configurations.
      ['config/expanded/', 30],
    ]);
    // Files that each round overwrites.
    const replaced = rules.filter(({ NoncurrentVersionExpiration }) => NoncurrentVersionExpiration);
    const prefixes = [
      'charts/',
      'counters/',
      'config/expanded/',
      'health.json',
      'due.json',
      'delivery.json',
      'planned.json',
      'judged/',
    ];
    expect(replaced.map(({ Prefix }) => Prefix)).toEqual(prefixes);
  });

  it('only our functions write it, and none deletes from it; whoever deploys uploads the configuration', () => {
    const stages = ['Plan', 'Probe', 'Store', 'Evaluate', 'Notify', 'Deliver', 'History', 'HistoryIam'];
    const others = resources(templates, 'AWS::Lambda::Function').filter(
      ({ id }) => !stages.some((stage) => id.startsWith(`${stage}Function`)),
    );
    expect(others).toEqual([]);
    expect(resources(templates, 'AWS::Lambda::LayerVersion')).toEqual([]);
    const policies = JSON.stringify(resources(templates, 'AWS::IAM::Policy'));
    expect(policies).not.toMatch(/s3:(Delete|\*)/);
  });
});

describe('the table of samples', () => {
  it('exists in Timestream if the configuration names one, with the retention of the configuration', () => {
    const own = synthExample({
      edit: (config) => ({
        ...config,
        store: {
          ...config.store,
          type: 'timestream',
          options: { database: 'bartizan', table: 'samples', region: 'eu-west-1' },
        },
      }),
    });
    const [samples] = resources(own, 'AWS::Timestream::Table');
    expect(samples?.DeletionPolicy).toBe('Retain');
    expect(samples?.Properties).toMatchObject({
      DatabaseName: { Ref: expect.stringMatching(/^SampleDatabase/) },
      TableName: 'samples',
      RetentionProperties: { MagneticStoreRetentionPeriodInDays: '7' },
      MagneticStoreWriteProperties: { EnableMagneticStoreWrites: true },
    });
    expect(resources(templates, 'AWS::Timestream::Table')).toEqual([]);
  });
});

describe('the network', () => {
  it('has one egress, with one address for the firewalls of bastions', () => {
    const [nat, ...others] = resources(templates, 'AWS::EC2::NatGateway');
    const [address] = resources(templates, 'AWS::EC2::EIP');
    expect(others).toEqual([]);
    expect(nat?.Properties.AllocationId).toEqual({ 'Fn::GetAtt': [address?.id, 'AllocationId'] });
    expect(templates.network.findOutputs('ProbeAddress').ProbeAddress?.Value).toEqual({ Ref: address?.id });
  });

  it('has public and private subnets in two zones; probe is in the private subnet of the zone with the egress', () => {
    const subnets = resources(templates, 'AWS::EC2::Subnet');
    const kinds = subnets.map(({ id }) => id.replace(/Subnet\d.*$/, ''));
    expect(kinds.sort()).toEqual(['Vpcprivate', 'Vpcprivate', 'Vpcpublic', 'Vpcpublic']);
    expect(subnets.filter(({ Properties }) => Properties.MapPublicIpOnLaunch !== false)).toEqual([]);
    const probe = resources(templates, 'AWS::Lambda::Function').find(({ id }) => id.startsWith('Probe'));
    const used = JSON.stringify(probe?.Properties.VpcConfig.SubnetIds);
    expect(used.match(/Vpcprivate/g)).toHaveLength(1);
    const zoneOf = (text: string) =>
      subnets.find(({ id }) => text.includes(id))?.Properties.AvailabilityZone as unknown;
    const [nat] = resources(templates, 'AWS::EC2::NatGateway');
    expect(zoneOf(used)).toEqual(zoneOf(JSON.stringify(nat?.Properties.SubnetId)));
    expect(used).not.toContain('Vpcpublic');
  });

  it('can be an existing one', () => {
    const own = synthExample({
      context: { vpcId: 'vpc-0123456789abcdef0', privateSubnetIds: 'subnet-0123456789abcdef0' },
    });
    expect(resources(own, 'AWS::EC2::VPC')).toEqual([]);
    expect(resources(own, 'AWS::EC2::NatGateway')).toEqual([]);
    const probe = resources(own, 'AWS::Lambda::Function').find(({ id }) => id.startsWith('Probe'));
    expect(probe?.Properties.VpcConfig.SubnetIds).toEqual(['subnet-0123456789abcdef0']);
  });
});
