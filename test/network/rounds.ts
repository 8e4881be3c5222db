// Rounds of a configuration in a separate process, so that it can run in a network namespace. Each line on stdin asks
// for one; each line on stdout reports one. Connections stay open in between, as in `bartizan up`.

import { createInterface } from 'node:readline';
import { createFileInventory } from '../../adapters/inventory/file.ts';
import { createProber } from '../../adapters/probes/prober.ts';
import { loadConfig, secretsFor } from '../../cli/config-file.ts';
import { meterTo } from '../../core/meter.ts';
import type { Failure } from '../../core/model/observation.ts';
import { samplesOf } from '../../core/parse/samples.ts';
import { planRound } from '../../core/plan/plan.ts';
import { systemClock } from '../../local/clock.ts';

/** The report of a round. */
export interface RoundReport {
  ms: number;
  /** For each batch. */
  bastion: (Failure | 'ok')[];
  nodes: Record<string, Failure | 'ok'>;
  /** For each bastion that was tried. */
  ways: Record<string, Failure | 'ok'>;
  /** The samples of `up`, by node. */
  up: Record<string, number>;
  /** What the audit says: node, bastion and outcome of each access to a node in this round, each once. */
  accesses: string[];
  /** Since the start of this process. */
  opened: { bastion: number; node: number };
}

const file = process.argv[2] ?? 'bartizan.yaml';
const { config } = await loadConfig(file);
const opened = { bastion: 0, node: 0 };
const accesses = new Set<string>();
const counters = new Map<string, unknown>();
const prober = await createProber({
  config,
  secrets: secretsFor(file),
  audit: {
    append: async (entries) => {
      for (const { target, bastion, outcome } of entries) {
        if (target !== undefined) accesses.add(`${target} ${bastion} ${outcome}`);
      }
    },
    head: () => ({ writer: 'test', sequence: 0, hash: '' }),
    close: async () => {},
  },
  counters: {
    load: async (key) => counters.get(key),
    save: async (key, value) => void counters.set(key, value),
  },
  clock: systemClock,
  logger: { debug() {}, info() {}, warn() {}, error() {} },
  meter: meterTo(({ name, labels }) => {
    if (name === 'ssh_sessions_opened_total') opened[labels.hop as keyof typeof opened]++;
  }),
  knownHosts: '/nonexistent/known_hosts',
});
const targets = await createFileInventory(config).list();

async function round(): Promise<RoundReport> {
  const startMs = performance.now();
  accesses.clear();
  const batches = planRound({ roundMs: 0, checks: config.checks, targets, bastions: config.bastions });
  const nowMs = Date.now();
  const results = await Promise.all(
    batches.map((batch) =>
      prober.probe({ ...batch, roundMs: nowMs, expiresAtMs: nowMs + batch.expiresAtMs - batch.roundMs }),
    ),
  );
  const nodes = results.flatMap(({ observations }) =>
    observations.map(({ target, result }) => [target.node, result.ok ? ('ok' as const) : result.failure]),
  );
  const tried = results.flatMap(
    ({ batch, bastion, ways }) => ways ?? [{ bastion: batch.bastion, outcome: bastion }],
  );
  const ups = results.flatMap((result) => samplesOf(result)).filter(({ metric }) => metric === 'up');
  return {
    ms: Math.round(performance.now() - startMs),
    bastion: results.map(({ bastion }) => (bastion.ok ? 'ok' : bastion.failure)),
    nodes: Object.fromEntries(nodes),
    ways: Object.fromEntries(
      tried.map(({ bastion, outcome }) => [bastion, outcome.ok ? 'ok' : outcome.failure]),
    ),
    up: Object.fromEntries(ups.map(({ labels, value }) => [labels.node, value])),
    accesses: [...accesses].sort(),
    opened,
  };
}

for await (const _ of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await round())}\n`);
}
await prober.close();
