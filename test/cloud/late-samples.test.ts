// A backlog at a store that refuses late samples: store writes as many as possible, evaluate uses all of them, and the
// refused ones are counted.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { decodeMessage } from '../../adapters/queues/messages.ts';
import { createPrometheusStore } from '../../adapters/stores/prometheus/store.ts';
import type { Batch } from '../../core/model/batch.ts';
import type { BatchObservation, Observation } from '../../core/model/observation.ts';
import type { CounterName } from '../../core/own-metrics.ts';
import { samplesOf } from '../../core/parse/samples.ts';
import { configOf, configText } from '../config-cases.ts';
import { createRandom } from '../simulation/random.ts';
import { createStrictPrometheus, type StrictPrometheus } from '../strict-prometheus.ts';
import { type Cloud, MINUTE, startCloud } from './cloud.ts';

const START = 480_000 * 3_600_000;
const NODES = Array.from({ length: 5 }, (_, i) => `{ name: n${i}, role: etcd, host: h }`).join(', ');
const base = configOf(
  configText({
    clusters: `clusters:
  - { name: one, bastion: seoul, nodes: [${NODES}] }
  - { name: two, bastion: seoul, nodes: [${NODES}] }
`,
    more: `rules:
  - { name: memory, metric: mem_usage, above: 90, for: 2m, severity: critical }
  - { name: mean, metric: mem_usage, window: { last: 5m, reduce: avg }, above: 90, for: 0s }
  - { name: fleet, metric: mem_usage, aggregate: { by: [role], op: avg }, above: 90, for: 1m }
  - { name: down, metric: up, below: 1, for: 1m, severity: critical }
routes: [{ name: all, channels: [ops], groupInterval: 1m }]
`,
  }),
);
const [seoul] = base.bastions;
if (!seoul) throw new Error('the cases have no bastion');
const config = {
  ...base,
  bastions: [seoul, { ...seoul, name: 'busan' }],
  clusters: base.clusters.map((one) => (one.name === 'two' ? { ...one, bastion: 'busan' } : one)),
};

const open: Cloud[] = [];
const dirs: string[] = [];
afterEach(async () => {
  for (const cloud of open.splice(0)) await cloud.store.close();
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true });
});

/** The value of a node at that minute; undefined when the node does not answer. */
type Course = (cluster: string, minute: number) => number | undefined;

function start(course: Course, options: { windowMs?: number; seed?: number; shards?: number } = {}) {
  const { windowMs, seed = 1, shards = 3 } = options;
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-late-'));
  dirs.push(dir);
  const strict = windowMs === undefined ? undefined : createStrictPrometheus(windowMs);
  let made = 0;
  const probe = (batch: Batch): BatchObservation => {
    const minute = (batch.roundMs - START) / MINUTE;
    const observations = batch.targets.map((target): Observation => {
      const { cluster, node, role } = target;
      const { roundMs } = batch;
      const at = { check: 'usage', target, roundMs, observedAtMs: roundMs, durationMs: 1 };
      const value = course(cluster, minute);
      if (value === undefined) {
        const failure = { reason: 'timeout', phase: 'dial', detail: 'silent' } as const;
        return { ...at, result: { ok: false, failure } };
      }
      const samples = ['mem_usage', 'load1'].map((metric) => ({
        metric,
        labels: { cluster, node, role },
        timeMs: roundMs,
        value: value + Number(node.slice(1)) / 100,
      }));
      return { ...at, result: { ok: true, samples, notes: [] } };
    });
    const seen: BatchObservation = { batch, bastion: { ok: true }, observations };
    made += samplesOf(seen).length;
    return seen;
  };
  const cloud = startCloud({
    config,
    dir,
    startMs: START,
    shards,
    probe,
    random: createRandom(seed).next,
    ...(strict && {
      store: (clock) => {
        const store = createPrometheusStore(strict, clock);
        return {
          ...store,
          async write(samples) {
            const result = await store.write(samples);
            // Those of the fleet as a whole come from evaluate.
            if (samples[0]?.metric === 'unwatched_nodes') made += result.written + result.rejected.length;
            return result;
          },
        };
      },
    }),
  });
  open.push(cloud);
  return { cloud, strict, made: () => made };
}

