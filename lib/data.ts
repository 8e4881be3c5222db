import { Annotations, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  type Attribute,
  AttributeType,
  BillingMode,
  ProjectionType,
  StreamViewType,
  Table,
} from 'aws-cdk-lib/aws-dynamodb';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { BucketDeployment, Source } from 'aws-cdk-lib/aws-s3-deployment';
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-timestream';
import type { Construct } from 'constructs';
import { TABLE_DEFINITION, TTL_ATTRIBUTE } from '../adapters/state/dynamodb/layout.ts';
import type { Config } from '../core/config/types.ts';

export const CONFIG_KEY = 'config/bartizan.yaml';
/** The one in force, which `plan` makes of an uploaded one that is right. */
export const ACTIVE_KEY = 'config/active.yaml';
/** What the last completed round leaves. */
export const HEALTH_KEY = 'health.json';
/** See functions/health.ts. */
export const DELIVERY_KEY = 'delivery.json';
/** What each part of the fleet leaves when it was judged. */
export const JUDGED = 'judged/';

export interface Data {
  stack: Stack;
  table: Table;
  bucket: Bucket;
}

export interface DataProps {
  config: Config;
  /** The configuration as written, for the bucket; undefined: whoever deploys puts it there. */
  configText: string | undefined;
}

/** What outlives everything else: state, files, and with it the sample store where that is ours. */
export function createData(app: Construct, { config, configText }: DataProps): Data {
  const stack = new Stack(app, 'BartizanData', { description: 'Bartizan: state, files and samples' });
  const table = createTable(stack);
  const bucket = createBucket(stack, config);
  // With an endpoint of its own it is an emulator's, or one that somebody has made.
  const { type, options } = config.store;
  if (type === 'timestream' && options.endpoint === undefined) createTimestream(stack, config.store);
  if (configText !== undefined) uploadConfig(stack, bucket, configText);
  new CfnOutput(stack, 'ConfigAddress', {
    description: 'Where the functions read the configuration',
    value: `s3://${bucket.bucketName}/${CONFIG_KEY}`,
  });
  return { stack, table, bucket };
}

/** The table as its adapter lays it out. */
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

function createBucket(stack: Stack, { checks, server }: Config): Bucket {
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
      // Written over each round: an older version serves nobody.
      {
        id: 'counters',
        prefix: 'counters/',
        // Of batches that are no more: after three rounds nobody compares with them.
        expiration: Duration.days(Math.max(7, Math.ceil((3 * slowestMs) / 86_400_000) + 1)),
        noncurrentVersionExpiration: Duration.days(1),
      },
      { id: 'health', prefix: HEALTH_KEY, noncurrentVersionExpiration: Duration.days(1) },
      { id: 'delivery', prefix: DELIVERY_KEY, noncurrentVersionExpiration: Duration.days(1) },
      { id: 'judged', prefix: JUDGED, noncurrentVersionExpiration: Duration.days(1) },
      { id: 'uploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
    ],
  });
  return bucket;
}

/** The service refuses accounts that never used it, in words that do not name the alternative: we do. */
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
      // Late samples may come for hours; what comes later goes to the magnetic store at once.
      MemoryStoreRetentionPeriodInHours: '24',
      MagneticStoreRetentionPeriodInDays: String(Math.max(1, Math.ceil(retentionMs / 86_400_000))),
    },
    magneticStoreWriteProperties: { EnableMagneticStoreWrites: true },
  });
  for (const resource of [database, samples]) resource.applyRemovalPolicy(RemovalPolicy.RETAIN);
}

function uploadConfig(stack: Stack, bucket: Bucket, text: string): void {
  new BucketDeployment(stack, 'Config', {
    destinationBucket: bucket,
    destinationKeyPrefix: CONFIG_KEY.replace(/[^/]+$/, ''),
    sources: [Source.data(CONFIG_KEY.replace(/^.*\//, ''), text)],
    prune: false,
    retainOnDelete: true,
  });
}
