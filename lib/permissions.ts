// The permissions of functions: one function here for each need. A policy contains nothing else.
import { Annotations, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { SIGNATURES_KEY } from '../adapters/aws/deployment.ts';
import type { Workspace } from '../adapters/stores/prometheus/workspace.ts';
import { parametersIn } from '../core/deployment/parameter-names.ts';
import { hashText } from '../core/hash.ts';
import type { Config } from '../core/model/config.ts';
import {
  ACTIVE_KEY,
  CONFIG_KEY,
  type Data,
  type DELIVERY_KEY,
  type DUE_KEY,
  type EVALUATED,
  type HEALTH_KEY,
  MANIFEST_KEY,
  PARTS_PREFIX,
  type PLANNED_KEY,
} from './data.ts';
import { foldNames, NAMES_A_STATEMENT } from './policy-size.ts';

/** One object, or all under a prefix. */
export type Files =
  | 'counters/*'
  | 'charts/*'
  | 'audit/*'
  | `${typeof EVALUATED}*`
  | typeof HEALTH_KEY
  | typeof DUE_KEY
  | typeof DELIVERY_KEY
  | typeof PLANNED_KEY;

/** IAM allows a transaction by its single actions. */
const STATE_ACTIONS = [
  'dynamodb:BatchGetItem',
  'dynamodb:Query',
  'dynamodb:PutItem',
  'dynamodb:DeleteItem',
  'dynamodb:ConditionCheckItem',
] as const;

/** The sections of the active configuration, as core/deployment/expanded.ts writes them. */
export type ConfigPart = 'public' | 'settings' | 'logins' | 'nodes';

/**
 * Allows reading these sections of the active configuration. A function that may not list the bucket gets `forbidden`
 * for a missing object (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html); a condition on the prefix
 * has no effect there, because reading an object names none.
 */
export function allowConfig(fn: LambdaFunction, { bucket }: Data, parts: readonly ConfigPart[]): void {
  // Whoever logs in to nodes sends them signatures of scripts.
  const signatures = parts.includes('logins') ? [SIGNATURES_KEY] : [];
  const keys = [MANIFEST_KEY, ...signatures, ...parts.map((part) => `${PARTS_PREFIX}${part}-*`)];
  const resources = keys.map((key) => bucket.arnForObjects(key));
  fn.addToRolePolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources }));
  fn.addToRolePolicy(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }));
}

/** Allows activating an upload: writing its text, its sections and the manifest. */
export function allowActivation(fn: LambdaFunction, { bucket }: Data): void {
  const made = [ACTIVE_KEY, MANIFEST_KEY, `${PARTS_PREFIX}*`].map((key) => bucket.arnForObjects(key));
  const resources = [bucket.arnForObjects(CONFIG_KEY), ...made];
  fn.addToRolePolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources }));
  fn.addToRolePolicy(new PolicyStatement({ actions: ['s3:PutObject'], resources: made }));
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

/** Allows finding open incidents by an index, which notify does only after a change of the configuration. */
export function allowOpenIncidents(fn: LambdaFunction, { table }: Data): void {
  const resources = [`${table.tableArn}/index/history`];
  fn.addToRolePolicy(new PolicyStatement({ actions: ['dynamodb:Query'], resources }));
}

/**
 * What people ask of state: alerts, transitions, incidents and their messages, the last status of nodes. A long item has
 * parts.
 */
const ASKED_KINDS = ['rule', 'transition', 'incident', 'deliveries', 'status'];
const ASKED = ['rules', 'alert#*', ...ASKED_KINDS.flatMap((kind) => [`${kind}#*`, `part#${kind}#*`])];

/** Allows what queries read of state, and no more of its writes than they need. */
export function allowQueries(fn: LambdaFunction, data: Data): void {
  const { table } = data;
  allowReading(fn, data, ASKED);
  // Whoever looks for the incidents of an alert removes links that no longer hold
  // (adapters/state/dynamodb/incident-links.ts).
  allowPartitions(fn, data, ['alert#*'], ['dynamodb:DeleteItem']);
  // Of history, and of one alert.
  const indexes = ['history', 'alert'].map((index) => `${table.tableArn}/index/${index}`);
  fn.addToRolePolicy(new PolicyStatement({ actions: ['dynamodb:Query'], resources: indexes }));
}

/** Allows reading and writing state by its keys; no scan, and no index. */
export function allowState(fn: LambdaFunction, { table }: Data): void {
  fn.addToRolePolicy(new PolicyStatement({ actions: [...STATE_ACTIONS], resources: [table.tableArn] }));
}

