import { describe, expect, it } from 'vitest';
import type { Config } from '../core/config/types.ts';
import { RetryableError } from '../core/errors.ts';
import type { Batch, BatchObservation, Rule, Sample, Target } from '../core/model.ts';
import type { SampleStore } from '../core/ports.ts';
import { createMemoryState } from '../test/memory-state.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createVirtualTime } from '../test/virtual-time.ts';
import { createMeter } from './meter.ts';
import { createRoundRunner, JUDGE_AFTER_MS } from './round.ts';

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

function createWorld() {
  const time = createVirtualTime(MINUTE);
  const samples: Sample[] = [];
  const never = new AbortController().signal;
  let refuse = false;
  let slowMs = 0;
  let healthy = false;
  const judgedAtMs: number[] = [];
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
    observations: batch.targets.map((t) => ({
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
    onJudged: () => judgedAtMs.push(time.clock.nowMs()),
  });
  return {
    time,
    samples,
    judgedAtMs,
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
  it('probes, stores and judges once when all batches are done', async () => {
    const world = createWorld();
    const result = await world.run(MINUTE, signal);
    expect(result.transitions.map((t) => t.labels.node)).toEqual(['n-fast', 'n-slow']);
    expect(world.judgedAtMs).toEqual([MINUTE]);
  });

  it('judges what is there while a batch takes long, and that batch when it is done', async () => {
    const world = createWorld();
    world.heal(true);
    await world.run(MINUTE, signal);
    world.heal(false);
    world.slow(20_000);
    await world.time.advanceTo(2 * MINUTE);
    const running = world.run(2 * MINUTE, signal);
    await world.time.advanceTo(2 * MINUTE + JUDGE_AFTER_MS);
    expect(world.judgedAtMs.at(-1)).toBe(2 * MINUTE + JUDGE_AFTER_MS);
    await world.time.advanceTo(2 * MINUTE + 20_000);
    const { transitions } = await running;
    expect(transitions.map((t) => [t.labels.node, t.atMs])).toEqual([
      ['n-fast', 2 * MINUTE],
      ['n-slow', 2 * MINUTE],
    ]);
  });

  it('fails for a batch that cannot be probed, and judges the others all the same', async () => {
    const world = createWorld();
    world.slow(-1);
    await expect(world.run(MINUTE, signal)).rejects.toThrow('a batch could not be probed: no key');
    expect(world.samples.map((sample) => sample.labels.node)).toContain('n-fast');
    expect(world.judgedAtMs).toEqual([MINUTE]);
  });

  it('keeps what the store refuses and writes it with the next round', async () => {
    const world = createWorld();
    world.refuse(true);
    await world.run(MINUTE, signal);
    expect(world.samples).toEqual([]);
    expect(world.meter.total('store_failures_total')).toBe(2);
    world.refuse(false);
    await world.run(2 * MINUTE, signal);
    expect(new Set(world.samples.map((sample) => sample.timeMs))).toEqual(new Set([MINUTE, 2 * MINUTE]));
    expect(world.meter.total('batches_lost_total')).toBe(0);
  });

  it('stores and judges nothing once it is cut off', async () => {
    const world = createWorld();
    const cut = new AbortController();
    world.slow(20_000);
    const running = world.run(MINUTE, cut.signal);
    await world.time.advanceTo(MINUTE + 1_000);
    cut.abort();
    // Without any time passing: a batch that hangs is not waited for.
    const { transitions } = await running;
    expect(transitions).toEqual([]);
    expect(world.samples.filter((sample) => sample.labels.node === 'n-slow')).toEqual([]);
  });
});
