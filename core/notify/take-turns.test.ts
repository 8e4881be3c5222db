import { describe, expect, it } from 'vitest';
import { incidentOf } from '../../test/contract/state-fixtures.ts';
import type { Incident, NotificationAttempt } from '../model/incident.ts';
import { inTurns, takeTurns } from './turns.ts';

const NOW = 1_000_000;
const attemptOf = (change: Partial<NotificationAttempt>): NotificationAttempt => ({
  number: 1,
  says: {},
  tries: 1,
  firstTriedAtMs: 0,
  ...change,
});
const due = (channel: string, count: number, attempt?: Partial<NotificationAttempt>) =>
  Array.from({ length: count }, (_, i) => ({
    value: incidentOf(`${channel}${i}`, {
      channel,
      ...(attempt && { attempt: attemptOf(attempt) }),
    } as Partial<Incident>),
    version: 1,
  }));
const takenOf = (...incidents: ReturnType<typeof due>[]) => {
  const { taken, leftOut } = takeTurns(incidents.flat(), NOW);
  return { names: taken.map(({ value }) => value.id), leftOut };
};

it('queues take turns: the first of each, then the second', () => {
  expect(inTurns([['a1', 'a2', 'a3'], [], ['b1']])).toEqual(['a1', 'b1', 'a2', 'a3']);
  expect(inTurns([])).toEqual([]);
});

describe('incidents that are due', () => {
  it('take turns by channel', () => {
    expect(takenOf(due('a', 3), due('b', 1))).toEqual({ names: ['a0', 'b0', 'a1', 'a2'], leftOut: 0 });
  });

  it('of a channel that fails are fewer, those that did not fail first, and the others are counted', () => {
    const all = takenOf(due('a', 500)).names.length;
    const failing = takenOf(due('a', 500, {}));
    expect(failing.names.length).toBeGreaterThan(0);
    expect(failing.names.length).toBeLessThan(all);
    expect(failing.names.length + failing.leftOut).toBe(500);
    const fresh = { ...due('a', 1)[0], value: incidentOf('fresh', { channel: 'a' }) } as ReturnType<
      typeof due
    >[number];
    expect(takenOf(due('a', 500, {}), [fresh]).names[0]).toBe('fresh');
  });

  it.each<[string, Partial<NotificationAttempt>, boolean]>([
    ['a try that failed', { tries: 1 }, true],
    ['one that its service put off', { tries: 1, rateLimits: 1 }, false],
    ['one that failed before it was put off', { tries: 2, rateLimits: 1 }, true],
    ['a sender that died', { tries: 1, leaseUntilMs: NOW }, true],
  ])('a channel fails by %s: %s', (_, attempt, isFailing) => {
    const healthy = takenOf(due('a', 500)).names.length;
    const { names } = takenOf(due('a', 500, attempt));
    expect(names.length < healthy).toBe(isFailing);
  });
});
