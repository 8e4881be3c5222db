import { describe, expect, it } from 'vitest';
import type { Batch } from '../core/model/batch.ts';
import type { BatchObservation, Failure } from '../core/model/observation.ts';
import type { Target } from '../core/model/target.ts';
import { createFaults } from './faults.ts';
import { absentOf, createRoundFaults, type RoundFacts } from './round-faults.ts';

type Seen = 'ok' | Failure['phase'] | 'bastion lost';

function observation(name: string, seen: Seen): BatchObservation {
  const failure = (phase: Failure['phase']): Failure => ({ reason: 'timeout', phase, detail: '' });
  const batch = { roundMs: 0, bastion: name, index: 0, count: 1, checks: [], targets: [], expiresAtMs: 0 };
  if (seen === 'bastion lost')
    return { batch, bastion: { ok: false, failure: failure('bastion') }, observations: [] };
  const result = seen === 'ok' ? { ok: true, samples: [], notes: [] } : { ok: false, failure: failure(seen) };
  const one = { check: 'usage', target: {}, roundMs: 0, observedAtMs: 0, durationMs: 0, result };
  return { batch, bastion: { ok: true }, observations: [one as never] };
}

function createTrial() {
  const faults = createFaults();
  const ended = createRoundFaults(faults);
  const facts: RoundFacts = {
    observations: [observation('b', 'ok')],
    batches: 1,
    absent: [],
    refusedBatches: 0,
    written: 10,
    rejected: 0,
    tooLate: 0,
    failedRules: [],
    isEvaluated: true,
  };
  return {
    rounds(number: number, change: Partial<RoundFacts>): [string[], string[]] {
      for (let i = 0; i < number; i++) ended({ ...facts, ...change });
      const { reasons, warnings } = faults.findings();
      return [reasons.map(({ code }) => code), warnings.map(({ code }) => code)];
    },
    detail: () => faults.findings().reasons[0]?.detail,
  };
}

describe('no node seen', () => {
  it.each([['dial'], ['handshake'], ['exec'], ['bastion lost']] as const)(
    'is a reason after three rounds: %s',
    (seen) => {
      const setup = createTrial();
      const observations = [observation('b', seen)];
      expect(setup.rounds(2, { observations })).toEqual([[], []]);
      expect(setup.rounds(1, { observations })).toEqual([['nothing-seen'], []]);
      expect(setup.detail()).toBe(seen === 'bastion lost' ? 'bastions that were not reached: b' : undefined);
      // A round in which no check is due proves nothing.
      expect(setup.rounds(1, { observations: [], batches: 0 })).toEqual([['nothing-seen'], []]);
      expect(setup.rounds(1, {})).toEqual([[], []]);
    },
  );

  it('is no reason when one node was reached', () => {
    const observations = [observation('a', 'bastion lost'), observation('b', 'dial'), observation('c', 'ok')];
    expect(createTrial().rounds(9, { observations })).toEqual([[], []]);
  });

  it('counts batches without any outcome', () => {
    expect(createTrial().rounds(3, { observations: [] })[0]).toEqual(['nothing-seen']);
  });
});

it('nodes without any result are a reason at once, until a round has all of them', () => {
  const setup = createTrial();
  const absent = [{ bastion: 'b', nodes: 3 }];
  expect(setup.rounds(1, { absent })).toEqual([['nodes-absent'], []]);
  expect(setup.detail()).toBe('b: 3');
  expect(setup.rounds(1, { batches: 0 })).toEqual([['nodes-absent'], []]);
  expect(setup.rounds(1, {})).toEqual([[], []]);
});

it('batches without an outcome, and nodes missing in theirs, count as absent; nodes behind a lost bastion do not', () => {
  const targets = ['a', 'b', 'c'].map((node) => ({ cluster: 'c', node }) as Target);
  const batches = ['dropped', 'lost', 'short', 'whole'].map(
    (bastion) => ({ bastion, targets }) as never as Batch,
  );
  const of = (i: number, nodes: number, ok = true) =>
    ({
      batch: batches[i],
      bastion: { ok },
      observations: targets.slice(0, nodes).map((target) => ({ target })),
    }) as never as BatchObservation;
  expect(absentOf(batches, [undefined, of(1, 0, false), of(2, 1), of(3, 3)])).toEqual([
    { bastion: 'dropped', nodes: 3 },
    { bastion: 'short', nodes: 2 },
  ]);
});

describe('refused samples', () => {
  it.each([
    ['a batch', { refusedBatches: 1 }, ['samples-refused']],
    ['half of the samples', { written: 5, rejected: 5 }, ['samples-refused']],
    ['a sample of many', { rejected: 1 }, []],
  ] as const)('are a warning at once and a reason after three rounds: %s', (_, change, reasons) => {
    const setup = createTrial();
    expect(setup.rounds(1, change)).toEqual([[], ['samples-refused']]);
    expect(setup.rounds(2, change)[0]).toEqual(reasons);
    expect(setup.rounds(1, {})).toEqual([[], []]);
  });
});

it('are only a warning when they came too late, because rules use them', () => {
  const setup = createTrial();
  expect(setup.rounds(5, { tooLate: 3 })).toEqual([[], ['samples-too-late']]);
  expect(setup.rounds(1, {})).toEqual([[], []]);
});

it('rules that are not evaluated for three rounds are a reason', () => {
  const setup = createTrial();
  expect(setup.rounds(2, { isEvaluated: false })).toEqual([[], []]);
  expect(setup.rounds(1, { isEvaluated: false })).toEqual([['evaluation-behind'], []]);
  expect(setup.rounds(1, {})).toEqual([[], []]);
});

it('one rule that cannot be evaluated is a warning', () => {
  const setup = createTrial();
  expect(setup.rounds(5, { failedRules: ['memory'] })).toEqual([[], ['rule-failing']]);
  expect(setup.rounds(1, {})).toEqual([[], []]);
});
