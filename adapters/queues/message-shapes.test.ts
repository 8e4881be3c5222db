import { describe, expect, it } from 'vitest';
import { PermanentError } from '../../core/errors.ts';
import type { Batch } from '../../core/model/batch.ts';
import type { BatchObservation } from '../../core/model/observation.ts';
import { shardsOf } from '../../core/plan/shards.ts';
import { cpuMs } from '../../test/machine-speed.ts';
import {
  readBatch,
  readEvaluation,
  readIncidentMessage,
  readObservations,
  readTick,
  readWake,
} from './message-shapes.ts';
import { decodeMessage, evaluationMessage, observationMessages } from './messages.ts';

const target = {
  cluster: 'c',
  node: 'n',
  role: 'etcd' as const,
  host: 'h',
  port: 22,
  user: 'u',
  bastion: 'b',
  hostKeys: ['ssh-ed25519 AAAA'],
};
const batch: Batch = {
  roundMs: 60_000,
  bastion: 'b',
  index: 0,
  count: 1,
  checks: ['usage'],
  targets: [target],
  expiresAtMs: 120_000,
};
const sample = { metric: 'mem_usage', labels: { cluster: 'c' }, timeMs: 60_000, value: 40 };
const result = { ok: true as const, samples: [sample], notes: ['n'] };
const one = { check: 'usage', target, roundMs: 60_000, observedAtMs: 60_000.5, durationMs: 0.5, result };
const failure = { reason: 'timeout', phase: 'dial', detail: '' } as const;
const seen: BatchObservation = {
  batch,
  bastion: { ok: true },
  observations: [one, { ...one, result: { ok: false, failure } }],
};

describe('messages of stages', () => {
  it('are read as they were written', () => {
    expect(readBatch(batch)).toEqual(batch);
    const [message = ''] = observationMessages(seen);
    expect(readObservations(decodeMessage(message))).toEqual({ ...seen, batch: { ...batch, targets: [] } });
    for (const shard of [...shardsOf(1), ...shardsOf(3)])
      expect(readEvaluation(decodeMessage(evaluationMessage(0, shard)))).toEqual({ roundMs: 0, shard });
  });

  it('of the next release may say more, and give reasons that are not known yet', () => {
    const later = {
      ...seen,
      batch: { ...batch, intervalMs: 60_000, targets: [] },
      bastion: { ok: false, failure: { ...failure, reason: 'tired', phase: 'lunch' } },
      more: true,
    };
    expect(readObservations(later)).toEqual(later);
    expect(readIncidentMessage({ incidentId: 'i', attempt: 2 })).toEqual({ incidentId: 'i', attempt: 2 });
    expect(readWake({ why: 'tick', untilMs: 5 })).toEqual({ why: 'tick', untilMs: 5 });
  });

  it.each<[what: string, read: (message: unknown) => unknown, message: unknown, error: string]>([
    ['a batch', readBatch, {}, 'roundMs: Invalid input: expected number, received undefined; bastion:'],
    ['a batch', readBatch, null, 'Invalid input: expected object, received null'],
    ['a batch', readBatch, { ...batch, targets: [{ ...target, port: 0 }] }, 'targets.0.port: '],
    ['a batch', readBatch, { ...batch, roundMs: 1e300 }, 'roundMs: '],
    ['observations', readObservations, batch, 'batch: '],
    [
      'observations',
      readObservations,
      { ...seen, observations: [{ ...one, result: {} }] },
      'observations.0.result.ok: ',
    ],
    [
      'observations',
      readObservations,
      {
        ...seen,
        observations: [one, { ...one, result: { ...result, samples: [sample, { ...sample, value: null }] } }],
      },
      'observations.1.result.samples.1: this is not a sample',
    ],
    [
      'observations',
      readObservations,
      {
        ...seen,
        observations: [{ ...one, result: { ...result, samples: [{ ...sample, labels: { a: 1 } }] } }],
      },
      'observations.0.result.samples.0: this is not a sample',
    ],
    ['an evaluation', readEvaluation, { roundMs: '0', shard: { kind: 'whole' } }, 'roundMs: '],
    ['an evaluation', readEvaluation, { roundMs: 0, shard: { kind: 'half' } }, 'shard.kind: '],
    [
      'an evaluation',
      readEvaluation,
      { roundMs: 0, shard: { kind: 'clusters', index: 3, count: 3 } },
      'shard: `index` is not below `count`',
    ],
    ['a delivery', readIncidentMessage, { incidentId: '' }, 'incidentId: '],
    ['a wake', readWake, { when: 'now' }, 'why: '],
    ['a tick', readTick, { scheduledTime: 5 }, 'scheduledTime: '],
  ])('%s of another shape fails for good, and says where', (_what, read, message, error) => {
    expect(() => read(message)).toThrow(PermanentError);
    expect(() => read(message)).toThrow(`this is not a message that a stage sends: ${error}`);
  });

  it('name the first mistakes of many, and quote nothing of what is there', () => {
    expect(() => readBatch({ roundMs: 'hunter2', bastion: 5, index: [], count: 'hunter2' })).toThrow(
      /^(?!.*hunter2).*; .* and 4 more$/,
    );
  });

  it('are looked at in no more time than it takes to parse them', () => {
    const samples = Array.from({ length: 34 }, () => sample);
    const observations = Array.from({ length: 300 }, () => ({ ...one, result: { ...result, samples } }));
    const text = JSON.stringify({ ...seen, observations });
    const message = JSON.parse(text) as unknown;
    const often = (work: () => void) =>
      cpuMs(() => {
        for (let i = 0; i < 20; i++) work();
      });
    readObservations(message);
    const [parseMs = 0, readMs] = [() => JSON.parse(text), () => readObservations(message)].map(often);
    expect(readMs).toBeLessThan(parseMs + 20);
  });
});
