import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Destination, Lane, Pace, Slot } from '../model/pace.ts';
import { LONGEST_RETRY_AFTER_MS, pausePace, resumePace, SLOT_LEAD_MS, takeSlot, timeOf } from './pace.ts';

const T0 = 1_700_000_000_000;
const second: Destination = { key: 'd', everyMs: 1_000 };

/** A destination, and those who take slots there. */
function createQueue(destination = second) {
  let pace: Pace | undefined;
  const queue = {
    pace: () => pace,
    take(ms: number, lane: Lane = 'normal', slot?: Slot, incident?: string) {
      const taken = takeSlot(pace, {
        destination,
        slot,
        lane,
        nowMs: T0 + ms,
        ...(incident !== undefined && { incident }),
      });
      pace = taken.pace ?? pace;
      return { slot: taken.slot, atMs: taken.atMs - T0, changed: taken.pace !== undefined };
    },
    pause(ms: number, askedMs?: number, { slot, sentAtMs = ms }: { slot?: Slot; sentAtMs?: number } = {}) {
      pace = pausePace(pace, { key: 'd', slot, askedMs, sentAtMs: T0 + sentAtMs, nowMs: T0 + ms });
      return (pace.pauseUntilMs ?? 0) - T0 - ms;
    },
    accepted(ms: number) {
      pace = resumePace(pace, T0 + ms) ?? pace;
    },
    timeOf: (slot: Slot) => (pace ? timeOf(pace, slot) - T0 : undefined),
  };
  return queue;
}

describe('slots of a destination', () => {
  it('are as far apart as its service allows, first come first served', () => {
    const queue = createQueue();
    expect([0, 10, 20, 30].map((ms) => queue.take(ms).atMs)).toEqual([0, 1_000, 2_000, 3_000]);
    expect(queue.take(10_000).atMs).toBe(10_000);
  });

  it('cost no write where no limit is known', () => {
    const queue = createQueue({ key: 'd', everyMs: 0 });
    expect([0, 0, 5].map((ms) => queue.take(ms))).toMatchObject([
      { atMs: 0, changed: false },
      { atMs: 0, changed: false },
      { atMs: 5, changed: false },
    ]);
  });

  it('are kept while they are waited for', () => {
    const queue = createQueue();
    const slots = [0, 0, 0, 0, 0].map((ms) => queue.take(ms));
    const again = queue.take(4_000 - SLOT_LEAD_MS, 'normal', slots[4]?.slot);
    expect(again).toEqual({ slot: slots[4]?.slot, atMs: 4_000, changed: false });
  });

  it('of critical news are the next that nobody is on the way to; all others move back by one', () => {
    const queue = createQueue();
    const others = Array.from({ length: 10 }, () => queue.take(0));
    expect(queue.take(500, 'urgent').atMs).toBe(4_000);
    expect(queue.take(500, 'urgent').atMs).toBe(5_000);
    const times = others.map(({ slot }) => queue.timeOf(slot));
    expect(times.slice(-6)).toEqual([6_000, 7_000, 8_000, 9_000, 10_000, 11_000]);
    expect(queue.take(600).atMs).toBe(12_000);
  });

  it('of an incident whose news become critical move up', () => {
    const queue = createQueue();
    const others = Array.from({ length: 100 }, () => queue.take(0));
    expect(queue.take(500, 'urgent', others[99]?.slot).atMs).toBe(4_000);
  });

  it('that were missed are made up for ahead of the queue, not at the same time', () => {
    const queue = createQueue();
    const missed = [queue.take(0), queue.take(0), queue.take(0)];
    const others = Array.from({ length: 20 }, () => queue.take(0));
    const now = 10_000;
    const made = missed.map(({ slot }) => queue.take(now, 'normal', slot).atMs);
    expect(made).toEqual([13_000, 14_000, 15_000]);
    expect(queue.take(now, 'normal', others[19]?.slot).atMs).toBe(22_000 + 3_000);
  });

  it('are taken one at a time by an incident, whose record of it may be lost', () => {
    const queue = createQueue();
    queue.take(0, 'normal', undefined, 'a');
    const first = queue.take(0, 'normal', undefined, 'b');
    expect(first.atMs).toBe(1_000);
    for (let i = 1; i < 9; i++)
      expect(queue.take(i * 100, 'normal', undefined, 'b')).toEqual({ ...first, changed: false });
    expect(queue.take(900, 'normal', undefined, 'c').atMs).toBe(2_000);
    queue.pause(950, 60_000);
    expect(queue.take(960, 'normal', undefined, 'b').slot).toEqual(first.slot);
  });

  it('that a message may have used are not taken again, also if a pause moves them ahead', () => {
    const queue = createQueue();
    const used = queue.take(0, 'normal', undefined, 'a');
    const refused = queue.take(0, 'normal', undefined, 'b');
    queue.pause(1_100, 60_000, { slot: refused.slot });
    const next = queue.take(1_200, 'normal', undefined, 'a');
    expect(next.slot).not.toEqual(used.slot);
    expect(next.atMs).toBeGreaterThan(queue.timeOf(refused.slot) ?? Infinity);
  });

  it('that are remembered ahead of time are the last ones, in less than a kilobyte', () => {
    const queue = createQueue();
    for (let i = 0; i < 300; i++) queue.take(i, 'normal', undefined, `i${i}`);
    queue.pause(500, 600_000);
    expect(JSON.stringify(queue.pace()).length).toBeLessThan(950);
    expect(queue.take(600, 'normal', undefined, 'i299').changed).toBe(false);
    expect(queue.take(600, 'normal', undefined, 'i200').changed).toBe(true);
    queue.take(3_600_000, 'normal', undefined, 'last');
    expect(queue.pace()?.ahead).toHaveLength(1);
  });

  it('of another destination, or from before the clock was set back, are none', () => {
    const queue = createQueue();
    for (let i = 0; i < 10; i++) queue.take(3_600_000);
    const { slot } = queue.take(3_600_000);
    expect(queue.take(0, 'normal', slot).atMs).toBe(0);
    expect(queue.take(0, 'normal', { ...slot, destination: 'other', sinceMs: T0 }).atMs).toBe(1_000);
  });

  it('are never closer than allowed, whoever asks when (property)', () => {
    const asks = fc.array(fc.record({ waitMs: fc.nat(900), urgent: fc.boolean() }), { maxLength: 60 });
    fc.assert(
      fc.property(asks, (all) => {
        const queue = createQueue();
        let nowMs = 0;
        const waiting: { slot: Slot; lane: Lane }[] = [];
        const sent: number[] = [];
        /** Those whose time has come are put together: their time is read then, and holds. */
        const start = () => {
          for (const one of [...waiting]) {
            const taken = queue.take(nowMs, one.lane, one.slot);
            one.slot = taken.slot;
            if (taken.atMs - nowMs > SLOT_LEAD_MS) continue;
            sent.push(taken.atMs);
            waiting.splice(waiting.indexOf(one), 1);
          }
        };
        for (const { waitMs, urgent } of all) {
          for (const end = nowMs + waitMs; nowMs < end; nowMs++) start();
          const lane = urgent ? 'urgent' : 'normal';
          waiting.push({ slot: queue.take(nowMs, lane).slot, lane });
          start();
        }
        for (let i = 0; waiting.length > 0 && i < 100_000; i++, nowMs++) start();
        sent.sort((a, b) => a - b);
        const gaps = sent.slice(1).map((ms, i) => ms - (sent[i] ?? 0));
        expect(sent).toHaveLength(all.length);
        expect(Math.min(second.everyMs, ...gaps)).toBe(second.everyMs);
      }),
      { numRuns: 30 },
    );
  });
});

