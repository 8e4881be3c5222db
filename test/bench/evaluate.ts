// The time of an evaluation of rules, compared with the time in which the store answers its queries.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openSqliteState } from '../../adapters/state/sqlite/state.ts';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import { meterTo } from '../../core/meter.ts';
import type { Check } from '../../core/model/check.ts';
import type { Rule } from '../../core/model/rule.ts';
import { WHOLE } from '../../core/plan/shards.ts';
import type { SampleStore } from '../../core/ports.ts';
import { evaluateShard } from '../../core/stages/evaluate.ts';
import { createRecordingLogger } from '../recording-logger.ts';
import type { BenchOptions } from './benchmark.ts';
import { type Comparison, type Contender, compare, type Readings, spreadOf, valuesOf } from './harness.ts';
import { type BenchmarkReport, type Goal, rowsOf } from './report.ts';
import { createStoreFixture, ROUND_MS } from './store-fixture.ts';

const NODES = 30_000;
const METRICS = [
  'mem_usage',
  'cpu_usage',
  'swap_usage',
  'cpu_iowait',
  'cpu_steal',
  'load1',
  'load_per_core',
  'psi_cpu',
  'psi_mem',
  'psi_io',
];
const START_MS = Date.UTC(2026, 10, 24);
/** Rounds that are in the store before the first evaluation. */
const BEFORE = 32;
const LATENESS_MS = 15 * ROUND_MS;
const [QUIET, BREACHING] = ['all ok', '1 % of nodes breaching every rule'];

const rules: Rule[] = METRICS.map((metric) => ({
  name: metric,
  title: metric,
  metric,
  where: {},
  condition: { kind: 'above', threshold: 85 },
  forMs: 5 * ROUND_MS,
  keepFiringForMs: 0,
  noData: 'keepLast',
  severity: 'warning',
  inhibitedBy: [],
}));
const checks: Check[] = [{ name: 'usage', probe: 'usage', everyMs: ROUND_MS, where: {}, options: {} }];

export async function benchEvaluate({ dir, quick, log }: BenchOptions): Promise<BenchmarkReport> {
  const rounds = quick ? 2 : 9;
  const fleets = await Promise.all(
    [QUIET, BREACHING].map((name, i) => createFleet(name, join(dir, String(i)), name === BREACHING)),
  );
  try {
    const comparison = await compare(fleets, rounds, (name, round) => log(`${round + 1}: ${name}`));
    const row = (figure: string, what: string) => rowsOf(comparison, figure, { what, unit: 'ms' });
    return {
      title: `Evaluation: ${METRICS.length} rules × ${NODES} nodes on the embedded store`,
      how: [
        'There is a round each minute, evaluated at once, with the default lateness of 15 min. Where nodes breach, their',
        'alerts have been firing for minutes. The whole is the complete stage: queries, evaluation, writes to state.',
        `Evaluating is the whole without the queries. The first evaluation takes ${BEFORE} rounds at once and writes the alerts.`,
      ],
      rows: [
        ...row('wholeMs', 'the whole'),
        ...row('queryMs', 'queries of it'),
        ...row('judgeMs', 'evaluating'),
        ...fleets.map(({ name, firstMs }) => ({
          what: 'first evaluation',
          contender: name,
          unit: 'ms',
          value: spreadOf([firstMs]),
        })),
      ],
      goals: [QUIET, BREACHING].map((name) => goalOf(comparison, name)),
      missing: [],
    };
  } finally {
    for (const fleet of fleets) await fleet.close();
  }
}

function goalOf(comparison: Comparison, name: string): Goal {
  const [whole, query] = [valuesOf(comparison, name, 'wholeMs'), valuesOf(comparison, name, 'queryMs')];
  const value = spreadOf(whole.map((ms, round) => ms / (query[round] as number)));
  return { what: `evaluation, ${name}`, against: "the store's query time", value, limit: 2, unit: '' };
}

type Fleet = Contender & { firstMs: number; close(): Promise<void> };

async function createFleet(name: string, path: string, breaching: boolean): Promise<Fleet> {
  mkdirSync(path);
  const store = openSqliteStore({ path });
  const state = openSqliteState({ path });
  const breachAtMs = breaching ? START_MS + (BEFORE - 16) * ROUND_MS : Number.POSITIVE_INFINITY;
  const fixture = createStoreFixture({ nodes: NODES, full: false, breachAtMs });
  let queryMs = 0;
  const timed: SampleStore = {
    ...store,
    async query(query) {
      const startMs = performance.now();
      const series = await store.query(query);
      queryMs += performance.now() - startMs;
      return series;
    },
  };
  const logger = { ...createRecordingLogger(), info: () => {} };
  const meter = meterTo(() => {});
  let next = 0;

  async function addRound(): Promise<number> {
    const roundMs = START_MS + next++ * ROUND_MS;
    for (const samples of fixture.round(roundMs)) await store.write(samples);
    return roundMs;
  }

  async function evaluateOnce(roundMs: number): Promise<Readings> {
    queryMs = 0;
    const config = { rules, checks, schedule: { jitterMs: 0, timeZone: 'UTC', latenessMs: LATENESS_MS } };
    const request = { config, targets: fixture.targets, roundMs, shard: WHOLE };
    const startMs = performance.now();
    await evaluateShard(request, { store: timed, state, clock: { nowMs: () => roundMs }, logger, meter });
    const wholeMs = performance.now() - startMs;
    return { wholeMs, queryMs, evaluateMs: wholeMs - queryMs };
  }

  while (next < BEFORE - 1) await addRound();
  const { wholeMs: firstMs } = await evaluateOnce(await addRound());
  const alerts = await state.listAlerts();
  const expected = breaching ? (METRICS.length * NODES) / 100 : 0;
  if (alerts.length !== expected) throw new Error(`${alerts.length} alerts, not ${expected}`);
  return {
    name,
    firstMs: firstMs as number,
    run: async () => evaluateOnce(await addRound()),
    async close() {
      await store.close();
      await state.close();
    },
  };
}
