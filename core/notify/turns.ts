import type { Incident } from '../model/incident.ts';
import type { Versioned } from '../ports.ts';

/** Messages of a channel that may be under way or queued: as many as functions deliver concurrently (`lib/concurrency.ts`). */
export const CONCURRENT_SENDS = 100;
/** The same for a channel that fails: each message may hold a function for 30 s, and others must get past them. */
export const CONCURRENT_SENDS_FAILING = 25;

/**
 * Which incidents are delivered now, so that no channel takes the turn of another: a limited number of each channel, with those
 * that a sender is at work on, first those that were never tried, then those that failed; channels take turns. `leftOut`: how
 * many are due and wait for a later turn.
 */
export function takeTurns(
  due: readonly Versioned<Incident>[],
  nowMs: number,
): { taken: Versioned<Incident>[]; leftOut: number } {
  const isLeased = ({ value }: Versioned<Incident>) => (value.attempt?.leaseUntilMs ?? -Infinity) > nowMs;
  const queues = [...Map.groupBy(due, ({ value }) => value.channel).values()].map((all) => {
    const waiting = all.filter((one) => !isLeased(one));
    const isFailing = all.some(({ value }) => hasFailed(value, nowMs));
    const most = isFailing ? CONCURRENT_SENDS_FAILING : CONCURRENT_SENDS;
    const room = Math.max(0, most - (all.length - waiting.length));
    return waiting
      .sort((a, b) => Number(hasFailed(a.value, nowMs)) - Number(hasFailed(b.value, nowMs)))
      .slice(0, room);
  });
  const taken = inTurns(queues);
  return { taken, leftOut: due.filter((one) => !isLeased(one)).length - taken.length };
}

/** The first of each, then the second of each, and so on. */
export function inTurns<T>(queues: readonly (readonly T[])[]): T[] {
  const longest = queues.reduce((most, { length }) => Math.max(most, length), 0);
  return Array.from({ length: longest }, (_, i) => queues.flatMap((queue) => queue.slice(i, i + 1))).flat();
}

/** A try failed, or its sender died; one that its service put off is no failure, nor is one under way. */
function hasFailed({ attempt }: Incident, nowMs: number): boolean {
  if (attempt === undefined) return false;
  const underWay = (attempt.leaseUntilMs ?? -Infinity) > nowMs ? 1 : 0;
  return attempt.tries - (attempt.rateLimits ?? 0) - underWay > 0;
}
