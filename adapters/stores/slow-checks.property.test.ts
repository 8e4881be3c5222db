// Values of slow checks are written again into a Prometheus, and nothing that rules decide depends on it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { meterTo } from '../../core/meter.ts';
import type { Check } from '../../core/model/check.ts';
import type { BatchObservation, Observation } from '../../core/model/observation.ts';
import type { Rule } from '../../core/model/rule.ts';
import type { Target } from '../../core/model/target.ts';
import { type LastValues, repeatsOf, takeLastValues } from '../../core/parse/last-values.ts';
import { WHOLE } from '../../core/plan/shards.ts';
import type { SampleStore } from '../../core/ports.ts';
import { evaluateShard } from '../../core/stages/evaluate.ts';
import { store as storeBatch } from '../../core/stages/store.ts';
import { createMemoryState } from '../../test/memory-state.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import { createStrictPrometheus } from '../../test/strict-prometheus.ts';
import { createPrometheusStore } from './prometheus/store.ts';
import { openSqliteStore } from './sqlite/store.ts';

const MINUTE = 60_000;
const EVERY = 10;
const ROUNDS = 60;
/** The first round: all checks are due. */
const START = 1_800_000_000_000;
const target: Target = {
  cluster: 'c',
  node: 'n',
  role: 'etcd',
  host: 'h',
  port: 22,
  user: 'u',
  bastion: 'b',
  hostKeys: [],
};
const labels = { cluster: 'c', node: 'n', role: 'etcd' };
const CHECKS: Check[] = [
  { name: 'usage', probe: 'usage', everyMs: MINUTE, where: {}, options: {} },
  { name: 'pki', probe: 'pki', everyMs: EVERY * MINUTE, where: {}, options: {} },
];

const rule = (name: string, more: Partial<Rule>): Rule => ({
  name,
  title: name,
  metric: 'cert_expiry',
  where: {},
  condition: { kind: 'below', threshold: 50 },
  forMs: 0,
  keepFiringForMs: 0,
  noData: 'keepLast',
  severity: 'warning',
  inhibitedBy: [],
  ...more,
});
const RULES = [
  rule('at-once', {}),
  rule('held', { forMs: 5 * MINUTE, keepFiringForMs: 15 * MINUTE }),
  rule('long', { forMs: 25 * MINUTE, noData: 'ok' }),
  rule('alerting', { noData: 'alerting', forMs: 20 * MINUTE }),
  rule('average', { window: { lastMs: 30 * MINUTE, reduce: 'avg' } }),
  rule('change', {
    window: { lastMs: 25 * MINUTE, reduce: 'delta' },
    condition: { kind: 'below', threshold: 0 },
  }),
  rule('growth', {
    window: { lastMs: 35 * MINUTE, reduce: 'rate' },
    condition: { kind: 'above', threshold: 0 },
  }),
  rule('group', { aggregate: { by: ['cluster'], op: 'min' } }),
  rule('ratio', { over: 'cores', metric: 'pki_unreadable', condition: { kind: 'above', threshold: 10 } }),
  rule('failing', { metric: 'probe_success', condition: { kind: 'below', threshold: 1 }, noData: 'ok' }),
];

/** What a round of the slow check brings: a value, a failure, or nothing as the bastion is lost. */
const outcome = fc.constantFrom<number | 'failed' | 'lost'>(10, 10, 40, 60, 90, 'failed', 'lost');
const scenarios = fc.record({
  slow: fc.array(outcome, { minLength: ROUNDS / EVERY, maxLength: ROUNDS / EVERY }),
  /** Rounds until a batch is stored. */
  delays: fc.array(fc.constantFrom(0, 0, 0, 0, 0, 1, 2, 7), { minLength: 30, maxLength: 30 }),
});

