import { access, constants, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { findChannelAdapter } from '../adapters/channels/registry.ts';
import { createFileInventory } from '../adapters/inventory/file.ts';
import { needsOf } from '../adapters/probes/needs.ts';
import { forEachLimit } from '../adapters/ssh/concurrency-limit.ts';
import { fingerprintOf } from '../adapters/ssh/host-keys.ts';
import { createKeyring, type Keyring } from '../adapters/ssh/keyring.ts';
import { ConfigError, describeError, RetryableError } from '../core/errors.ts';
import { formatMetricValue } from '../core/format.ts';
import type { ChannelConfig, Config, LoginConfig } from '../core/model/config.ts';
import type { BatchObservation } from '../core/model/observation.ts';
import type { Target } from '../core/model/target.ts';
import { bastionsOf } from '../core/plan/ways.ts';
import type { Secrets } from '../core/ports.ts';
import { visibleText } from '../core/text/visible-text.ts';
import { systemClock } from '../local/clock.ts';
import { confinedRows } from './confinement-check.ts';
import { type Advice, type AdviceContext, bastionAdvice } from './connect-advice.ts';
import type { ConnectRow } from './connect-row.ts';
import { checkInventory } from './fleet-config.ts';
import { LOGIN_CHECK, mayBeHidden, nodeRow, runsOtherScripts } from './node-row.ts';
import { probeFleet } from './probe-fleet.ts';
import { bastionAccounts, bastionTexts, nodeTexts } from './server-texts.ts';
import { stateRows } from './state-row.ts';

/** A node as one of its bastions leads to it. */
type Way = Target & { isOther: boolean };

type Key = Awaited<ReturnType<Keyring['ofBastion']>>;

interface Keys {
  bastions: Map<string, Key>;
  clusters: Map<string, Key>;
  /** The rows of bastions, nodes and channels that cannot be used, by kind and name. */
  unusable: Map<string, ConnectRow>;
}

const LEAST_FREE_BYTES = 1024 ** 3;
const CONCURRENT_CHANNELS = 8;
const CHANNEL_LIMIT_MS = 20_000;

/** Connects to everything that a configuration names, and sends no message. The rows are in the order of the file. */
export async function checkConnections(
  written: Config,
  secrets: Secrets,
  options: { quiet: boolean },
): Promise<ConnectRow[]> {
  const { config, rows } = await checkInventory(written, secrets);
  const targets = await createFileInventory(config).list();
  const { usable, keys } = await usableKeys(config, secrets, targets);
  const [data, state, batches, channels] = await Promise.all([
    dataRow(config.store.path),
    stateRows(config, secrets),
    usable.targets.length === 0
      ? []
      : probeFleet({
          config: usable.config,
          secrets,
          targets: usable.targets,
          ...options,
          kind: 'check',
          resampleAfterMs: 0,
        }),
    channelRows(config.channels, secrets),
  ]);
  const { rows: fleet, lettingUsIn } = fleetRows(config, targets, batches, keys);
  const confined = await confinedRows({ config, targets, fleet, lettingUsIn, keys, ...options });
  return [data, ...state, ...rows, ...confined, ...channels];
}

/** The usable keys, and a row for each unusable one, so that a bad key does not affect the others. */
async function usableKeys(config: Config, secrets: Secrets, targets: readonly Target[]) {
  const keyring = createKeyring(config, secrets);
  const keys: Keys = { bastions: new Map(), clusters: new Map(), unusable: new Map() };
  const load = async (named: Pick<ConnectRow, 'kind' | 'name'>, key: Promise<Key>, login: LoginConfig) => {
    try {
      return await key;
    } catch (error) {
      if (!(error instanceof ConfigError || error instanceof RetryableError)) throw error;
      const advice = `correct \`${login.agent === undefined ? 'privateKey' : 'agent'}\`, or what it refers to`;
      const failed = { ...named, state: 'failed', detail: describeError(error), advice } as const;
      keys.unusable.set(`${named.kind} ${named.name}`, failed);
      return undefined;
    }
  };
  for (const bastion of config.bastions) {
    const { name } = bastion;
    const key = await load({ kind: 'bastion', name }, keyring.ofBastion(name), bastion);
    if (key) keys.bastions.set(name, key);
  }
  for (const cluster of config.clusters) {
    const { name, bastion } = cluster;
    if (!keys.bastions.has(bastion)) continue;
    const key = await load({ kind: 'node', name: `${name}/*` }, keyring.ofCluster(name), cluster);
    if (key) keys.clusters.set(name, key);
  }
  const clusters = config.clusters.filter(({ name }) => keys.clusters.has(name));
  const checks = [
    LOGIN_CHECK,
    ...config.checks.filter((check) => runsOtherScripts(check) || mayBeHidden(check)),
  ];
  const bastions = config.bastions.filter(({ name }) => keys.bastions.has(name));
  const usable = {
    config: {
      bastions,
      clusters,
      checks,
      sessions: config.sessions,
      store: config.store,
      ...(config.signatures && { signatures: config.signatures }),
      audit: config.audit,
    },
    targets: targets.filter(({ cluster }) => keys.clusters.has(cluster)),
  };
  return { usable, keys };
}

/** The nodes behind a failed bastion are unknown. `lettingUsIn` has the names of nodes where the login succeeded. */
function fleetRows(
  config: Config,
  targets: readonly Target[],
  batches: readonly BatchObservation[],
  keys: Keys,
): { rows: ConnectRow[]; lettingUsIn: ReadonlySet<string> } {
  const observationsByWay = Map.groupBy(
    batches.flatMap(({ batch, observations }) =>
      observations.map((one) => ({ one, through: batch.bastion })),
    ),
    ({ one, through }) => wayKey(one.target, through),
  );
  const bastionLines = new Map(
    bastionAccounts(config.bastions, keys.bastions, targets, config.checks).flatMap((account) => {
      const { line } = bastionTexts(account, false);
      const text = 'text' in line ? line.text : `# no line: ${line.none}`;
      return account.bastions.map((name) => [name, text] as const);
    }),
  );
  const rows: ConnectRow[] = [];
  const lettingUsIn = new Set<string>();
  for (const bastion of config.bastions) {
    const { name, host, port, user } = bastion;
    const key = keys.bastions.get(name);
    if (!key) {
      rows.push(...takeRow(keys.unusable, `bastion ${name}`));
      continue;
    }
    const line = bastionLines.get(name) ?? '';
    const context = { name, host, port, user, key: keyText(key), line };
    rows.push(bastionRow(name, batches, context));
  }
  for (const target of targets.flatMap(waysTo)) {
    const key = keys.clusters.get(target.cluster);
    const bastionKey = keys.bastions.get(target.bastion);
    const { host, port, user, bastion } = target;
    if (!bastionKey) rows.push(unknownNode(nameOf(target), bastion));
    else if (!key) rows.push(...takeRow(keys.unusable, `node ${target.cluster}/*`));
    if (!key || !bastionKey) continue;
    const found = observationsByWay.get(wayKey(target, bastion)) ?? [];
    const observations = found.map(({ one }) => one);
    const observation = observations.find(({ check }) => check === LOGIN_CHECK.name);
    if (observation?.result.ok) lettingUsIn.add(nameOf(target));
    const forbidden = observation?.result.ok === false && observation.result.failure.reason === 'forbidden';
    // When the bastion refuses to forward, its authorized_keys line must change, not that of the node.
    const line = forbidden ? (bastionLines.get(bastion) ?? '') : lineOfNode(config, key, target);
    const context = { name: nameOf(target), host, port, user, key: keyText(key), line };
    rows.push(
      observation ? nodeRow(observation, observations, context) : unknownNode(nameOf(target), bastion),
    );
  }
  return { rows, lettingUsIn };
}

/** Removes the row, so that an unusable key is reported only at the first host that needs it. */
function takeRow(rows: Map<string, ConnectRow>, name: string): ConnectRow[] {
  const found = rows.get(name);
  rows.delete(name);
  return found ? [found] : [];
}

function bastionRow(name: string, batches: readonly BatchObservation[], context: AdviceContext): ConnectRow {
  const mine = batches.filter(({ batch }) => batch.bastion === name);
  const failed = mine.find(({ bastion }) => !bastion.ok)?.bastion;
  if (mine.length === 0)
    return { kind: 'bastion', name, state: 'unknown', detail: 'no node is behind it: not checked' };
  if (failed && !failed.ok) return row('bastion', name, bastionAdvice(failed.failure, context));
  return { kind: 'bastion', name, state: 'ok', detail: `${context.host}:${context.port} lets us in` };
}

/** Checks each channel separately: one that fails, or has no secret here, does not affect the others. */
async function channelRows(channels: readonly ChannelConfig[], secrets: Secrets): Promise<ConnectRow[]> {
  const rows = new Map<string, ConnectRow>();
  await forEachLimit(channels, CONCURRENT_CHANNELS, async ({ name, type, options }) => {
    const adapter = findChannelAdapter(type);
    if (!adapter) throw new ConfigError(`channel ${name}: unknown type ${type}`);
    const sender = adapter.create(adapter.options.parse(options), { secrets, clock: systemClock });
    const send = `\`bartizan notify-test ${name}\` sends a message`;
    try {
      if (!sender.verify) {
        rows.set(name, { kind: 'channel', name, state: 'unknown', detail: send });
        return;
      }
      const seen = await sender.verify({ signal: AbortSignal.timeout(CHANNEL_LIMIT_MS) });
      const detail = secrets.redact(visibleText(seen.detail));
      const advice = seen.unclear === undefined ? undefined : secrets.redact(visibleText(seen.unclear));
      rows.set(
        name,
        advice === undefined
          ? { kind: 'channel', name, state: 'ok', detail }
          : { kind: 'channel', name, state: 'warning', detail, advice },
      );
    } catch (error) {
      const detail = secrets.redact(describeError(error));
      const advice =
        error instanceof ConfigError
          ? `correct the channel's fields, or what they refer to; then ${send}`
          : `its service must be reachable from here; once it is, ${send}`;
      rows.set(name, { kind: 'channel', name, state: 'failed', detail, advice });
    }
  });
  return channels.flatMap(({ name }) => rows.get(name) ?? []);
}

/** The folder may be missing when its parent lets us create it. */
async function dataRow(path: string): Promise<ConnectRow> {
  const base = { kind: 'data', name: 'store.path' } as const;
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      await access(folder, constants.W_OK);
      const { bavail, bsize } = await statfs(folder);
      const free = `${formatMetricValue(bavail * bsize, { unit: 'bytes' })} free`;
      if (bavail * bsize >= LEAST_FREE_BYTES)
        return { ...base, state: 'ok', detail: `${path} is writable, ${free}` };
      return {
        ...base,
        state: 'warning',
        detail: `${path}: ${free}`,
        advice: 'free space, or choose another `store.path`',
      };
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === 'ENOENT' && dirname(folder) !== folder) continue;
      const advice = 'choose another `store.path`, or let this user write there';
      return { ...base, state: 'failed', detail: `${path} may not be written (${code})`, advice };
    }
  }
}