/** The same in only some partitions of the table, with `*` as a wildcard; see adapters/state/dynamodb/layout.ts. */
export function allowPartitions(
  fn: LambdaFunction,
  { table }: Data,
  partitions: readonly string[],
  actions: readonly string[] = STATE_ACTIONS,
): void {
  fn.addToRolePolicy(
    new PolicyStatement({
      actions: [...actions],
      resources: [table.tableArn],
      conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': partitions } },
    }),
  );
}

function allowReading(fn: LambdaFunction, data: Data, partitions: readonly string[]): void {
  allowPartitions(fn, data, partitions, ['dynamodb:BatchGetItem', 'dynamodb:Query']);
}

/**
 * Allows reading these parameters, or all under `/path/*`, and decrypting them with any key, but nothing else with that
 * key. When a policy has no room for all names, it allows their paths, which contain none of `others`; a warning at
 * synth names them.
 * @throws ConfigError when there is no room for the paths either
 */
export function allowParameters(
  fn: LambdaFunction,
  asked: readonly string[],
  {
    actions = ['ssm:GetParameter', 'ssm:GetParameters'],
    others = [],
  }: { actions?: readonly string[]; others?: readonly string[] } = {},
): void {
  const stack = Stack.of(fn);
  const { names, folded } = foldNames(asked, others);
  if (folded.length > 0) {
    Annotations.of(fn).addWarningV2(
      'bartizan:parameters',
      `${asked.length} parameters are too many for a policy: the function may read all under ${folded.join(', ')}`,
    );
  }
  for (let i = 0; i < names.length; i += NAMES_A_STATEMENT) {
    const some = names.slice(i, i + NAMES_A_STATEMENT);
    const arns = some.map((name) =>
      stack.formatArn({ service: 'ssm', resource: 'parameter', resourceName: name.replace(/^\//, '') }),
    );
    // With a name, CDK leaves a statement unchanged, and does not merge statements into one that is too long.
    const sid = hashText(`${actions} ${some}`);
    fn.addToRolePolicy(new PolicyStatement({ sid: `Read${sid}`, actions: [...actions], resources: arns }));
    fn.addToRolePolicy(
      new PolicyStatement({
        sid: `Decrypt${sid}`,
        actions: ['kms:Decrypt'],
        // Only the parameter knows its key. Systems Manager names the parameter when it decrypts.
        resources: [stack.formatArn({ service: 'kms', resource: 'key', resourceName: '*' })],
        conditions: { StringLike: { 'kms:EncryptionContext:PARAMETER_ARN': arns } },
      }),
    );
  }
}

/** The last answers of sources. */
const KEPT = ['counters#*', 'part#counters#*'];

/** Allows reading the sources of clusters, and keeping their last answer for times when they do not answer. */
export function allowInventory(fn: LambdaFunction, data: Data, { inventory }: Config): void {
  const stack = Stack.of(fn);
  for (const { type, options } of inventory) {
    const { path, table } = options as { path?: string; table?: string };
    if (type === 'ssm' && path !== undefined)
      allowParameters(fn, [path, `${path}/*`], { actions: ['ssm:GetParametersByPath'] });
    if (type === 'http') allowParameters(fn, parametersIn(options));
    if (type === 'dynamodb' && table !== undefined) {
      const arn = stack.formatArn({ service: 'dynamodb', resource: 'table', resourceName: table });
      fn.addToRolePolicy(new PolicyStatement({ actions: ['dynamodb:Scan'], resources: [arn] }));
    }
  }
  if (inventory.length > 0) allowPartitions(fn, data, KEPT);
}

/** Allows reading what others have read of the sources of clusters. */
export function allowKeptInventory(fn: LambdaFunction, data: Data, { inventory }: Config): void {
  if (inventory.length > 0) allowReading(fn, data, KEPT);
}

/** Allows using a sample store of AWS with the function's credentials. */
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

/** The workspace for which requests are signed; `*`, which means all of the region, when the address is a secret. */
export function workspaceOf(options: Config['store']['options']): Workspace | undefined {
  const { sigv4, url } = options as { sigv4?: { region: string; service?: string }; url: string };
  if (sigv4 === undefined || (sigv4.service ?? 'aps') !== 'aps') return undefined;
  return { region: sigv4.region, id: /\/workspaces\/([\w-]+)/.exec(url)?.[1] ?? '*' };
}
