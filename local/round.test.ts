import { describe, expect, it } from 'vitest';
import { RetryableError } from '../core/errors.ts';
import type { Batch } from '../core/model/batch.ts';
import type { Config } from '../core/model/config.ts';
import type { BatchObservation } from '../core/model/observation.ts';
import type { Rule } from '../core/model/rule.ts';
import type { Sample } from '../core/model/sample.ts';
import type { Target } from '../core/model/target.ts';
import type { SampleStore } from '../core/ports.ts';
import { createMemoryState } from '../test/memory-state.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createVirtualTime } from '../test/virtual-time.ts';
import { createMeter } from './meter.ts';
import { createRoundRunner, EVALUATE_AFTER_MS } from './round.ts';
import type { RoundFacts } from './round-faults.ts';

const MINUTE = 60_000;
const rule: Rule = {
  name: 'down',
  title: 'Down',
  metric: 'up',
  where: {},
  condition: { kind: 'below', threshold: 1 },
  forMs: 0,
  keepFiringForMs: 0,
  noData: 'keepLast',
  severity: 'critical',
  inhibitedBy: [],
};
const bastion = (name: string) => ({
  name,
  host: 'h',
  port: 22,
  user: 'u',
  privateKey: '',
  hostKeys: [],
  maxConnections: 8,
  batchSize: 100,
  concurrency: 10,
  deadlines: { bastionMs: 1, dialMs: 1, handshakeMs: 1, execMs: 1 },
  maxOutputBytes: 1,
});
const target = (name: string): Target => ({
  cluster: 'c',
  node: `n-${name}`,
  role: 'etcd',
  host: 'h',
  port: 22,
  user: 'u',
  bastion: name,
  hostKeys: [],
});
const config = {
  bastions: ['fast', 'slow'].map(bastion),
  checks: [{ name: 'usage', probe: 'usage', everyMs: MINUTE, where: {}, options: {} }],
  rules: [rule],
  schedule: { jitterMs: 0, timeZone: 'UTC', latenessMs: 15 * MINUTE },
} as unknown as Config;

function createFixture() {
  const time = createVirtualTime(MINUTE);
  const samples: Sample[] = [];
  const never = new AbortController().signal;
  let refuse = false;
  let slowMs = 0;
  let healthy = false;
  let leftOut: string | undefined;
  const facts: RoundFacts[] = [];
  const evaluatedAtMs: number[] = [];
  const meter = createMeter();
  const store = {
    async write(list: readonly Sample[]) {
      if (refuse) throw new RetryableError('disk full');
      samples.push(...list);
      return { written: list.length, duplicates: 0, rejected: [] };
    },
    query: async ({ metric }: { metric: string }) =>
      samples
        .filter((sample) => sample.metric === metric)
        .map(({ labels, timeMs, value }) => ({ metric, labels, points: [{ timeMs, value }] })),
  } as unknown as SampleStore;
  const down = (batch: Batch): BatchObservation => ({
    batch,
    bastion: { ok: true },
    observations: (batch.bastion === leftOut ? [] : batch.targets).map((t) => ({
      check: 'usage',
      target: t,
      roundMs: batch.roundMs,
      observedAtMs: batch.roundMs,
      durationMs: 1,
      result: healthy
        ? { ok: true, samples: [], notes: [] }
        : { ok: false, failure: { reason: 'unreachable', phase: 'dial', detail: 'refused' } },
    })),
  });
  const run = createRoundRunner(config, {
    inventory: { list: async () => ['fast', 'slow'].map(target) },
    prober: {
      async probe(batch) {
        if (batch.bastion === 'slow' && slowMs < 0) throw new Error('no key');
        if (batch.bastion === 'slow' && slowMs > 0) await time.sleep(slowMs, never);
        return down(batch);
      },
      close: async () => undefined,
    },
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
    onEvaluated: () => evaluatedAtMs.push(time.clock.nowMs()),
    onFacts: (found) => facts.push(found),
  });
  return {
    facts,
    leaveOut: (name: string | undefined) => {
      leftOut = name;
    },
    time,
    samples,
    evaluatedAtMs,
    meter,
    run,
    refuse: (now: boolean) => {
      refuse = now;
    },
    heal: (now: boolean) => {
      healthy = now;
    },
    slow: (ms: number) => {
      slowMs = ms;
    },
  };
}

const signal = new AbortController().signal;

