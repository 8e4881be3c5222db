import { Annotations, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  type Attribute,
  AttributeType,
  BillingMode,
  type ITable,
  ProjectionType,
  StreamViewType,
  Table,
} from 'aws-cdk-lib/aws-dynamodb';
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-timestream';
import type { Construct } from 'constructs';
import { CONFIG_KEY } from '../adapters/aws/deployment.ts';
import { TABLE_DEFINITION, TTL_ATTRIBUTE } from '../adapters/state/dynamodb/layout.ts';
import type { Config } from '../core/model/config.ts';
import { stackName } from './names.ts';
import type { Settings } from './settings.ts';

export { CONFIG_KEY };
/** The active configuration, which `plan` copies from a valid upload. */
export const ACTIVE_KEY = 'config/active.yaml';
/** The sections of the active configuration, which functions read: see functions/expanded-sections.ts. */
export const MANIFEST_KEY = 'config/active.json';
export const PARTS_PREFIX = 'config/expanded/';
/** The mark of the last evaluated round. See functions/health.ts. */
export const HEALTH_KEY = 'health.json';
/** The due batches of rounds. See functions/round-account.ts. */
export const DUE_KEY = 'due.json';
/** See functions/health.ts. */
export const DELIVERY_KEY = 'delivery.json';
/** The round that was planned last. */
export const PLANNED_KEY = 'planned.json';
/** The marks of evaluated shards. See functions/health.ts. */
export const EVALUATED = 'judged/';

export interface Data {
  stack: Stack;
  /** The table of the stack, or one that was restored from a backup. */
  table: ITable;
  bucket: Bucket;
}

export interface DataProps {
  config: Config;
  settings: Settings;
}

/** The data, which survive all other stacks: state, files, and the sample store if the stacks create it. */
export function createData(app: Construct, { config, settings }: DataProps): Data {
  const stack = new Stack(app, stackName(app, 'Data'), { description: 'Bartizan: state, files and samples' });
  const own = createTable(stack);
  // Stays exported although this version does not use it: the deployed pipeline uses it until it is deployed again.
  for (const value of [own.tableName, own.tableArn, own.tableStreamArn]) stack.exportValue(value);
  const table = settings.restored ? restoredTable(stack, settings.restored) : own;
  const bucket = createBucket(stack, config, settings.auditDays);
  // An endpoint belongs to an emulator, or to a table that somebody else created.
  const { type, options } = config.store;
  if (type === 'timestream' && options.endpoint === undefined) createTimestream(stack, config.store);
  new CfnOutput(stack, 'ConfigAddress', {
    description: 'Where the functions read the configuration',
    value: `s3://${bucket.bucketName}/${CONFIG_KEY}`,
  });
  return { stack, table, bucket };
}

function restoredTable(
  stack: Stack,
  { table: tableName, stream: tableStreamArn }: NonNullable<Settings['restored']>,
): ITable {
  const tableArn = stack.formatArn({ service: 'dynamodb', resource: 'table', resourceName: tableName });
  return Table.fromTableAttributes(stack, 'Restored', { tableArn, tableStreamArn });
}

