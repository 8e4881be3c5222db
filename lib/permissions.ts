// What each function may do, one need a function. A policy holds nothing else.
import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Config } from '../core/config/types.ts';
import {
  ACTIVE_KEY,
  CONFIG_KEY,
  type Data,
  type DELIVERY_KEY,
  type HEALTH_KEY,
  type JUDGED,
} from './data.ts';

/** One file, or all under a prefix. */
export type Files =
  | 'counters/*'
  | 'charts/*'
  | 'audit/*'
  | `${typeof JUDGED}*`
  | typeof ACTIVE_KEY
  | typeof HEALTH_KEY
  | typeof DELIVERY_KEY;

/** What a transaction may consist of is allowed one by one. */
const STATE_ACTIONS = [
  'dynamodb:BatchGetItem',
  'dynamodb:Query',
  'dynamodb:PutItem',
  'dynamodb:DeleteItem',
  'dynamodb:ConditionCheckItem',
] as const;

/**
 * The configuration that was uploaded, and that which is in force. Who may not list the bucket is told of any missing
 * file that it is forbidden (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html); a condition on the
 * prefix would not hold there, since reading a file names none.
 */
export function allowConfig(fn: LambdaFunction, { bucket }: Data): void {
  const resources = [CONFIG_KEY, ACTIVE_KEY].map((key) => bucket.arnForObjects(key));
  fn.addToRolePolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources }));
  fn.addToRolePolicy(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }));
}

export function allowFiles(
  fn: LambdaFunction,
  { bucket }: Data,
  files: Files,
  access: 'read' | 'write' | 'read and write',
): void {
  const reads = access === 'write' ? [] : ['s3:GetObject'];
  const actions = [...reads, ...(access === 'read' ? [] : ['s3:PutObject'])];
  fn.addToRolePolicy(new PolicyStatement({ actions, resources: [bucket.arnForObjects(files)] }));
}

/** Looking open incidents up by an index, which notify does after a change of the configuration alone. */
export function allowOpenIncidents(fn: LambdaFunction, { table }: Data): void {
  const resources = [`${table.tableArn}/index/history`];
  fn.addToRolePolicy(new PolicyStatement({ actions: ['dynamodb:Query'], resources }));
}

/** Reading and writing state by its keys; no scan, and no index. */
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

/**
 * Exactly these parameters, or all under `/path/*`, decrypted with whatever key they were encrypted with, and nothing
 * else with that key.
 */
export function allowParameters(
  fn: LambdaFunction,
  names: readonly string[],
  actions: readonly string[] = ['ssm:GetParameter'],
): void {
  if (names.length === 0) return;
  const stack = Stack.of(fn);
  const arns = [...new Set(names)].map((name) =>
    stack.formatArn({ service: 'ssm', resource: 'parameter', resourceName: name.replace(/^\//, '') }),
  );
  fn.addToRolePolicy(new PolicyStatement({ actions: [...actions], resources: arns }));
  fn.addToRolePolicy(
    new PolicyStatement({
      actions: ['kms:Decrypt'],
      // Which key it is, the parameter alone knows. Systems Manager names the parameter when it decrypts.
      resources: [stack.formatArn({ service: 'kms', resource: 'key', resourceName: '*' })],
      conditions: { StringLike: { 'kms:EncryptionContext:PARAMETER_ARN': arns } },
    }),
  );
}

/** Reading the sources of clusters, and keeping what they said for when they do not answer. */
export function allowInventory(fn: LambdaFunction, data: Data, { inventory }: Config): void {
  const stack = Stack.of(fn);
  for (const { type, options } of inventory) {
    const { path, table } = options as { path?: string; table?: string };
    if (type === 'ssm' && path !== undefined)
      allowParameters(fn, [path, `${path}/*`], ['ssm:GetParametersByPath']);
    if (type === 'dynamodb' && table !== undefined) {
      const arn = stack.formatArn({ service: 'dynamodb', resource: 'table', resourceName: table });
      fn.addToRolePolicy(new PolicyStatement({ actions: ['dynamodb:Scan'], resources: [arn] }));
    }
  }
  if (inventory.length > 0) allowPartitions(fn, data, ['counters#*', 'part#counters#*']);
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
