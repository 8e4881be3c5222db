// What only a deployment changes in an account. `plan` compares it with an uploaded configuration, and reports what needs another
// deployment.
import { z } from 'zod';
import { hashNumber } from '../hash.ts';
import type { Config } from '../model/config.ts';
import { probeTimeoutSeconds, querySeconds, tickMinutes } from './deploy-times.ts';
import { referencesIn } from './on-aws.ts';
import { parameterNames } from './parameter-names.ts';

/**
 * An environment variable holds it, in 4 KB together with the queues of twenty bastions
 * (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html). So long values are hashed.
 */
export const deployedSchema = z.strictObject({
  /** Minutes. */
  tick: z.number(),
  /** Time-out of probe in seconds. */
  probeS: z.number(),
  /** How long pictures are kept. */
  chartDays: z.number(),
  /** The longest query in seconds; 0: the deployment answers none. */
  queryS: z.number(),
  store: z.string(),
  /** For each bastion the hash of its name, the hash of host and port, and its connections, without a separator. */
  bastions: z.string(),
  /** Hashes of the parameters that functions may read, and of the sources of clusters. */
  logins: z.string(),
  channels: z.string(),
  heartbeat: z.string(),
  oidc: z.string(),
  inventory: z.string(),
});

export type Deployed = z.output<typeof deployedSchema>;

/** A longer list becomes one hash; then every change of it needs a deployment. */
const MOST_HASHES = 30;
const HASH_LENGTH = 4;
const DAY_MS = 24 * 3_600_000;

/** @param logins parameters that `probe` may read for its logins: names, and paths as `/path/*` */
export function describeDeployed(config: Config, logins: readonly string[]): Deployed {
  const names = parameterNames(config);
  return {
    tick: tickMinutes(config.checks) ?? 0,
    probeS: probeTimeoutSeconds(config.bastions),
    chartDays: chartDays(config),
    queryS: querySeconds(config),
    store: storeHash(config),
    bastions: config.bastions
      .map((bastion) => `${shortHash(bastion.name)}${addressHash(bastion)}${bastion.maxConnections}`)
      .join(' '),
    logins: listOf(logins, names.logins),
    channels: listOf(names.channels),
    heartbeat: listOf(names.heartbeat),
    oidc: listOf(names.oidc),
    inventory: listOf(sourceNames(config)),
  };
}

/** One line for each field of a configuration that needs a deployment. */
export function undeployedChanges(config: Config, deployed: Deployed): string[] {
  return [
    ...timeChanges(config, deployed),
    ...config.bastions.flatMap((bastion) => bastionChanges(bastion, deployed)),
    ...(storeHash(config) === deployed.store
      ? []
      : ['store: permissions, time-outs and the network are those of the deployed one']),
    ...(chartDays(config) > deployed.chartDays
      ? [`server.chartRetention: the bucket deletes pictures after ${deployed.chartDays} days`]
      : []),
    ...queryChanges(config, deployed),
    ...parameterChanges(config, deployed),
    ...sourceNames(config)
      .filter((name) => !holds(deployed.inventory, name, sourceNames(config)))
      .map((name) => `inventory: no function may read ${name}`),
  ];
}

function timeChanges({ checks, bastions }: Config, deployed: Deployed): string[] {
  const tick = tickMinutes(checks);
  const seconds = probeTimeoutSeconds(bastions);
  return [
    ...(tick === deployed.tick
      ? []
      : [
          `checks.every: rounds would start every ${tick} min, and the schedule starts them every ${deployed.tick}`,
        ]),
    ...(seconds > deployed.probeS
      ? [
          `bastions.batchSize, concurrency, deadlines: a batch of silent nodes takes ${seconds} s, and probe ends after ${deployed.probeS}`,
        ]
      : []),
  ];
}

function queryChanges(config: Config, { queryS }: Deployed): string[] {
  const seconds = querySeconds(config);
  if (seconds <= queryS) return [];
  if (queryS === 0) return ['server.history.enabled: the deployed functions may read nothing to answer with'];
  return [
    `server.history.timeout: a query may take ${seconds} s, and its function was deployed for ${queryS}`,
  ];
}