/** The table with the layout of its adapter. */
function createTable(stack: Stack): Table {
  const { KeySchema, GlobalSecondaryIndexes } = TABLE_DEFINITION;
  const table = new Table(stack, 'State', {
    ...keyOf(KeySchema),
    billingMode: BillingMode.PAY_PER_REQUEST,
    stream: StreamViewType[TABLE_DEFINITION.StreamSpecification.StreamViewType],
    timeToLiveAttribute: TTL_ATTRIBUTE,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: true,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  for (const { IndexName, KeySchema: keys, Projection } of GlobalSecondaryIndexes) {
    table.addGlobalSecondaryIndex({
      indexName: IndexName,
      ...keyOf(keys),
      projectionType: ProjectionType[Projection.ProjectionType],
    });
  }
  return table;
}

function keyOf(keys: (typeof TABLE_DEFINITION)['KeySchema']): {
  partitionKey: Attribute;
  sortKey: Attribute;
} {
  const attribute = (type: 'HASH' | 'RANGE'): Attribute => ({
    name: keys.find(({ KeyType }) => KeyType === type)?.AttributeName ?? '',
    type: AttributeType.STRING,
  });
  return { partitionKey: attribute('HASH'), sortKey: attribute('RANGE') };
}

function createBucket(stack: Stack, { checks, server }: Config, auditDays: number | undefined): Bucket {
  const slowestMs = Math.max(...checks.map(({ everyMs }) => everyMs));
  const bucket = new Bucket(stack, 'Files', {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    versioned: true,
    removalPolicy: RemovalPolicy.RETAIN,
    lifecycleRules: [
      {
        id: 'charts',
        prefix: 'charts/',
        expiration: Duration.days(Math.max(1, Math.ceil(server.chartRetentionMs / 86_400_000))),
        noncurrentVersionExpiration: Duration.days(1),
      },
      // Each round overwrites these files, and nobody needs an older version.
      {
        id: 'counters',
        prefix: 'counters/',
        // The counters of batches that no longer exist: after three rounds nobody compares with them.
        expiration: Duration.days(Math.max(7, Math.ceil((3 * slowestMs) / 86_400_000) + 1)),
        noncurrentVersionExpiration: Duration.days(1),
      },
      {
        id: 'expanded-config',
        prefix: PARTS_PREFIX,
        // Plan writes the active sections again each day, and after a longer stop.
        expiration: Duration.days(30),
        noncurrentVersionExpiration: Duration.days(1),
      },
      { id: 'health', prefix: HEALTH_KEY, noncurrentVersionExpiration: Duration.days(1) },
      { id: 'due', prefix: DUE_KEY, noncurrentVersionExpiration: Duration.days(1) },
      { id: 'delivery', prefix: DELIVERY_KEY, noncurrentVersionExpiration: Duration.days(1) },
      { id: 'planned', prefix: PLANNED_KEY, noncurrentVersionExpiration: Duration.days(1) },
      { id: 'judged', prefix: EVALUATED, noncurrentVersionExpiration: Duration.days(1) },
      // No cheaper class: packed objects are smaller than its minimum (128 KB), and a move costs as much as seven
      // months.
      ...(auditDays === undefined
        ? []
        : [
            {
              id: 'audit',
              prefix: 'audit/',
              expiration: Duration.days(auditDays),
              noncurrentVersionExpiration: Duration.days(1),
            },
          ]),
      { id: 'uploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
    ],
  });
  // Nobody may overwrite the record of an access
  // (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html).
  bucket.addToResourcePolicy(
    new PolicyStatement({
      effect: Effect.DENY,
      principals: [new AnyPrincipal()],
      actions: ['s3:PutObject'],
      resources: [bucket.arnForObjects('audit/*')],
      conditions: { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } },
    }),
  );
  return bucket;
}

/** The service refuses accounts that never used it, without naming the alternative; this message does. */
function createTimestream(stack: Stack, { options, retentionMs }: Config['store']): void {
  const { database: databaseName, table: tableName } = options as { database: string; table: string };
  Annotations.of(stack).addWarningV2(
    'bartizan:timestream',
    'Timestream for LiveAnalytics takes no new customers since 2025-06-20. If AWS refuses SampleDatabase, write `store: { type: prometheus }` with a workspace of Amazon Managed Prometheus.',
  );
  const database = new CfnDatabase(stack, 'SampleDatabase', { databaseName });
  const samples = new CfnTable(stack, 'Samples', {
    databaseName: database.ref,
    tableName,
    retentionProperties: {
      // Late samples may come for hours; later ones go directly to the magnetic store.
      MemoryStoreRetentionPeriodInHours: '24',
      MagneticStoreRetentionPeriodInDays: String(Math.max(1, Math.ceil(retentionMs / 86_400_000))),
    },
    magneticStoreWriteProperties: { EnableMagneticStoreWrites: true },
  });
  for (const resource of [database, samples]) resource.applyRemovalPolicy(RemovalPolicy.RETAIN);
}