async function rounds(cloud: Cloud, from: number, to: number): Promise<void> {
  for (let minute = from; minute <= to; minute++) await cloud.round(START + minute * MINUTE);
}

/** Each alert that was sent: rule, node, when it fired, and when it resolved if that was sent. */
function outcomes(cloud: Cloud): string[] {
  const minutes = (ms: number | undefined) => (ms === undefined ? 'firing' : (ms - START) / MINUTE);
  const last = new Map<string, string>();
  for (const { rule, labels, firedAtMs, resolvedAtMs } of cloud.sent.flatMap(
    ({ notification }) => notification.alerts,
  )) {
    const what = `${rule} ${labels.cluster ?? ''}/${labels.node ?? ''} ${minutes(firedAtMs)}`;
    last.set(what, `${what} to ${minutes(resolvedAtMs)}`);
  }
  return [...last.values()].sort();
}

function expectAllCounted({
  cloud,
  strict,
  made,
}: {
  cloud: Cloud;
  strict: StrictPrometheus | undefined;
  made: () => number;
}) {
  const total = (name: CounterName) => cloud.meter.total(name);
  expect(total('samples_written_total') + total('samples_too_late_total')).toBe(made());
  expect(strict?.size()).toBe(total('samples_written_total'));
  expect([total('samples_rejected_total'), total('samples_late_unread_total')]).toEqual([0, 0]);
  expect((['store', 'evaluate'] as const).flatMap((stage) => cloud.dead(stage))).toEqual([]);
}

/**
 * One cluster breaches from minute 6 to 12, the other from 8 on; the nodes of the other are down in minutes 14 and 15.
 */
const outage: Course = (cluster, minute) => {
  if (cluster === 'one') return minute >= 6 && minute < 13 ? 95 : 40;
  return minute === 14 || minute === 15 ? undefined : minute >= 8 ? 96 : 40;
};

/** The alerts that are sent when the store never fails. */
let calm: string[];
beforeAll(async () => {
  const { cloud } = start(outage);
  await rounds(cloud, 0, 30);
  calm = outcomes(cloud);
});

describe.each([0, 60, 600])('when the store takes samples that are %i s late', (seconds) => {
  const windowMs = seconds * 1000;

  it.each([
    ['refuses', 1],
    ['is not written to', 1],
    ['is not written to', 2],
  ] as const)(
    'and %s for fifteen rounds, the same alerts are sent, and every sample is counted (seed %i)',
    async (how, seed) => {
      const fixture = start(outage, { windowMs, seed });
      const { cloud } = fixture;
      await rounds(cloud, 0, 2);
      const before = fixture.made();
      // A queue that no function read can hand out all its messages at once, in any order.
      if (how === 'refuses') cloud.fault.store = true;
      else cloud.fault.stopped = 'store';
      await rounds(cloud, 3, 17);
      cloud.fault.store = false;
      delete cloud.fault.stopped;
      expect(fixture.made() - before).toBeGreaterThanOrEqual(750);
      await rounds(cloud, 18, 30);
      expect(outcomes(cloud)).toEqual(calm);
      expectAllCounted(fixture);
    },
  );

  it('and the messages of one bastion wait for two hours, samples that are newer than the last evaluation are still evaluated', async () => {
    const fixture = start((cluster, minute) => (minute >= (cluster === 'one' ? 60 : 115) ? 95 : 40), {
      windowMs,
    });
    const { cloud } = fixture;
    await rounds(cloud, 0, 2);
    cloud.queues.withhold = (body) => {
      const { batch } = decodeMessage(body) as Partial<BatchObservation>;
      return batch?.bastion === 'busan';
    };
    await rounds(cloud, 3, 122);
    expect(outcomes(cloud).filter((line) => line.includes('two/'))).toEqual([]);
    cloud.queues.withhold = () => false;
    await rounds(cloud, 123, 126);
    const found = outcomes(cloud).filter((line) => line.startsWith('memory'));
    expect(found).toEqual(
      [0, 1, 2, 3, 4]
        .flatMap((n) => [`memory one/n${n} 62 to firing`, `memory two/n${n} 117 to firing`])
        .sort(),
    );
    expectAllCounted(fixture);
    expect(cloud.meter.total('samples_too_late_total')).toBeGreaterThan(0);
    expect(cloud.meter.total('samples_not_judged_total')).toBeGreaterThan(0);
  });
});
