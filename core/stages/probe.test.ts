import { describe, expect, it } from 'vitest';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import { type MeterChange, meterTo } from '../meter.ts';
import type { Batch } from '../model/batch.ts';
import type { BatchObservation, Failure, Observation } from '../model/observation.ts';
import type { Target } from '../model/target.ts';
import type { ProbeOptions } from '../ports.ts';
import { probe } from './probe.ts';

const target = (node: string) => ({ cluster: 'c', node, role: 'etcd' }) as Target;
const batch: Batch = {
  roundMs: 60_000,
  bastion: 'b',
  index: 2,
  count: 3,
  checks: ['usage'],
  targets: [target('n1')],
  expiresAtMs: 120_000,
};
const ok: Observation['result'] = { ok: true, samples: [], notes: [] };
const failed = (reason: Failure['reason']): Observation['result'] => ({
  ok: false,
  failure: { reason, phase: 'handshake', detail: 'd' },
});
const observation = (node: string, result: Observation['result'], durationMs = 500): Observation => ({
  check: 'usage',
  target: target(node),
  roundMs: 60_000,
  observedAtMs: 60_000,
  durationMs,
  result,
});

/** Probes the batch at this time; the prober answers 250 ms later. */
async function probed(nowMs: number, answer: Partial<BatchObservation> = {}) {
  let now = nowMs;
  const logger = createRecordingLogger();
  const changes: MeterChange[] = [];
  const given: (ProbeOptions | undefined)[] = [];
  const signal = new AbortController().signal;
  const result = await probe(
    batch,
    {
      prober: {
        async probe(one, options) {
          now += 250;
          given.push(options);
          return { batch: one, bastion: { ok: true }, observations: [], ...answer };
        },
        close: async () => undefined,
      },
      clock: { nowMs: () => now },
      logger,
      meter: meterTo((change) => changes.push(change)),
    },
    { signal },
  );
  const counted = (name: string) =>
    changes
      .filter((change) => change.name === name)
      .map(({ labels, value }) => [...Object.values(labels), value]);
  return { result, logger, counted, isGiven: given.map((options) => options?.signal === signal) };
}
const round = '1970-01-01T00:01:00.000Z';

describe('a batch', () => {
  it('is probed until its time is over, with the options of the caller', async () => {
    const { result, isGiven, counted } = await probed(119_999);
    expect(result?.batch).toBe(batch);
    expect(isGiven).toEqual([true]);
    expect(counted('batches_expired_total')).toEqual([]);
  });

  it('is dropped, counted and logged from then on', async () => {
    const { result, isGiven, counted, logger } = await probed(120_000);
    expect(result).toBeUndefined();
    expect(isGiven).toEqual([]);
    expect(counted('batches_expired_total')).toEqual([['b', 1]]);
    expect(logger.lines).toMatchObject([
      {
        level: 'warn',
        message: expect.stringContaining('dropped'),
        fields: { bastion: 'b', batch: 2, round },
      },
    ]);
  });

  it('is counted by outcome, with the time that each node took', async () => {
    const observations = [
      observation('n1', ok, 500),
      observation('n2', failed('timeout'), 5_000),
      observation('n3', ok, 1_500),
    ];
    const { counted, logger } = await probed(60_000, { observations });
    expect(counted('observations_total')).toEqual([
      ['ok', 2],
      ['failed', 1],
    ]);
    expect(counted('node_probe_duration_seconds')).toEqual([
      ['ok', 0.5],
      ['failed', 5],
      ['ok', 1.5],
    ]);
    expect(counted('bastion_failures_total')).toEqual([]);
    expect(logger.lines).toEqual([
      {
        level: 'debug',
        message: 'batch probed',
        fields: { bastion: 'b', batch: 2, round, targets: 1, failed: 1, ms: 250 },
      },
    ]);
  });

  it('whose nodes are unknown says so of the first five of them', async () => {
    const observations = Array.from({ length: 7 }, (_, i) => observation(`n${i}`, failed('penalty')));
    const { logger } = await probed(60_000, { observations: [observation('fine', ok), ...observations] });
    expect(logger.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { fields: { bastion: 'b', nodes: 7, first: 'c/n0, c/n1, c/n2, c/n3, c/n4' } },
    ]);
  });

  it('whose bastion failed says why', async () => {
    const failure: Failure = { reason: 'auth', phase: 'bastion', detail: 'refused the key' };
    const { counted, logger } = await probed(60_000, { bastion: { ok: false, failure } });
    expect(counted('bastion_failures_total')).toEqual([['b', 'auth', 1]]);
    expect(logger.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { fields: { bastion: 'b', batch: 2, ...failure } },
    ]);
  });

  it('says which of several bastions failed', async () => {
    const failure: Failure = { reason: 'auth', phase: 'bastion', detail: 'refused the key' };
    const ways = [
      { bastion: 'b', outcome: { ok: true } as const },
      { bastion: 'other', outcome: { ok: false, failure } as const },
    ];
    const { counted, logger } = await probed(60_000, { ways });
    expect(counted('bastion_failures_total')).toEqual([['other', 'auth', 1]]);
    expect(logger.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { message: 'bastion failed: its nodes have another one', fields: { bastion: 'other', ...failure } },
    ]);
  });
});
