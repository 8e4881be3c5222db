import { expect, it } from 'vitest';
import { incidentOf } from '../../test/contract/state-fixtures.ts';
import { RetryableError } from '../errors.ts';
import type { Incident } from '../model/incident.ts';
import { afterFailure, beginAttempt, failAttempt, leaseIncident } from './attempt.ts';
import { takeTurns } from './turns.ts';

const SECOND = 1_000;
const WORKERS = 100;
const HOLD_MS = 30 * SECOND;
const SILENT = 3_000;

/** Seconds that a message waits over a channel that works, with thousands of a silent one, in a queue read by a hundred functions. */
function waitOf(bornAtMs: number): number {
  const incidents = new Map<string, Incident>();
  for (let i = 0; i < SILENT; i++)
    incidents.set(`s${i}`, incidentOf(`s${i}`, { channel: 'silent', dueAtMs: 0 }));
  let queue: string[] = [];
  const running = new Map<string, number>();
  for (let nowMs = 0; nowMs < bornAtMs + 3_600 * SECOND; nowMs += SECOND) {
    if (nowMs === bornAtMs) incidents.set('good', incidentOf('good', { channel: 'works', dueAtMs: nowMs }));
    for (const [id, endsAtMs] of running) {
      if (endsAtMs > nowMs) continue;
      running.delete(id);
      const incident = incidents.get(id) as Incident;
      const attempt = incident.attempt as NonNullable<Incident['attempt']>;
      const error = new RetryableError('no answer');
      const groupIntervalMs = 300 * SECOND;
      const after = afterFailure({
        error,
        attempt,
        incidentId: id,
        hasFallback: false,
        groupIntervalMs,
        nowMs,
      });
      incidents.set(id, failAttempt(incident, attempt, after, 'no answer'));
    }
    if (nowMs % (5 * SECOND) === 0) {
      const due = [...incidents.values()]
        .filter(({ dueAtMs = 0 }) => dueAtMs <= nowMs + 90 * SECOND)
        .sort((a, b) => (a.dueAtMs ?? 0) - (b.dueAtMs ?? 0))
        .map((value) => ({ value, version: 1 }));
      const taken = takeTurns(due, nowMs).taken.map(({ value }) => value.id);
      queue.push(...taken.filter((id) => !queue.includes(id)));
    }
    const left: string[] = [];
    for (const id of queue) {
      const incident = incidents.get(id) as Incident;
      if (running.size >= WORKERS || running.has(id) || (incident.dueAtMs ?? 0) > nowMs) {
        left.push(id);
        continue;
      }
      if (id === 'good') return (nowMs - bornAtMs) / SECOND;
      const attempt = beginAttempt(incident, { alerts: [], reason: 'first' }, nowMs);
      incidents.set(id, leaseIncident(incident, attempt));
      running.set(id, nowMs + HOLD_MS);
    }
    queue = left;
  }
  return Infinity;
}

it.each([5, 40, 1_800])(
  'a message waits less than a minute behind 3,000 of a channel that is silent since %i s',
  (seconds) => {
    expect(waitOf(seconds * SECOND)).toBeLessThan(60);
  },
);

it('channels take turns; what was never tried goes before what failed', () => {
  const failed = { number: 1, says: {}, tries: 1, firstTriedAtMs: 0, retryAtMs: 0 };
  const of = (id: string, channel: string, change: Partial<Incident> = {}) => ({
    value: incidentOf(id, { channel, dueAtMs: 0, ...change }),
    version: 1,
  });
  const due = [
    of('a1', 'a', { attempt: failed }),
    of('a2', 'a'),
    of('b1', 'b'),
    of('a3', 'a', { attempt: { ...failed, leaseUntilMs: 90_000 } }),
  ];
  const { taken, leftOut } = takeTurns(due, 1_000);
  expect(taken.map(({ value }) => value.id)).toEqual(['a2', 'b1', 'a1']);
  expect(leftOut).toBe(0);
});

it('a channel that works has all functions, one that fails a quarter, and those at work count', () => {
  const many = (change: Partial<Incident>) =>
    Array.from({ length: 200 }, (_, i) => ({ value: incidentOf(`i${i}`, change), version: 1 }));
  const attempt = { number: 1, says: {}, tries: 1, firstTriedAtMs: 0 };
  const leased = { ...attempt, leaseUntilMs: 90_000 };
  const atWork = { value: incidentOf('at work', { attempt: leased }), version: 1 };
  expect(takeTurns([...many({}), atWork], 1_000)).toMatchObject({
    taken: { length: 99 },
    leftOut: 101,
  });
  expect(takeTurns(many({ attempt }), 1_000).taken).toHaveLength(25);
  expect(takeTurns(many({ attempt: { ...attempt, rateLimits: 1 } }), 1_000).taken).toHaveLength(100);
  expect(takeTurns(many({ attempt: leased }), 100_000).taken).toHaveLength(25);
});
