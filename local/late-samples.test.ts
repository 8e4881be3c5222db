// A store that refuses late samples, with the runner of one process.

import { describe, expect, it } from 'vitest';
import { createPrometheusStore } from '../adapters/stores/prometheus/store.ts';
import { RetryableError } from '../core/errors.ts';
import type { Batch } from '../core/model/batch.ts';
import type { Config } from '../core/model/config.ts';
import type { BatchObservation } from '../core/model/observation.ts';
import type { Transition } from '../core/model/transition.ts';
import type { CounterName } from '../core/own-metrics.ts';
import { samplesOf } from '../core/parse/samples.ts';
import type { SampleStore } from '../core/ports.ts';
import { configOf, configText } from '../test/config-cases.ts';
import { createMemoryState } from '../test/memory-state.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createStrictPrometheus } from '../test/strict-prometheus.ts';
import { createVirtualTime } from '../test/virtual-time.ts';
import { createFaults } from './faults.ts';
import { createMeter } from './meter.ts';
import { createRoundRunner } from './round.ts';
import { createRoundFaults } from './round-faults.ts';

const MINUTE = 60_000;
const config: Config = configOf(
  configText({ more: 'rules: [{ name: down, metric: up, below: 1, for: 2m, severity: critical }]\n' }),
);
const never = new AbortController().signal;

/** The nodes are down from minute 5 on. */
function createFixture(windowMs: number) {
  const startMs = 500_000 * 3_600_000;
  const time = createVirtualTime(startMs);
  const strict = createStrictPrometheus(windowMs);
  const inner = createPrometheusStore(strict, time.clock);
  const meter = createMeter();
  const faults = createFaults();
  const transitions: Transition[] = [];
  const out = { store: false, minutes: [] as number[] };
  let made = 0;
  const refuse = async (): Promise<never> => {
    throw new RetryableError('the store does not answer');
  };
  const store: SampleStore = {
    ...inner,
    write: async (samples) => {
      const isPoison = samples.some(({ timeMs }) => out.minutes.includes((timeMs - startMs) / MINUTE));
      if (out.store || isPoison) return await refuse();
      const result = await inner.write(samples);
      if (samples[0]?.metric === 'unwatched_nodes') made += result.written + result.rejected.length;
      return result;
    },
    query: (query) => (out.store ? refuse() : inner.query(query)),
  };
  const probe = async (batch: Batch): Promise<BatchObservation> => {
    const { roundMs } = batch;
    const isDown = roundMs >= startMs + 5 * MINUTE;
    const failure = { reason: 'timeout', phase: 'dial', detail: 'silent' } as const;
    const result = isDown ? { ok: false as const, failure } : { ok: true as const, samples: [], notes: [] };
    const seen: BatchObservation = {
      batch,
      bastion: { ok: true },
      observations: batch.targets.map((target) => ({
        ...{ check: 'usage', target, roundMs, observedAtMs: roundMs, durationMs: 1 },
        result,
      })),
    };
    made += samplesOf(seen).length;
    return seen;
  };
  const target = {
    cluster: 'prod',
    role: 'etcd' as const,
    host: 'h',
    port: 22,
    user: 'u',
    bastion: 'seoul',
    hostKeys: [],
  };
  const run = createRoundRunner(config, {
    inventory: { list: async () => ['a', 'b'].map((node) => ({ ...target, node })) },
    prober: { probe, close: async () => undefined },
    store,
    state: createMemoryState(),
    audit: {
      append: async () => undefined,
      head: () => ({ writer: 'w', sequence: 0, hash: '' }),
      close: async () => undefined,
    },
    clock: time.clock,
    sleep: time.sleep,
    logger: createRecordingLogger(),
    meter,
    onEvaluated: () => undefined,
    onFacts: createRoundFaults(faults),
  });
  return {
    startMs,
    inner,
    strict,
    out,
    total: (name: CounterName) => meter.total(name),
    made: () => made,
    warnings: () => faults.findings().warnings.map(({ code }) => code),
    fired: () =>
      transitions
        .filter(({ kind }) => kind === 'firing')
        .map(({ labels, atMs }) => `${labels.node} ${(atMs - startMs) / MINUTE}`)
        .sort(),
    async rounds(from: number, to: number): Promise<void> {
      for (let minute = from; minute <= to; minute++) {
        await time.advanceTo(startMs + minute * MINUTE);
        const done = await run(startMs + minute * MINUTE, never).catch(() => undefined);
        transitions.push(...(done?.transitions ?? []));
      }
    },
  };
}

describe.each([0, 60, 600])('when the store takes samples that are %i s late', (seconds) => {
  it('and fails for fifteen rounds, the whole backlog is written oldest first, and evaluated', async () => {
    const fixture = createFixture(seconds * 1000);
    await fixture.rounds(0, 2);
    fixture.out.store = true;
    await fixture.rounds(3, 17);
    fixture.out.store = false;
    await fixture.rounds(18, 19);
    expect(fixture.fired()).toEqual(['a 7', 'b 7']);
    expect(fixture.total('samples_written_total')).toBe(fixture.made());
    expect([fixture.total('samples_too_late_total'), fixture.warnings()]).toEqual([0, []]);
  });

  it('and has a sample of the future from a wrong clock, rules are still evaluated, and a warning names what is missing', async () => {
    const fixture = createFixture(seconds * 1000);
    const future = {
      metric: 'load1',
      labels: { cluster: 'other', node: 'x' },
      timeMs: fixture.startMs + 120 * MINUTE,
      value: 1,
    };
    await fixture.inner.write([future]);
    await fixture.rounds(0, 9);
    expect(fixture.fired()).toEqual(['a 7', 'b 7']);
    expect(fixture.warnings()).toEqual(['samples-too-late']);
    expect(fixture.total('samples_too_late_total')).toBe(fixture.made());
    expect([fixture.total('samples_written_total'), fixture.strict.size()]).toEqual([0, 1]);
  });
});

it('batches that the store always refuses do not delay others', async () => {
  const fixture = createFixture(600_000);
  await fixture.rounds(0, 2);
  fixture.out.store = true;
  fixture.out.minutes = [3, 4, 5, 6];
  await fixture.rounds(3, 12);
  fixture.out.store = false;
  await fixture.rounds(13, 17);
  const range = { fromMs: fixture.startMs, toMs: fixture.startMs + 60 * MINUTE };
  const [one] = await fixture.inner.query({ metric: 'up', ...range });
  const minutes = one?.points.map(({ timeMs }) => (timeMs - fixture.startMs) / MINUTE);
  expect(minutes).toEqual([0, 1, 2, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
});
