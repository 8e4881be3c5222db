// A prober with all its dependencies in memory.

import { createProber } from '../adapters/probes/prober.ts';
import type { SignatureSource } from '../adapters/signatures/signature-source.ts';
import { ConfigError } from '../core/errors.ts';
import { meterTo } from '../core/meter.ts';
import type { AuditEntry } from '../core/model/audit.ts';
import type { Batch } from '../core/model/batch.ts';
import type { Check } from '../core/model/check.ts';
import type { BastionConfig, SessionsConfig } from '../core/model/config.ts';
import type { BatchObservation, Observation } from '../core/model/observation.ts';
import type { Target } from '../core/model/target.ts';
import type { Prober } from '../core/ports.ts';
import { scaledMs } from './machine-speed.ts';
import { createRecordingLogger } from './recording-logger.ts';

/** A reference that nobody can resolve. */
export const MISSING = '${env:MISSING}';

interface Host {
  host: string;
  port: number;
  hostKey: string;
}

export const USER = 'probe';
/** Sessions that are not renewed during a test. */
export const SESSIONS: SessionsConfig = { renewMs: 600_000, door: false };
const DEADLINES = { bastionMs: 2_000, dialMs: 2_000, handshakeMs: 2_000, execMs: 2_000 };

/** With deadlines as they are on a quiet machine. */
export function bastionConfig(
  { host, port, hostKey }: Host,
  changes: Partial<Omit<BastionConfig, 'deadlines'>> & {
    deadlines?: Partial<BastionConfig['deadlines']>;
  } = {},
): BastionConfig {
  const { deadlines, ...rest } = changes;
  const scaled = Object.entries({ ...DEADLINES, ...deadlines }).map(([name, ms]) => [name, scaledMs(ms)]);
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
    deadlines: Object.fromEntries(scaled),
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

export interface ProberFixture {
  prober: Prober;
  audit: AuditEntry[];
  log: ReturnType<typeof createRecordingLogger>;
  counters: Map<string, unknown>;
  /** Meter names with their first label, e.g. `ssh_sessions_opened_total node`. */
  counts: Map<string, number>;
  /** Moves the prober's clock forward. */
  advance(ms: number): void;
}

export async function createProberFixture(options: {
  bastion: BastionConfig;
  keys?: Record<string, string>;
  clusterKey?: string;
  knownHosts?: string;
  everyMs?: number;
  whereNot?: Check['whereNot'];
  checkOptions?: Check['options'];
  /** Checks beside `usage`: options as they are written. */
  checks?: readonly (Pick<Check, 'name' | 'probe' | 'command'> &
    Partial<Pick<Check, 'options' | 'everyMs'>>)[];
  resampleAfterMs?: number;
  keep?: 'all' | 'bastion' | 'nothing';
  checksKeys?: boolean;
  repeatsValues?: boolean;
  sessions?: Partial<SessionsConfig>;
  signatures?: SignatureSource;
  /** More bastions, without nodes. */
  otherBastions?: readonly BastionConfig[];
}): Promise<ProberFixture> {
  const {
    bastion,
    keys = {},
    knownHosts = '/nonexistent/known_hosts',
    everyMs = 60_000,
    resampleAfterMs = 1,
  } = options;
  const audit: AuditEntry[] = [];
  const unwritten: (() => void)[] = [];
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
        // Uses the bastion's key for its nodes.
        { name: 'd', bastion: 'b', nodes: [] },
      ],
      checks: [
        {
          name: 'usage',
          probe: 'usage',
          everyMs,
          where: {},
          whereNot: options.whereNot,
          options: options.checkOptions ?? {},
        },
        ...(options.checks ?? []).map((check) => ({ everyMs, where: {}, options: {}, ...check })),
      ],
      sessions: { ...SESSIONS, ...options.sessions },
    },
    secrets: {
      resolve: async (text) => {
        if (text === MISSING) throw new ConfigError(`${MISSING}: is not set`);
        return keys[text] ?? text;
      },
      redact: (text) => Object.values(keys).reduce((rest, key) => rest.replaceAll(key, '<secret>'), text),
      forget: () => void counts.set('secrets forgotten', (counts.get('secrets forgotten') ?? 0) + 1),
    },
    audit: {
      // Writes nothing before `flush`, like an audit whose writes cost something.
      append(entries) {
        audit.push(...entries);
        return new Promise((resolve) => unwritten.push(resolve));
      },
      flush: async () => {
        for (const resolve of unwritten.splice(0)) resolve();
      },
      head: () => ({ writer: 'test', sequence: audit.length, hash: '' }),
      close: async () => {},
    },
    counters: {
      load: async (key) => counters.get(key),
      // Loses what is not JSON, like a store.
      save: async (key, value) => void counters.set(key, JSON.parse(JSON.stringify(value))),
    },
    clock: { nowMs: () => Date.now() + ahead },
    logger: log,
    meter: meterTo(({ name, labels, value }) => {
      const key = [name, ...Object.values(labels)].join(' ');
      counts.set(key, (counts.get(key) ?? 0) + value);
    }),
    knownHosts,
    resampleAfterMs,
    ...(options.keep && { keep: options.keep }),
    signatures: options.signatures,
    ...(options.checksKeys !== undefined && { checksKeys: options.checksKeys }),
    ...(options.repeatsValues !== undefined && { repeatsValues: options.repeatsValues }),
  });
  const advance = (ms: number) => {
    ahead += ms;
  };
  return { prober, audit, log, counters, counts, advance };
}

/** `node: ok` or `node: reason/phase` of each observation, in order of names. */
export function outcomes({ observations }: BatchObservation): string[] {
  const outcomeOf = ({ target, result }: Observation) =>
    `${target.node}: ${result.ok ? 'ok' : `${result.failure.reason}/${result.failure.phase}`}`;
  return observations.map(outcomeOf).sort();
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
      [metric, labels.mount ?? labels.device].filter((text) => text !== undefined).join(' '),
      value,
    ]),
  );
}