function bastionChanges(bastion: Config['bastions'][number], { bastions }: Deployed): string[] {
  const { name, maxConnections } = bastion;
  const there = bastions.split(' ').find((one) => one.startsWith(shortHash(name)));
  if (there === undefined) return [`no queue was deployed for bastions ${name}`];
  const [address, connections] = [
    there.slice(HASH_LENGTH, 2 * HASH_LENGTH),
    Number(there.slice(2 * HASH_LENGTH)),
  ];
  return [
    ...(address === addressHash(bastion)
      ? []
      : [`bastions ${name}.host, port: the network lets functions out to those that were deployed`]),
    ...(connections === maxConnections
      ? []
      : [`bastions ${name}.maxConnections: its queue feeds ${connections} functions at once`]),
  ];
}

function parameterChanges(config: Config, deployed: Deployed): string[] {
  const names = parameterNames(config);
  const login = ({
    privateKey,
    passphrase,
    agent,
  }: Config['bastions'][number] | Config['clusters'][number]) => [privateKey, passphrase, agent];
  const uses = [
    ...config.bastions.map((one) => ({
      at: `bastions ${one.name}`,
      of: 'logins' as const,
      value: login(one),
    })),
    ...config.clusters.map((one) => ({
      at: `clusters ${one.name}`,
      of: 'logins' as const,
      value: login(one),
    })),
    ...config.checks.map(({ name, options }) => ({
      at: `checks ${name}`,
      of: 'logins' as const,
      value: options,
    })),
    ...config.channels.map(({ name, options }) => ({
      at: `channels ${name}`,
      of: 'channels' as const,
      value: options,
    })),
    { at: 'server.heartbeat', of: 'heartbeat' as const, value: config.server.heartbeat },
    { at: 'server.oidc', of: 'oidc' as const, value: config.server.oidc },
  ];
  return uses.flatMap(({ at, of, value }) =>
    referencesIn(value)
      // A colon separates the parameter's name from a version or label.
      .filter(({ kind, name }) => kind === 'ssm' && !holds(deployed[of], name.replace(/:.*$/, ''), names[of]))
      .map(({ text }) => `${at}: no function may read ${text}`),
  );
}

/** Hashes of names, or of paths that contain them. A list that is too long becomes the hash of `all`. */
function listOf(names: readonly string[], all = names): string {
  return names.length > MOST_HASHES ? `=${wholeHash(all)}` : names.map(shortHash).join(' ');
}

/** Whether a list has a name, or a path above it. `all` are the names that the list would have now. */
function holds(list: string, name: string, all: readonly string[]): boolean {
  if (list.startsWith('=')) return list === `=${wholeHash(all)}`;
  const parts = name.split('/');
  const paths = parts.map((_, i) => `${parts.slice(0, i).join('/')}/*`);
  const hashes = new Set(list.split(' '));
  return [name, ...paths].some((one) => hashes.has(shortHash(one)));
}

function sourceNames({ inventory }: Config): string[] {
  return inventory.map(({ type, options }) => {
    const { path = '', table = '', url = '' } = options as { path?: string; table?: string; url?: string };
    const secrets = referencesIn(options).map(({ text }) => ` ${text}`);
    return `${type} ${path}${table}${url}${secrets.join('')}`;
  });
}

function chartDays({ server }: Config): number {
  return Math.ceil(server.chartRetentionMs / DAY_MS);
}

function storeHash({ store: { type, options, retentionMs } }: Config): string {
  // A deployment makes the table of Timestream; other stores read the retention from the configuration.
  const kept = type === 'timestream' ? retentionMs : 0;
  return shortHash(JSON.stringify([type, kept, options], (_key, value: unknown) => inOrder(value)));
}

/** The order of fields must not change the hash. */
function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function addressHash({ host, port }: { host: string; port: number }): string {
  return shortHash(`${host}:${port}`);
}

function wholeHash(names: readonly string[]): string {
  return hashNumber([...names].sort().join(' ')).toString(36);
}

/** One new name in 56,000 has the hash of one of thirty deployed names: `plan` misses that change. */
function shortHash(text: string): string {
  return (hashNumber(text) % 36 ** HASH_LENGTH).toString(36).padStart(HASH_LENGTH, '0');
}
