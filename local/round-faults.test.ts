import { describe, expect, it } from 'vitest';
import type { BatchObservation, Failure } from '../core/model.ts';
import { createFaults } from './faults.ts';
import { createRoundFaults, type RoundFacts } from './round-faults.ts';

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
    refusedBatches: 0,
    written: 10,
    rejected: 0,
    failedRules: [],
    isJudged: true,
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
  it.each([['dial'], ['handshake'], ['exec'], ['bastion lost']] as const)('for three rounds: %s', (seen) => {
    const trial = createTrial();
    const observations = [observation('b', seen)];
    expect(trial.rounds(2, { observations })).toEqual([[], []]);
    expect(trial.rounds(1, { observations })).toEqual([['nothing-seen'], []]);
    expect(trial.detail()).toBe(seen === 'bastion lost' ? 'bastions that were not reached: b' : undefined);
    // A round without a check that is due says nothing of it.
    expect(trial.rounds(1, { observations: [], batches: 0 })).toEqual([['nothing-seen'], []]);
    expect(trial.rounds(1, {})).toEqual([[], []]);
  });

  it('one that was reached is enough', () => {
    const observations = [observation('a', 'bastion lost'), observation('b', 'dial'), observation('c', 'ok')];
    expect(createTrial().rounds(9, { observations })).toEqual([[], []]);
  });

  it('counts batches that brought nothing at all', () => {
    expect(createTrial().rounds(3, { observations: [] })[0]).toEqual(['nothing-seen']);
  });
});

describe('samples refused', () => {
  it.each([
    ['a batch', { refusedBatches: 1 }, ['samples-refused']],
    ['half of the samples', { written: 5, rejected: 5 }, ['samples-refused']],
    ['a sample of many', { rejected: 1 }, []],
  ] as const)('%s: a warning at once, a reason after three rounds', (_, change, reasons) => {
    const trial = createTrial();
    expect(trial.rounds(1, change)).toEqual([[], ['samples-refused']]);
    expect(trial.rounds(2, change)[0]).toEqual(reasons);
    expect(trial.rounds(1, {})).toEqual([[], []]);
  });
});

it('rules that are not judged for three rounds are a reason', () => {
  const trial = createTrial();
  expect(trial.rounds(2, { isJudged: false })).toEqual([[], []]);
  expect(trial.rounds(1, { isJudged: false })).toEqual([['evaluation-behind'], []]);
  expect(trial.rounds(1, {})).toEqual([[], []]);
});

it('one rule that cannot be judged is a warning', () => {
  const trial = createTrial();
  expect(trial.rounds(5, { failedRules: ['memory'] })).toEqual([[], ['rule-failing']]);
  expect(trial.rounds(1, {})).toEqual([[], []]);
});
