// How fast messages go to one destination, whichever channels, incidents and processes they are of: each takes a slot.

import { isAhead } from '../format.ts';
import { hashNumber } from '../hash.ts';
import type { Destination, Lane, LaneState, Pace, Slot, SlotAhead } from '../model/pace.ts';

/** A message is put together this long before its slot; the rest of it is waited for in place. */
export const SLOT_LEAD_MS = 3_000;
/** Later than that a slot is not used, as it may be another's by now: the message takes the next of the urgent ones … */
const SLOT_LATE_MS = 250;
/** … unless nobody asked for it for so long. */
const SLOT_KEPT_MS = 5 * 60_000;
/** Pace of a destination without a known limit, for so long after it asked to wait. */
const LEARNED_EVERY_MS = 1_000;
const LEARNED_FOR_MS = 10 * 60_000;
/** Pauses of a service that asks for none, or goes on refusing: doubled up to the longest. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** However long a service asks us to wait, it is asked again after so long (design, "Delivery"). */
export const LONGEST_RETRY_AFTER_MS = 10 * 60_000;
/** Pauses are lengthened by up to this share, so that installations which share a limit do not return in step. */
const SPREAD_SHARE = 0.1;

/** So many slots ahead are remembered. */
const MOST_AHEAD = 12;

const LANE: LaneState = { endMs: 0, putOffMs: 0 };
const UNUSED: Pace = { lanes: { urgent: LANE, normal: LANE }, refusals: 0, changedAtMs: 0 };

/** A slot, when it is, and the pace with it; `pace` undefined: nothing changes. */
export interface Taken {
  slot: Slot;
  atMs: number;
  pace: Pace | undefined;
  /** Nobody else has it. */
  isOwn: boolean;
}

/** The slot that a message has, or the next free one of its lane. `incident`: takes one at a time, however often it asks. */
export function takeSlot(
  before: Pace | undefined,
  input: { destination: Destination; slot: Slot | undefined; lane: Lane; nowMs: number; incident?: string },
): Taken {
  const { destination, lane, nowMs, incident } = input;
  const pace = currentPace(before, nowMs);
  const isMine = input.slot?.destination === destination.key && !isAhead(input.slot.sinceMs, nowMs);
  const mine = isMine ? input.slot : slotAhead(pace, input);
  const earliestMs = Math.max(nowMs, pace.pauseUntilMs ?? 0);
  if (mine) {
    // One within a pause is that of a message which was refused: it goes first when that is over.
    const atMs = Math.max(timeOf(pace, mine), earliestMs);
    const isSlow = lane === 'urgent' && mine.lane === 'normal' && atMs - nowMs > SLOT_LEAD_MS;
    if (!isSlow && timeOf(pace, mine) >= nowMs - SLOT_LATE_MS)
      return { slot: mine, atMs, pace: undefined, isOwn: true };
  }
  const sinceMs = mine?.sinceMs ?? nowMs;
  const everyMs = everyOf(pace, destination, nowMs);
  const slotAt = (taken: Lane, atMs: number, lanes: Pace['lanes']): Taken => {
    const { putOffMs } = lanes[taken];
    const slot = { destination: destination.key, lane: taken, atMs: atMs - putOffMs, sinceMs };
    if (everyMs === 0) return { slot, atMs, pace: undefined, isOwn: false };
    const changed = { ...lanes, [taken]: { endMs: atMs + everyMs, putOffMs } };
    const next: Pace = { ...pace, lanes: changed, changedAtMs: nowMs };
    if (incident === undefined) return { slot, atMs, pace: next, isOwn: true };
    const one: SlotAhead = [hashNumber(incident), taken, sinceMs, atMs - sinceMs, putOffMs];
    return { slot, atMs, pace: { ...next, ahead: remember(pace, one, nowMs) }, isOwn: true };
  };
  const { urgent, normal } = pace.lanes;
  const lastMs = Math.max(earliestMs, urgent.endMs, normal.endMs);
  const isDue = mine !== undefined && timeOf(pace, mine) >= nowMs - SLOT_KEPT_MS;
  if (lane === 'normal' && !isDue) return slotAt('normal', lastMs, pace.lanes);
  // Messages whose slot is near are being put together: the urgent one takes the next after them.
  const fromMs = Math.max(earliestMs, urgent.endMs, nowMs + SLOT_LEAD_MS);
  const ahead = Math.floor((normal.endMs - fromMs) / everyMs);
  if (everyMs === 0 || !(ahead > 0)) return slotAt('urgent', lastMs, pace.lanes);
  return slotAt('urgent', normal.endMs - ahead * everyMs, {
    urgent,
    normal: putOff(normal, everyMs),
  });
}

