// What stands in an account by a deployment alone, so that `plan` can tell which uploaded change needs another one.
import { z } from 'zod';
import { hashNumber } from '../hash.ts';
import type { Config } from '../model/config.ts';
import { probeTimeoutSeconds, tickMinutes } from './deploy-times.ts';
import { referencesIn } from './on-aws.ts';
import { parameterNames } from './parameter-names.ts';

/**
 * It stands in an environment variable, in 4 KB with the queues of twenty bastions
 * (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html): what is long is hashed.
 */
export const deployedSchema = z.strictObject({
  /** Minutes. */
  tick: z.number(),
  /** Time-out of probe in seconds. */
  probeS: z.number(),
  /** How long pictures are kept. */
  chartDays: z.number(),
  store: z.string(),
  /** For each bastion: hash of its name, hash of host and port, and its connections, joined without a separator. */
  bastions: z.string(),
  /** Parameters that functions may read, and sources of clusters: hashes. */
  logins: z.string(),
  channels: z.string(),
  heartbeat: z.string(),
  inventory: z.string(),
});

export type Deployed = z.output<typeof deployedSchema>;

/** A longer list is one hash: then every change of it needs a deployment. */
const MOST_HASHES = 30;
const HASH_LENGTH = 4;
const DAY_MS = 24 * 3_600_000;

/** @param logins all that probe may log in with: names of parameters, and paths as `/path/*` */
export function describeDeployed(config: Config, logins: readonly string[]): Deployed {
  const names = parameterNames(config);
  return {
    tick: tickMinutes(config.checks) ?? 0,
    probeS: probeTimeoutSeconds(config.bastions),
    chartDays: chartDays(config),
    store: storeHash(config),
    bastions: config.bastions
      .map((bastion) => `${shortHash(bastion.name)}${addressHash(bastion)}${bastion.maxConnections}`)
      .join(' '),
    logins: listOf(logins, names.logins),
    channels: listOf(names.channels),
    heartbeat: listOf(names.heartbeat),
    inventory: listOf(sourceNames(config)),
  };
}

/** What of a configuration is not deployed, a line for each field. */
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
    ...config.channels.map(({ name, options }) => ({
      at: `channels ${name}`,
      of: 'channels' as const,
      value: options,
    })),
    { at: 'server.heartbeat', of: 'heartbeat' as const, value: config.server.heartbeat },
  ];
  return uses.flatMap(({ at, of, value }) =>
    referencesIn(value)
      // A version or label behind a colon is no part of the parameter's name.
      .filter(({ kind, name }) => kind === 'ssm' && !holds(deployed[of], name.replace(/:.*$/, ''), names[of]))
      .map(({ text }) => `${at}: no function may read ${text}`),
  );
}

/** Names, or what holds them all; a list that is too long by the hash of `all`. */
function listOf(names: readonly string[], all = names): string {
  return names.length > MOST_HASHES ? `=${wholeHash(all)}` : names.map(shortHash).join(' ');
}

/** Whether a name, or a path that it is under, is in a list. `all`: the names that would be in it now. */
function holds(list: string, name: string, all: readonly string[]): boolean {
  if (list.startsWith('=')) return list === `=${wholeHash(all)}`;
  const parts = name.split('/');
  const paths = parts.map((_, i) => `${parts.slice(0, i).join('/')}/*`);
  const hashes = new Set(list.split(' '));
  return [name, ...paths].some((one) => hashes.has(shortHash(one)));
}

function sourceNames({ inventory }: Config): string[] {
  return inventory.map(({ type, options }) => {
    const { path = '', table = '' } = options as { path?: string; table?: string };
    return `${type} ${path}${table}`;
  });
}

function chartDays({ server }: Config): number {
  return Math.ceil(server.chartRetentionMs / DAY_MS);
}

function storeHash({ store: { type, options, retentionMs } }: Config): string {
  // Only the table of Timestream is made by a deployment; others keep samples as long as they are configured to.
  const kept = type === 'timestream' ? retentionMs : 0;
  return shortHash(JSON.stringify([type, kept, options], (_key, value: unknown) => inOrder(value)));
}

/** In which order people wrote the fields makes no other store. */
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

/** One new name in 56,000 has the hash of one of thirty that are deployed: nobody notices that change then. */
function shortHash(text: string): string {
  return (hashNumber(text) % 36 ** HASH_LENGTH).toString(36).padStart(HASH_LENGTH, '0');
}