describe('a pause', () => {
  it('holds for all who wait, in their order, and for who was refused first of all', () => {
    const queue = createQueue();
    const slots = Array.from({ length: 6 }, () => queue.take(0).slot);
    const pausedMs = queue.pause(100, 30_000, slots[0] && { slot: slots[0] });
    expect(pausedMs).toBeGreaterThanOrEqual(30_000);
    const times = slots.map((slot) => queue.take(100, 'normal', slot).atMs);
    expect(times.slice(1).map((ms, i) => ms - (times[i] ?? 0))).toEqual([1_000, 1_000, 1_000, 1_000, 1_000]);
    expect(times[0]).toBe(100 + pausedMs);
    expect(queue.take(100, 'urgent').atMs).toBeGreaterThanOrEqual(100 + pausedMs);
  });

  it.each([
    ['without a word of how long', undefined, [1, 2, 4, 8, 16, 32, 60, 60]],
    ['with Retry-After: 5', 5_000, [5, 5, 5, 8, 16, 32, 60, 60]],
    ['with a day', 86_400_000, [545.5, 545.5]],
  ])(
    'grows while a service goes on refusing %s, and is never much longer than that',
    (_, askedMs, seconds) => {
      const queue = createQueue();
      let nowMs = 0;
      for (const least of seconds) {
        const pausedMs = queue.pause(nowMs, askedMs);
        expect(pausedMs).toBeGreaterThanOrEqual(Math.floor(least * 1_000) - 50);
        expect(pausedMs).toBeLessThanOrEqual(Math.min(LONGEST_RETRY_AFTER_MS, least * 1_100 + 1));
        nowMs += pausedMs;
      }
      queue.accepted(nowMs);
      expect(queue.pace()?.refusals).toBe(0);
    },
  );

  it('is one for all that were under way', () => {
    const queue = createQueue();
    for (let i = 0; i < 4; i++) queue.pause(i * 100, 1_000);
    expect(queue.pace()?.refusals).toBe(1);
  });

  it('at a service that says nothing of a limit makes one message a second of all for ten minutes', () => {
    const queue = createQueue({ key: 'd', everyMs: 0 });
    const pausedMs = queue.pause(0, 1_000);
    const times = Array.from({ length: 5 }, () => queue.take(10).atMs);
    expect(times).toEqual([0, 1, 2, 3, 4].map((i) => pausedMs + i * 1_000));
    const later = 11 * 60_000;
    expect([queue.take(later).atMs, queue.take(later).atMs]).toEqual([later, later]);
  });

  it('is spread, so that installations do not return in step, and ends at a whole millisecond', () => {
    const ends = Array.from({ length: 50 }, (_, i) => {
      const pace = pausePace(undefined, {
        key: `k${i}`,
        slot: undefined,
        askedMs: 60_000.5,
        sentAtMs: T0,
        nowMs: T0,
      });
      return pace.pauseUntilMs ?? 0;
    });
    expect(new Set(ends).size).toBeGreaterThan(40);
    expect(ends.every(Number.isInteger)).toBe(true);
  });
});

it('a service that refuses nothing costs no write, one that took a message again does, once', () => {
  expect(resumePace(undefined, T0)).toBeUndefined();
  const fresh = takeSlot(undefined, { destination: second, slot: undefined, lane: 'normal', nowMs: T0 }).pace;
  expect(resumePace(fresh, T0)).toBeUndefined();
  const paused = pausePace(fresh, { key: 'd', slot: undefined, askedMs: undefined, sentAtMs: T0, nowMs: T0 });
  const resumed = resumePace(paused, T0 + 5);
  expect(resumed).toMatchObject({ refusals: 0, changedAtMs: T0 + 5, pauseUntilMs: paused.pauseUntilMs });
  expect(resumePace(resumed, T0 + 6)).toBeUndefined();
});