function row(kind: 'bastion' | 'node', name: string, advice: Advice): ConnectRow {
  return { kind, name, state: 'failed', ...advice };
}

function unknownNode(name: string, bastion: string): ConnectRow {
  return { kind: 'node', name, state: 'unknown', detail: `bastion ${bastion} failed` };
}

/** A node as each of its bastions leads to it: the first, then the others. */
function waysTo(target: Target): Way[] {
  return bastionsOf(target).map((bastion, i) => ({ ...target, bastion, isOther: i > 0 }));
}

function wayKey({ cluster, node }: Target, bastion: string): string {
  return JSON.stringify([cluster, node, bastion]);
}

function nameOf({ cluster, node, bastion, isOther }: Way): string {
  return `${cluster}/${node}${isOther ? ` through ${bastion}` : ''}`;
}

function keyText({ key }: Key): string {
  return `${key.type} ${fingerprintOf({ type: key.type, base64: key.getPublicSSH().toString('base64') })}`;
}

function lineOfNode(
  { clusters, checks, commands }: Pick<Config, 'clusters' | 'checks' | 'commands'>,
  key: Key,
  target: Target,
): string {
  const cluster = clusters.find(({ name }) => name === target.cluster);
  const needs = needsOf(checks, [target], commands);
  return nodeTexts(key, [target.user], needs, cluster?.acceptsRootByForwarding === true).line;
}
