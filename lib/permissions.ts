// What each function may do, one need a function. A policy holds nothing else.
import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Config } from '../core/config/types.ts';
import { ACTIVE_KEY, CONFIG_KEY, type Data } from './data.ts';

export type FilePrefix = 'counters/' | 'charts/' | 'audit/';

/** What a transaction may consist of is allowed one by one. */
const STATE_ACTIONS = [
  'dynamodb:BatchGetItem',
  'dynamodb:Query',
  'dynamodb:PutItem',
  'dynamodb:DeleteItem',
  'dynamodb:ConditionCheckItem',
] as const;

export function allowConfig(fn: LambdaFunction, { bucket }: Data): void {
  fn.addToRolePolicy(
    new PolicyStatement({
      actions: ['s3:GetObject'],
      resources: [CONFIG_KEY, ACTIVE_KEY].map((key) => bucket.arnForObjects(key)),
    }),
  );
  allowListing(fn, bucket, 'config/*');
}

/** One file. */
export function allowFile(fn: LambdaFunction, { bucket }: Data, key: string, access: 'read' | 'write'): void {
  const action = access === 'read' ? 's3:GetObject' : 's3:PutObject';
  fn.addToRolePolicy(new PolicyStatement({ actions: [action], resources: [bucket.arnForObjects(key)] }));
  if (access === 'read') allowListing(fn, bucket, key);
}

/** Files under a prefix. */
export function allowFiles(
  fn: LambdaFunction,
  { bucket }: Data,
  prefix: FilePrefix,
  access: 'read' | 'write' | 'read and write',
): void {
  const reads = access !== 'write';
  const actions = [...(reads ? ['s3:GetObject'] : []), ...(access === 'read' ? [] : ['s3:PutObject'])];
  fn.addToRolePolicy(new PolicyStatement({ actions, resources: [bucket.arnForObjects(`${prefix}*`)] }));
  if (reads) allowListing(fn, bucket, `${prefix}*`);
}

/** Who may not list is told that a missing file is forbidden. */
function allowListing(fn: LambdaFunction, bucket: Data['bucket'], prefix: string): void {
  fn.addToRolePolicy(
    new PolicyStatement({
      actions: ['s3:ListBucket'],
      resources: [bucket.bucketArn],
      conditions: { StringLike: { 's3:prefix': prefix } },
    }),
  );
}

/** Reading and writing state by its keys; no scan, and no index: those serve what people look at, not stages. */
export function allowState(fn: LambdaFunction, { table }: Data): void {
  fn.addToRolePolicy(new PolicyStatement({ actions: [...STATE_ACTIONS], resources: [table.tableArn] }));
}

/**
 * The same in some partitions of the table alone, `*` allowed; see adapters/state/dynamodb/layout.ts.
 */
export function allowPartitions(fn: LambdaFunction, { table }: Data, partitions: readonly string[]): void {
  fn.addToRolePolicy(
    new PolicyStatement({
      actions: [...STATE_ACTIONS],
      resources: [table.tableArn],
      conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': partitions } },
    }),
  );
}

/** Exactly these parameters, decrypted with whatever key they were encrypted with, and nothing else with that key. */
export function allowParameters(fn: LambdaFunction, names: readonly string[]): void {
  if (names.length === 0) return;
  const stack = Stack.of(fn);
  const arns = [...new Set(names)].map((name) =>
    stack.formatArn({ service: 'ssm', resource: 'parameter', resourceName: name.replace(/^\//, '') }),
  );
  fn.addToRolePolicy(
    new PolicyStatement({ actions: ['ssm:GetParameter', 'ssm:GetParameters'], resources: arns }),
  );
  fn.addToRolePolicy(
    new PolicyStatement({
      actions: ['kms:Decrypt'],
      // Which key it is, the parameter alone knows. Systems Manager names the parameter when it decrypts.
      resources: [stack.formatArn({ service: 'kms', resource: 'key', resourceName: '*' })],
      conditions: { StringEquals: { 'kms:EncryptionContext:PARAMETER_ARN': arns } },
    }),
  );
}

/** The sample store with the credentials of the function, where it is one of AWS. */
export function allowSamples(
  fn: LambdaFunction,
  { store }: Config,
  access: 'read' | 'write' | 'read and write',
): void {
  const stack = Stack.of(fn);
  const [reads, writes] = [access !== 'write', access !== 'read'];
  if (store.type === 'timestream') {
    const { database, table } = store.options as { database: string; table: string };
    const actions = [
      'timestream:DescribeTable',
      ...(reads ? ['timestream:Select'] : []),
      ...(writes ? ['timestream:WriteRecords'] : []),
    ];
    const resourceName = `${database}/table/${table}`;
    const arn = stack.formatArn({ service: 'timestream', resource: 'database', resourceName });
    fn.addToRolePolicy(new PolicyStatement({ actions, resources: [arn] }));
    fn.addToRolePolicy(new PolicyStatement({ actions: ['timestream:DescribeEndpoints'], resources: ['*'] }));
    return;
  }
  const workspace = workspaceOf(store.options);
  if (workspace === undefined) return;
  const actions = [...(reads ? ['aps:QueryMetrics'] : []), ...(writes ? ['aps:RemoteWrite'] : [])];
  const arn = stack.formatArn({
    service: 'aps',
    region: workspace.region,
    resource: 'workspace',
    resourceName: workspace.id,
  });
  fn.addToRolePolicy(new PolicyStatement({ actions, resources: [arn] }));
}

/** Of a store that requests are signed for; every workspace of the region where the address is itself a secret. */
function workspaceOf(options: Config['store']['options']): { region: string; id: string } | undefined {
  const { sigv4, url } = options as { sigv4?: { region: string; service?: string }; url: string };
  if (sigv4 === undefined || (sigv4.service ?? 'aps') !== 'aps') return undefined;
  return { region: sigv4.region, id: /\/workspaces\/([\w-]+)/.exec(url)?.[1] ?? '*' };
}
