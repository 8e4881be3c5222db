// A prober and all it needs, without a disk.
import { createProber } from '../adapters/probes/prober.ts';
import type { BastionConfig } from '../core/config/types.ts';
import type { Batch, BatchObservation, Observation, Target } from '../core/model.ts';
import type { AuditEntry, Prober } from '../core/ports.ts';
import { createRecordingLogger } from './recording-logger.ts';

interface Host {
  host: string;
  port: number;
  hostKey: string;
}

export const USER = 'probe';

export function bastionConfig(
  { host, port, hostKey }: Host,
  changes: Partial<Omit<BastionConfig, 'deadlines'>> & {
    deadlines?: Partial<BastionConfig['deadlines']>;
  } = {},
): BastionConfig {
  const { deadlines, ...rest } = changes;
  return {
    name: 'b',
    host,
    port,
    user: USER,
    privateKey: 'client',
    hostKeys: [hostKey],
    maxConnections: 8,
    batchSize: 100,
    concurrency: 32,
    deadlines: { bastionMs: 2_000, dialMs: 2_000, handshakeMs: 2_000, execMs: 2_000, ...deadlines },
    maxOutputBytes: 65_536,
    ...rest,
  };
}

export function targetOf(node: string, { host, port, hostKey }: Host, changes: Partial<Target> = {}): Target {
  const hostKeys = [hostKey];
  return { cluster: 'c', node, role: 'etcd', host, port, user: USER, bastion: 'b', hostKeys, ...changes };
}

export function batchOf(targets: readonly Target[], changes: Partial<Batch> = {}): Batch {
  const expiresAtMs = Number.POSITIVE_INFINITY;
  return {
    roundMs: 60_000,
    bastion: 'b',
    index: 0,
    count: 1,
    checks: ['usage'],
    targets,
    expiresAtMs,
    ...changes,
  };
}

export interface ProberWorld {
  prober: Prober;
  audit: AuditEntry[];
  log: ReturnType<typeof createRecordingLogger>;
  counters: Map<string, unknown>;
  /** Meter names with their first label, e.g. `ssh_sessions_opened_total node`. */
  counts: Map<string, number>;
  /** Later connections find another clock. */
  advance(ms: number): void;
}

export async function createProberWorld(options: {
  bastion: BastionConfig;
  keys?: Record<string, string>;
  clusterKey?: string;
  knownHosts?: string;
  everyMs?: number;
  secondLookMs?: number;
  keep?: 'all' | 'bastion' | 'nothing';
  /** More of them, behind which nothing is. */
  otherBastions?: readonly BastionConfig[];
}): Promise<ProberWorld> {
  const {
    bastion,
    keys = {},
    knownHosts = '/nonexistent/known_hosts',
    everyMs = 60_000,
    secondLookMs = 1,
  } = options;
  const audit: AuditEntry[] = [];
  const log = createRecordingLogger();
  const counters = new Map<string, unknown>();
  const counts = new Map<string, number>();
  let ahead = 0;
  const prober = await createProber({
    config: {
      bastions: [bastion, ...(options.otherBastions ?? [])],
      clusters: [
        {
          name: 'c',
          bastion: 'b',
          nodes: [],
          ...(options.clusterKey !== undefined && { privateKey: options.clusterKey }),
        },
      ],
      checks: [{ name: 'usage', probe: 'usage', everyMs, where: {}, options: {} }],
    },
    secrets: {
      resolve: async (text) => keys[text] ?? text,
      redact: (text) => text,
      forget: () => void counts.set('secrets forgotten', (counts.get('secrets forgotten') ?? 0) + 1),
    },
    audit: {
      append: async (entries) => void audit.push(...entries),
      head: () => ({ writer: 'test', sequence: audit.length, hash: '' }),
      close: async () => {},
    },
    counters: {
      load: async (key) => counters.get(key),
      // As a store does it: what is not JSON is lost.
      save: async (key, value) => void counters.set(key, JSON.parse(JSON.stringify(value))),
    },
    clock: { nowMs: () => Date.now() + ahead },
    logger: log,
    meter: {
      count: (name, labels = {}, by = 1) => {
        const key = [name, ...Object.values(labels)].join(' ');
        counts.set(key, (counts.get(key) ?? 0) + by);
      },
      gauge: () => {},
    },
    knownHosts,
    secondLookMs,
    ...(options.keep && { keep: options.keep }),
  });
  const advance = (ms: number) => {
    ahead += ms;
  };
  return { prober, audit, log, counters, counts, advance };
}

/** `node: ok` or `node: reason/phase` of each observation, in order of names. */
export function outcomes({ observations }: BatchObservation): string[] {
  const tell = ({ target, result }: Observation) =>
    `${target.node}: ${result.ok ? 'ok' : `${result.failure.reason}/${result.failure.phase}`}`;
  return observations.map(tell).sort();
}

export function detailOf({ observations }: BatchObservation, node: string): string | undefined {
  const result = observations.find(({ target }) => target.node === node)?.result;
  return result?.ok === false ? result.failure.detail : undefined;
}

/** Metrics of a node with their values; of those with devices the name and device. */
export function readings({ observations }: BatchObservation, node: string): Record<string, number> {
  const result = observations.find(({ target }) => target.node === node)?.result;
  if (!result?.ok) throw new Error(`no samples of ${node}`);
  return Object.fromEntries(
    result.samples.map(({ metric, labels, value }) => [
      [metric, labels.mount ?? labels.device].filter((part) => part !== undefined).join(' '),
      value,
    ]),
  );
}
