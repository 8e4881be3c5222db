import { describe, expect, it } from 'vitest';
import { absorb, n2, opened, transition } from '../../test/incidents.ts';
import { createMemoryState } from '../../test/memory-state.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import { PermanentError, RetryableError } from '../errors.ts';
import type { Incident } from '../model/incident.ts';
import type { Severity } from '../model/rule.ts';
import { FAILOVER_AFTER_MS } from '../notify/attempt.ts';
import { episodeOf } from '../notify/episode.ts';
import { SLOT_LEAD_MS } from '../notify/pace.ts';
import type { Channel } from '../ports.ts';
import {
  type Booking,
  bookSlot,
  hasRoom,
  isTooLate,
  reachSlot,
  settleSlot,
  tooLate,
  waitUntilMs,
} from './pacing.ts';

const T0 = 1_700_000_000_000;
const never = new AbortController().signal;

function createFixture(destination: Channel['destination'] = async () => ({ key: 'chat', everyMs: 1_000 })) {
  let nowMs = T0;
  const slept: number[] = [];
  const logger = createRecordingLogger();
  const ports = {
    state: createMemoryState(),
    clock: { nowMs: () => nowMs },
    logger,
    sleep: async (ms: number) => void slept.push(ms),
  };
  const channel = { destination } as unknown as Channel;
  const book = (incident: Incident = opened(), news = incident.alerts.map(episodeOf)) =>
    bookSlot(
      incident,
      { kind: 'send', alerts: incident.alerts, news, reason: 'first' } as Parameters<typeof bookSlot>[1],
      channel,
      ports,
    );
  return {
    ports,
    slept,
    logger,
    book,
    at: (ms: number) => {
      nowMs = T0 + ms;
    },
    /** Slots of as many other incidents. */
    fill: async (count: number) => {
      for (let i = 0; i < count; i++) await book({ ...opened(), id: `other-${i}` });
    },
  };
}
const incident = (severity: Severity, change: Partial<Incident> = {}): Incident => ({
  ...opened(),
  id: 'mine',
  alerts: opened().alerts.map((alert) => ({ ...alert, severity })),
  ...change,
});

describe('the slot of a message', () => {
  it('is the next free one of its destination, and its own', async () => {
    const fixture = createFixture();
    await fixture.fill(2);
    expect(await fixture.book()).toEqual({
      destination: { key: 'chat', everyMs: 1_000 },
      slot: { destination: 'chat', lane: 'normal', atMs: T0 + 2_000, sinceMs: T0 },
      atMs: T0 + 2_000,
      isOwn: true,
      wasRefused: false,
    });
  });

  it('is one, however often the message asks', async () => {
    const fixture = createFixture();
    await fixture.fill(2);
    const [first, again] = [await fixture.book(incident('warning')), await fixture.book(incident('warning'))];
    expect(again.slot).toEqual(first.slot);
    const known = await fixture.book(incident('warning', { id: 'renamed', slot: first.slot }));
    expect(known.slot).toEqual(first.slot);
  });

  const ended = (severity: Severity) => {
    const one = absorb(incident(severity), transition('resolved', 2_000), 2_000);
    return { ...one, id: 'mine' };
  };
  it.each<[string, Incident, string[] | undefined, string]>([
    ['of critical news that fire is an urgent one', incident('critical'), undefined, 'urgent'],
    ['of a warning is not', incident('warning'), undefined, 'normal'],
    ['of a critical reminder is not', incident('critical'), [], 'normal'],
    ['of the end of a critical alert is not', ended('critical'), undefined, 'normal'],
    [
      'of a critical alert beside news of a warning is not',
      { ...absorb(incident('critical'), transition('firing', 2_000, n2), 2_000), id: 'mine' },
      ['memory/n2@2000'],
      'normal',
    ],
  ])('%s', async (_, one, news, lane) => {
    const fixture = createFixture();
    await fixture.fill(10);
    expect((await fixture.book(one, news)).slot.lane).toBe(lane);
  });

  it.each<[string, Channel['destination'], number]>([
    ['that names none', undefined, 0],
    ['whose secret cannot be read', async () => Promise.reject(new Error('no token')), 1],
  ])('of a channel %s is of a destination of its own, without a pace', async (_, destination, lines) => {
    const fixture = createFixture(destination);
    if (destination === undefined) {
      const booking = await bookSlot(
        opened(),
        { kind: 'send', alerts: [], news: [], reason: 'first' } as unknown as Parameters<typeof bookSlot>[1],
        {} as Channel,
        fixture.ports,
      );
      expect(booking.destination).toEqual({ key: 'channel ops', everyMs: 0 });
    }
    const [one, other] = [await fixture.book(), await fixture.book({ ...opened(), id: 'i2' })];
    if (destination) expect([one.atMs, other.atMs]).toEqual([T0, T0]);
    if (destination) expect(one.destination).toEqual({ key: 'channel ops', everyMs: 0 });
    expect(fixture.logger.lines.filter(({ level }) => level === 'debug').length).toBe(2 * lines);
    for (const { fields } of fixture.logger.lines)
      expect(fields).toEqual({ channel: 'ops', error: 'no token' });
  });
});

