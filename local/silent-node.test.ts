import { expect, it } from 'vitest';
import { RetryableError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import type { BatchObservation, Observation } from '../core/model/observation.ts';
import type { Sample } from '../core/model/sample.ts';
import type { Target } from '../core/model/target.ts';
import type { SampleStore } from '../core/ports.ts';
import { createMemoryState } from '../test/memory-state.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createVirtualTime } from '../test/virtual-time.ts';
import { createMeter } from './meter.ts';
import { createRoundRunner, EVALUATE_AFTER_MS } from './round.ts';

const MINUTE = 60_000;
const SILENT_MS = 25_000;

const target = (node: string): Target => ({
  cluster: 'c',
  node,
  role: 'etcd',
  host: 'h',
  port: 22,
  user: 'u',
  bastion: 'b',
  hostKeys: [],
});
const config = {
  bastions: [{ name: 'b', batchSize: 100, maxConnections: 8 }],
  checks: [{ name: 'usage', probe: 'usage', everyMs: MINUTE, where: {}, options: {} }],
  rules: [],
  schedule: { jitterMs: 0, timeZone: 'UTC', latenessMs: 15 * MINUTE },
} as unknown as Config;

const observe = (node: string, result: Observation['result']): Observation => ({
  check: 'usage',
  target: target(node),
  roundMs: MINUTE,
  observedAtMs: MINUTE,
  durationMs: 100,
  result,
});
const good = (node: string) =>
  observe(node, {
    ok: true,
    samples: [
      { metric: 'mem_usage', labels: { cluster: 'c', node, role: 'etcd' }, timeMs: MINUTE, value: 1 },
    ],
    notes: [],
  });
const bad = (node: string, reason: 'timeout' | 'unreachable') =>
  observe(node, { ok: false, failure: { reason, phase: 'handshake', detail: '' } });

/**
 * A batch in which `good` answers at once, `refused` fails at once, and `silent` does not answer until its deadline.
 */
function fixture(bastion: BatchObservation['bastion'] = { ok: true }) {
  const time = createVirtualTime(MINUTE);
  const written: Sample[] = [];
  let refuses = false;
  let evaluated = 0;
  const store = {
    async write(list: readonly Sample[]) {
      if (refuses) throw new RetryableError('disk full');
      written.push(...list);
      return { written: list.length, duplicates: 0, rejected: [] };
    },
    query: async () => [],
  } as unknown as SampleStore;
  const run = createRoundRunner(config, {
    inventory: { list: async () => ['good', 'refused', 'silent'].map(target) },
    prober: {
      async probe(batch, { onNode } = {}) {
        const all = [good('good'), bad('refused', 'unreachable')];
        for (const one of all) onNode?.([one]);
        await time.sleep(SILENT_MS, new AbortController().signal);
        all.push(bad('silent', 'timeout'));
        return { batch, bastion, observations: bastion.ok ? all : all.filter(({ result }) => result.ok) };
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
    meter: createMeter(),
    onEvaluated: () => evaluated++,
  });
  const lines = () =>
    written
      .filter(({ metric }) => metric !== 'unwatched_nodes')
      .map(({ metric, labels, value }) => `${labels.node ?? labels.bastion} ${metric} ${value}`)
      .sort();
  return { time, run, lines, evaluated: () => evaluated, refuse: (now: boolean) => (refuses = now) };
}

const EARLY = ['good host_key_mismatch 0', 'good mem_usage 1', 'good probe_duration 0.1', 'good up 1'];
const WHOLE = ['b bastion_host_key_mismatch 0', 'b bastion_up 1', ...EARLY, 'refused up 0', 'silent up 0'];
const never = new AbortController().signal;

it('a silent node does not delay the other answers of its batch, which are stored and evaluated within seconds', async () => {
  const { time, run, lines, evaluated } = fixture();
  const running = run(MINUTE, never);
  await time.advanceTo(MINUTE + EVALUATE_AFTER_MS);
  // Failures are reported when it is known that their bastion is not the cause.
  expect([lines(), evaluated()]).toEqual([EARLY, 1]);
  // Nothing is new then.
  await time.advanceTo(MINUTE + SILENT_MS - 1);
  expect([lines(), evaluated()]).toEqual([EARLY, 1]);
  await time.advanceTo(MINUTE + SILENT_MS);
  await running;
  // Each sample once.
  expect(lines()).toEqual(WHOLE);
  expect(evaluated()).toBe(2);
});

it('nodes that were silent are unknown when their bastion turns out to be lost, as they are when everything is stored at once', async () => {
  const { time, run, lines } = fixture({
    ok: false,
    failure: { reason: 'timeout', phase: 'bastion', detail: '' },
  });
  const running = run(MINUTE, never);
  await time.advanceTo(MINUTE + SILENT_MS);
  await running;
  expect(lines()).toEqual(['b bastion_up 0', ...EARLY].sort());
});

it('early answers that the store refuses are stored with the batch', async () => {
  const { time, run, lines, refuse } = fixture();
  refuse(true);
  const running = run(MINUTE, never);
  await time.advanceTo(MINUTE + EVALUATE_AFTER_MS);
  expect(lines()).toEqual([]);
  refuse(false);
  await time.advanceTo(MINUTE + SILENT_MS);
  await running;
  expect(lines()).toEqual(WHOLE);
});