function observationsOf(minute: number, value: number | 'failed' | 'lost' | undefined): BatchObservation {
  const roundMs = START + minute * MINUTE;
  const batch = {
    roundMs,
    bastion: 'b',
    index: 0,
    count: 1,
    checks: ['usage', ...(value === undefined ? [] : ['pki'])],
    targets: [target],
    expiresAtMs: roundMs + MINUTE,
  };
  const failure = { reason: 'command', phase: 'exec', detail: 'no' } as const;
  if (value === 'lost') return { batch, bastion: { ok: false, failure }, observations: [] };
  const seen = (check: string, found: Record<string, number> | undefined, own = {}): Observation => ({
    check,
    probe: check,
    target,
    roundMs,
    observedAtMs: roundMs,
    durationMs: 100,
    result: found
      ? {
          ok: true,
          notes: [],
          samples: Object.entries(found).map(([metric, one]) => ({
            metric,
            labels: { ...labels, ...(metric === 'cert_expiry' && own) },
            timeMs: roundMs,
            value: one,
          })),
        }
      : { ok: false, failure },
  });
  const usage = seen('usage', { cores: 2 + (minute % 3) });
  if (value === undefined) return { batch, bastion: { ok: true }, observations: [usage] };
  const found = value === 'failed' ? undefined : { cert_expiry: value, pki_unreadable: value };
  return { batch, bastion: { ok: true }, observations: [usage, seen('pki', found, { file: '/ca' })] };
}

/** Transitions of each rule, evaluated each round, with the batches stored as late as the scenario has them. */
async function verdictsWith(
  { slow, delays }: { slow: readonly (number | 'failed' | 'lost')[]; delays: readonly number[] },
  openStore: (clock: { nowMs(): number }) => SampleStore,
) {
  let nowMs = START;
  let repeated = 0;
  const clock = { nowMs: () => nowMs };
  const ports = {
    store: openStore(clock),
    state: createMemoryState(),
    clock,
    logger: createRecordingLogger(),
    meter: meterTo(({ name, value }) => {
      if (name === 'samples_repeated_total') repeated += value;
    }),
  };
  const config = {
    rules: RULES,
    checks: CHECKS,
    schedule: { jitterMs: 0, timeZone: 'UTC', latenessMs: 15 * MINUTE },
  };
  const waiting: { storedIn: number; observation: BatchObservation }[] = [];
  const transitions: string[] = [];
  let known = new Map<string, LastValues>();
  for (let minute = 0; minute < ROUNDS; minute++) {
    const roundMs = START + minute * MINUTE;
    nowMs = roundMs + 5_000;
    const isDue = minute % EVERY === 0;
    const seen = observationsOf(minute, isDue ? slow[minute / EVERY] : undefined);
    known = takeLastValues(known, CHECKS, seen.observations);
    const repeats = repeatsOf(seen.batch, known, CHECKS, seen.observations);
    waiting.push({ storedIn: minute + (delays[minute % 30] ?? 0), observation: { ...seen, repeats } });
    for (const { observation } of waiting.filter(({ storedIn }) => storedIn === minute)) {
      await storeBatch(observation, ports, { config, shards: [WHOLE] });
    }
    for (const one of await evaluateShard({ config, targets: [target], roundMs, shard: WHOLE }, ports)) {
      const at = (one.atMs - START) / MINUTE;
      transitions.push([minute, one.rule, one.kind, at, one.reason, one.sinceMs, one.value].join(' '));
    }
  }
  const failures = ports.logger.lines.filter(({ level }) => level === 'error');
  return { transitions, repeated, store: ports.store, failures };
}

it('verdicts are the same with an embedded store and with a Prometheus, where values are written again', async () => {
  let [fired, repeated] = [0, 0];
  await fc.assert(
    fc.asyncProperty(scenarios, fc.constantFrom(0, 600_000), async (scenario, windowMs) => {
      const dir = mkdtempSync(join(tmpdir(), 'verdicts-'));
      try {
        const embedded = await verdictsWith(scenario, () => openSqliteStore({ path: dir }));
        const remote = await verdictsWith(scenario, (clock) =>
          createPrometheusStore(createStrictPrometheus(windowMs), clock),
        );
        const query = { metric: 'cert_expiry', fromMs: START, toMs: START + ROUNDS * MINUTE };
        const found = await remote.store.query(query);
        repeated += remote.repeated;
        await embedded.store.close();
        expect(remote.failures).toEqual([]);
        for (const { points } of found) {
          expect(points.every(({ timeMs }) => timeMs % (EVERY * MINUTE) === START % (EVERY * MINUTE))).toBe(
            true,
          );
        }
        fired += embedded.transitions.length;
        expect(remote.transitions).toEqual(embedded.transitions);
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    }),
    { numRuns: 8 },
  );
  expect(fired).toBeGreaterThan(100);
  expect(repeated).toBeGreaterThan(100);
}, 120_000);