describe('a message whose slot is not near', () => {
  const booking = (atMs: number, sinceMs = T0) => ({ atMs: T0 + atMs, slot: { sinceMs } }) as Booking;
  const { ports } = createFixture();

  it.each([
    [SLOT_LEAD_MS, undefined],
    [SLOT_LEAD_MS + 1, T0 + 1],
    [60_000, T0 + 57_000],
  ])('in %d ms is decided once more at %d', (atMs, expected) => {
    expect(waitUntilMs(booking(atMs), ports)).toBe(expected);
  });

  it.each([
    [0, undefined, false],
    [1, undefined, true],
    [1, { handedOver: true }, false],
    [0, { firstTriedAtMs: T0 - 1 }, true],
    [0, { firstTriedAtMs: T0 + 1 }, false],
  ])('goes to the fallback if it comes too late: %d ms beyond, %j: %s', (beyondMs, attempt, expected) => {
    const one = { ...opened(), ...(attempt && { attempt }) } as Incident;
    expect(isTooLate(one, booking(FAILOVER_AFTER_MS + beyondMs))).toBe(expected);
  });

  it('says until when, and that this is no failure', () => {
    const error = tooLate(booking(60_000));
    expect(error.rateLimited).toBe(true);
    expect(error.message).toContain(new Date(T0 + 60_000).toISOString());
  });

  it.each([
    [0, []],
    [-5, []],
    [1, [1]],
    [2_999, [2_999]],
    [9_000, [SLOT_LEAD_MS]],
  ])('waits for one in %d ms, three seconds at most', async (atMs, expected) => {
    const fixture = createFixture();
    await reachSlot(booking(atMs), fixture.ports, never);
    expect(fixture.slept).toEqual(expected);
  });
});

describe('the answer of a service', () => {
  const busy = new RetryableError('busy', { rateLimited: true, retryAfterMs: 20_000 });

  it('that asks to wait puts off all messages of its destination, and this one goes first', async () => {
    const fixture = createFixture();
    const mine = await fixture.book(incident('warning'));
    await fixture.fill(2);
    const again = await settleSlot(mine, { error: busy }, T0, fixture.ports);
    expect(again?.retryAtMs).toBeGreaterThanOrEqual(T0 + 20_000);
    expect(again?.retryAtMs).toBeLessThanOrEqual(T0 + 22_000);
    expect(again?.slot).toMatchObject({ destination: 'chat', lane: 'normal', sinceMs: T0 });
    const other = await fixture.book({ ...opened(), id: 'other-0' });
    expect(other.atMs).toBe((again?.retryAtMs ?? 0) + 1_000);
    expect(other.wasRefused).toBe(true);
  });

  it('keeps since when the message waits, also where it shared its slot', async () => {
    const fixture = createFixture(async () => ({ key: 'chat', everyMs: 0 }));
    const mine = await fixture.book(incident('warning'));
    expect(mine.isOwn).toBe(false);
    fixture.at(5_000);
    const again = await settleSlot(mine, { error: busy }, T0 + 5_000, fixture.ports);
    expect(again?.slot.sinceMs).toBe(T0);
    expect(again?.retryAtMs).toBeGreaterThanOrEqual(T0 + 25_000);
  });

  it.each([new RetryableError('503'), new PermanentError('400')])(
    'that concerns this message alone changes nothing: %s',
    async (error) => {
      const fixture = createFixture();
      const mine = await fixture.book(incident('warning'));
      expect(await settleSlot(mine, { error }, T0, fixture.ports)).toBeUndefined();
      expect((await fixture.book({ ...opened(), id: 'next' })).atMs).toBe(T0 + 1_000);
    },
  );

  it('that takes a message ends the refusals, not a pause', async () => {
    const fixture = createFixture();
    const mine = await fixture.book(incident('warning'));
    await settleSlot(mine, { error: busy }, T0, fixture.ports);
    const refused = await fixture.book(incident('warning'));
    expect(refused.wasRefused).toBe(true);
    expect(await settleSlot(refused, { receipt: {} }, T0, fixture.ports)).toBeUndefined();
    expect((await fixture.book({ ...opened(), id: 'next' })).wasRefused).toBe(false);
    expect((await fixture.book({ ...opened(), id: 'next' })).atMs).toBeGreaterThan(T0 + 20_000);
  });
});

describe('a picture that follows its message', () => {
  it('takes a slot that is near, and waits for it', async () => {
    const fixture = createFixture();
    const mine = await fixture.book(incident('warning'));
    expect(await hasRoom(mine, fixture.ports, never)).toBe(true);
    expect(fixture.slept).toEqual([1_000]);
    // The slot is taken.
    expect((await fixture.book({ ...opened(), id: 'next' })).atMs).toBe(T0 + 2_000);
  });

  it('takes none that is not', async () => {
    const fixture = createFixture();
    const mine = await fixture.book(incident('warning'));
    await fixture.fill(2);
    expect(await hasRoom(mine, fixture.ports, never)).toBe(true);
    expect(fixture.slept).toEqual([SLOT_LEAD_MS]);
    expect(await hasRoom(mine, fixture.ports, never)).toBe(false);
    expect((await fixture.book({ ...opened(), id: 'next' })).atMs).toBe(T0 + 4_000);
  });
});