/**
 * A slot that the incident took and does not know of: its record could not be written, or two senders are at work. Not one whose
 * time has come: a message may have used it.
 */
function slotAhead(
  pace: Pace,
  { destination, incident, nowMs }: { destination: Destination; incident?: string; nowMs: number },
): Slot | undefined {
  const hash = incident === undefined ? undefined : hashNumber(incident);
  const known = pace.ahead?.find(([id]) => id === hash);
  if (!known || firstMs(known) <= nowMs) return undefined;
  const [, lane, sinceMs, , putOffMs] = known;
  return { destination: destination.key, lane, atMs: firstMs(known) - putOffMs, sinceMs };
}

/** When it was to be, before any pause. */
const firstMs = ([, , sinceMs, waitMs]: SlotAhead) => sinceMs + waitMs;

function remember({ ahead = [] }: Pace, taken: SlotAhead, nowMs: number): readonly SlotAhead[] {
  const others = ahead.filter((slot) => slot[0] !== taken[0] && firstMs(slot) > nowMs);
  return [...others, taken].slice(-MOST_AHEAD);
}

/** What lies ahead was written before the clock was set back, and would keep messages as long as that was. */
function currentPace(pace: Pace | undefined, nowMs: number): Pace {
  return pace === undefined || isAhead(pace.changedAtMs, nowMs) ? UNUSED : pace;
}

/** When a message with this slot may be sent. */
export function timeOf({ lanes }: Pace, { lane, atMs }: Slot): number {
  return atMs + lanes[lane].putOffMs;
}

/** The pace once a service asked to wait; it puts off all who have a slot. `slot`: that of the message, if nobody shared it. */
export function pausePace(
  before: Pace | undefined,
  input: {
    key: string;
    slot: Slot | undefined;
    askedMs: number | undefined;
    sentAtMs: number;
    nowMs: number;
  },
): Pace {
  const { key, slot, askedMs = 0, sentAtMs, nowMs } = input;
  const pace = currentPace(before, nowMs);
  // Several messages are under way: a refusal of one that was sent before the pause ended brings no news.
  const isNews = pace.pauseUntilMs === undefined || sentAtMs >= pace.pauseUntilMs;
  const refusals = pace.refusals + (isNews ? 1 : 0);
  const ownMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(refusals - 1, 10));
  const leastMs = Math.min(Math.max(askedMs, ownMs), LONGEST_RETRY_AFTER_MS / (1 + SPREAD_SHARE));
  const share = (hashNumber(`${key} ${nowMs}`) % 1000) / 1000;
  const untilMs = Math.ceil(nowMs + leastMs * (1 + SPREAD_SHARE * share));
  const beforeMs = Math.max(nowMs, pace.pauseUntilMs ?? 0);
  if (untilMs <= beforeMs) return { ...pace, refusals, changedAtMs: nowMs };
  const { urgent, normal } = pace.lanes;
  // The one that was refused is to be the first behind the pause, and the next as far from it as before.
  const fromMs = slot && isNews ? Math.min(beforeMs, timeOf(pace, slot)) : beforeMs;
  const byMs = untilMs - fromMs;
  const lanes = { urgent: putOff(urgent, byMs), normal: putOff(normal, byMs) };
  return { ...pace, lanes, refusals, pauseUntilMs: untilMs, changedAtMs: nowMs };
}

/** The pace once the service took a message; undefined: nothing changes. */
export function resumePace(pace: Pace | undefined, nowMs: number): Pace | undefined {
  return pace && pace.refusals > 0 ? { ...pace, refusals: 0, changedAtMs: nowMs } : undefined;
}

function putOff({ endMs, putOffMs }: LaneState, byMs: number): LaneState {
  return { endMs: endMs + byMs, putOffMs: putOffMs + byMs };
}

function everyOf({ pauseUntilMs }: Pace, { everyMs }: Destination, nowMs: number): number {
  const isLearned = pauseUntilMs !== undefined && nowMs < pauseUntilMs + LEARNED_FOR_MS;
  return isLearned ? Math.max(everyMs, LEARNED_EVERY_MS) : everyMs;
}
