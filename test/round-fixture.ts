import { RetryableError } from '../core/errors.ts';
import type { Batch } from '../core/model/batch.ts';
import type { Config } from '../core/model/config.ts';
import type { BatchObservation } from '../core/model/observation.ts';
import type { Rule } from '../core/model/rule.ts';
import type { Sample } from '../core/model/sample.ts';
import type { Target } from '../core/model/target.ts';
import type { Prober, SampleStore, WriteResult } from '../core/ports.ts';
import { createMeter } from '../local/meter.ts';
import { createRoundRunner } from '../local/round.ts';
import type { RoundFacts } from '../local/round-faults.ts';
import { createMemoryState } from './memory-state.ts';
import { createRecordingLogger } from './recording-logger.ts';
import { createVirtualTime } from './virtual-time.ts';

export const MINUTE = 60_000;
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
const configOf = (names: readonly string[], change: Partial<Rule>) =>
  ({
    bastions: names.map(bastion),
    checks: [{ name: 'usage', probe: 'usage', everyMs: MINUTE, where: {}, options: {} }],
    rules: [{ ...rule, ...change }],
    schedule: { jitterMs: 0, timeZone: 'UTC', latenessMs: 15 * MINUTE },
  }) as unknown as Config;

/** Rounds of one process over bastions with a node each; all nodes are down until `heal`. */
export function createRoundFixture(names: readonly string[] = ['fast', 'slow'], change: Partial<Rule> = {}) {
  const time = createVirtualTime(MINUTE);
  const samples: Sample[] = [];
  const never = new AbortController().signal;
  let refuse: (list: readonly Sample[]) => boolean = () => false;
  let answer = (list: readonly Sample[]): WriteResult => ({
    written: list.length,
    duplicates: 0,
    rejected: [],
  });
  let failsQueries = false;
  let probing: Prober['probe'] | undefined;
  const tried: number[] = [];
  let slowMs = 0;
  let healthy = false;
  let leftOut: string | undefined;
  const facts: RoundFacts[] = [];
  const evaluatedAtMs: number[] = [];
  const meter = createMeter();
  const logger = createRecordingLogger();
  const state = createMemoryState();
  const store = {
    async write(list: readonly Sample[]) {
      // core/stages/fleet-samples.test.ts is about samples of the fleet as a whole.
      if (list[0]?.metric === 'unwatched_nodes') return { written: list.length, duplicates: 0, rejected: [] };
      tried.push(list[0]?.timeMs ?? Number.NaN);
      if (refuse(list)) throw new RetryableError('disk full');
      samples.push(...list);
      return answer(list);
    },
    async query({ metric }: { metric: string }) {
      if (failsQueries) throw new RetryableError('disk full');
      return samples
        .filter((sample) => sample.metric === metric)
        .map(({ labels, timeMs, value }) => ({ metric, labels, points: [{ timeMs, value }] }));
    },
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
  const run = createRoundRunner(configOf(names, change), {
    inventory: { list: async () => names.map(target) },
    prober: {
      async probe(batch, options) {
        if (probing) return probing(batch, options);
        if (batch.bastion === 'slow' && slowMs < 0) throw new Error('no key');
        if (batch.bastion === 'slow' && slowMs > 0) await time.sleep(slowMs, never);
        return down(batch);
      },
      close: async () => undefined,
    },
    store,
    state,
    audit: {
      append: async () => undefined,
      head: () => ({ writer: 'w', sequence: 7, hash: 'h' }),
      close: async () => undefined,
    },
    clock: time.clock,
    sleep: time.sleep,
    logger,
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
    /** Times of the first samples of all writes, also of those that the store refused. */
    tried,
    logger,
    state,
    down,
    refuse: (now: boolean | ((list: readonly Sample[]) => boolean)) => {
      refuse = typeof now === 'function' ? now : () => now;
    },
    /** What the store answers to what it takes. */
    answers: (next: typeof answer) => {
      answer = next;
    },
    failQueries: () => {
      failsQueries = true;
    },
    probes: (next: Prober['probe']) => {
      probing = next;
    },
    heal: (now: boolean) => {
      healthy = now;
    },
    slow: (ms: number) => {
      slowMs = ms;
    },
  };
}