describe('a round', () => {
  it('probes, stores and evaluates once when all batches are done', async () => {
    const fixture = createFixture();
    const result = await fixture.run(MINUTE, signal);
    expect(result.transitions.map((t) => t.labels.node)).toEqual(['n-fast', 'n-slow']);
    expect(fixture.evaluatedAtMs).toEqual([MINUTE]);
  });

  it('evaluates the first observations while a batch takes long, and that batch when it is done', async () => {
    const fixture = createFixture();
    fixture.heal(true);
    await fixture.run(MINUTE, signal);
    fixture.heal(false);
    fixture.slow(20_000);
    await fixture.time.advanceTo(2 * MINUTE);
    const running = fixture.run(2 * MINUTE, signal);
    await fixture.time.advanceTo(2 * MINUTE + EVALUATE_AFTER_MS);
    expect(fixture.evaluatedAtMs.at(-1)).toBe(2 * MINUTE + EVALUATE_AFTER_MS);
    await fixture.time.advanceTo(2 * MINUTE + 20_000);
    const { transitions } = await running;
    expect(transitions.map((t) => [t.labels.node, t.atMs])).toEqual([
      ['n-fast', 2 * MINUTE],
      ['n-slow', 2 * MINUTE],
    ]);
  });

  it('reports a slow batch in the very first round as in later ones', async () => {
    const fixture = createFixture();
    fixture.slow(20_000);
    const running = fixture.run(MINUTE, signal);
    await fixture.time.advanceTo(MINUTE + 20_000);
    const { transitions } = await running;
    expect(transitions.map((t) => [t.labels.node, t.kind, t.atMs, t.reason])).toEqual([
      ['n-fast', 'firing', MINUTE, 'threshold'],
      ['n-slow', 'firing', MINUTE, 'threshold'],
    ]);
  });

  it('fails for a batch that cannot be probed, and evaluates the others', async () => {
    const fixture = createFixture();
    fixture.slow(-1);
    await expect(fixture.run(MINUTE, signal)).rejects.toThrow('a batch could not be probed: no key');
    expect(fixture.samples.map((sample) => sample.labels.node)).toContain('n-fast');
    expect(fixture.evaluatedAtMs).toEqual([MINUTE]);
  });

  it('fails for nodes that are missing in the outcome of their batch', async () => {
    const fixture = createFixture();
    await fixture.time.advanceTo(2 * MINUTE);
    fixture.leaveOut('slow');
    await expect(fixture.run(2 * MINUTE, signal)).rejects.toThrow('1 node of 1 bastion');
    expect(fixture.facts.at(-1)?.absent).toEqual([{ bastion: 'slow', nodes: 1 }]);
    expect(fixture.meter.total('rounds_total')).toBe(0);
    expect(fixture.meter.text()).toContain('bartizan_nodes_absent 1');
    fixture.leaveOut(undefined);
    await fixture.time.advanceTo(3 * MINUTE);
    await fixture.run(3 * MINUTE, signal);
    expect(fixture.meter.total('rounds_total')).toBe(1);
    expect(fixture.facts.at(-1)?.absent).toEqual([]);
  });

  it('keeps batches that the store refuses and writes them with the next round', async () => {
    const fixture = createFixture();
    fixture.refuse(true);
    await fixture.run(MINUTE, signal);
    expect(fixture.samples).toEqual([]);
    expect(fixture.meter.total('store_failures_total')).toBe(2);
    expect(fixture.meter.total('rounds_total')).toBe(0);
    fixture.refuse(false);
    await fixture.run(2 * MINUTE, signal);
    expect(new Set(fixture.samples.map((sample) => sample.timeMs))).toEqual(new Set([MINUTE, 2 * MINUTE]));
    expect(fixture.meter.total('batches_lost_total')).toBe(0);
  });

  it('stores and evaluates nothing after it was cut off', async () => {
    const fixture = createFixture();
    const cut = new AbortController();
    fixture.slow(20_000);
    const running = fixture.run(MINUTE, cut.signal);
    await fixture.time.advanceTo(MINUTE + 1_000);
    cut.abort();
    // Without any time passing: it does not wait for a batch that hangs.
    const { transitions } = await running;
    expect(transitions).toEqual([]);
    expect(fixture.samples.filter((sample) => sample.labels.node === 'n-slow')).toEqual([]);
  });
});
