import { describeError, RetryableError } from '../errors.ts';
import type { Incident } from '../model/incident.ts';
import type { Destination, Lane, Slot } from '../model/pace.ts';
import type { Again } from '../notify/attempt.ts';
import { asksToWait, FAILOVER_AFTER_MS } from '../notify/attempt.ts';
import type { Decision } from '../notify/decide.ts';
import { episodeOf } from '../notify/episode.ts';
import { pausePace, resumePace, SLOT_LEAD_MS, takeSlot } from '../notify/pace.ts';
import type { Channel, Clock, Logger, StateStore } from '../ports.ts';

export interface PacingPorts {
  state: Pick<StateStore, 'changePace'>;
  clock: Clock;
  logger: Logger;
  /** Resolves after that time; under test, virtual. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** A message's slot at its destination. */
export interface Booking {
  destination: Destination;
  slot: Slot;
  atMs: number;
  /** Nobody else has it. Where no limit is known, messages go at the same time. */
  isOwn: boolean;
  /** The service refused the messages before. */
  wasRefused: boolean;
}

type Send = Extract<Decision, { kind: 'send' }>;

/** The slot that an incident has, or takes now. */
export async function bookSlot(
  incident: Incident,
  decision: Send,
  channel: Channel,
  ports: PacingPorts,
): Promise<Booking> {
  const destination = await destinationOf(incident.channel, channel, ports);
  const { id, slot: known } = incident;
  const lane = laneOf(decision);
  const input = { destination, slot: known, lane, nowMs: ports.clock.nowMs(), incident: id };
  return await ports.state.changePace(destination.key, (before) => {
    const { pace, slot, atMs, isOwn } = takeSlot(before, input);
    return { pace, result: { destination, slot, atMs, isOwn, wasRefused: (before?.refusals ?? 0) > 0 } };
  });
}

/** News of critical alerts does not wait behind the others. */
function laneOf({ alerts, news }: Send): Lane {
  const isNew = new Set(news);
  const urgent = alerts.some(
    (alert) => alert.severity === 'critical' && alert.status === 'firing' && isNew.has(episodeOf(alert)),
  );
  return urgent ? 'urgent' : 'normal';
}

/** A channel whose secret cannot be read is a destination of its own: the send itself will fail with that error. */
async function destinationOf(name: string, channel: Channel, { logger }: PacingPorts): Promise<Destination> {
  const own = { key: `channel ${name}`, everyMs: 0 };
  try {
    return (await channel.destination?.()) ?? own;
  } catch (error) {
    logger.debug('a channel cannot name its destination', { channel: name, error: describeError(error) });
    return own;
  }
}

/** When to try the message again, where its slot is not near. */
export function waitUntilMs({ atMs }: Booking, { clock }: PacingPorts): number | undefined {
  return atMs - clock.nowMs() > SLOT_LEAD_MS ? atMs - SLOT_LEAD_MS : undefined;
}

/** Whether a channel's fallback gets a message as its slot comes too late. */
export function isTooLate({ attempt }: Incident, { atMs, slot }: Booking): boolean {
  return (
    !attempt?.handedOver &&
    atMs - Math.min(attempt?.firstTriedAtMs ?? Infinity, slot.sinceMs) > FAILOVER_AFTER_MS
  );
}

export function tooLate({ atMs }: Booking): RetryableError {
  const when = new Date(atMs).toISOString();
  return new RetryableError(`not sent yet: other messages to its destination go before it, until ${when}`, {
    rateLimited: true,
  });
}

/** A message that was put together waits for its slot, three seconds at most. */
export async function reachSlot(
  { atMs }: Pick<Booking, 'atMs'>,
  { clock, sleep }: PacingPorts,
  signal: AbortSignal,
): Promise<void> {
  const waitMs = atMs - clock.nowMs();
  if (waitMs > 0) await sleep(Math.min(waitMs, SLOT_LEAD_MS), signal);
}

/** Applies a send's result to all messages of its destination. Returns when a message that was put off may go. */
export async function settleSlot(
  { destination, slot, isOwn, wasRefused }: Booking,
  result: { receipt: unknown } | { error: unknown },
  sentAtMs: number,
  { state, clock }: PacingPorts,
): Promise<Again | undefined> {
  const { key } = destination;
  const nowMs = clock.nowMs();
  if ('receipt' in result) {
    if (wasRefused)
      await state.changePace(key, (pace) => ({ pace: resumePace(pace, nowMs), result: undefined }));
    return undefined;
  }
  const { error } = result;
  if (!asksToWait(error)) return undefined;
  return await state.changePace(key, (before) => {
    const own = isOwn ? slot : undefined;
    const paused = pausePace(before, { key, slot: own, askedMs: error.retryAfterMs, sentAtMs, nowMs });
    const input = { destination, slot: own, lane: slot.lane, nowMs };
    const { pace, ...taken } = takeSlot(paused, input);
    const kept = { ...taken.slot, sinceMs: slot.sinceMs };
    return { pace: pace ?? paused, result: { slot: kept, retryAtMs: taken.atMs } };
  });
}

/** A picture that follows its message takes a slot too: it goes only if one is free soon. */
export async function hasRoom(
  { destination }: Booking,
  ports: PacingPorts,
  signal: AbortSignal,
): Promise<boolean> {
  const nowMs = ports.clock.nowMs();
  const booking = await ports.state.changePace(destination.key, (before) => {
    const { pace, atMs } = takeSlot(before, { destination, slot: undefined, lane: 'normal', nowMs });
    const isSoon = atMs - nowMs <= SLOT_LEAD_MS;
    return { pace: isSoon ? pace : undefined, result: isSoon ? { atMs } : undefined };
  });
  if (booking) await reachSlot(booking, ports, signal);
  return booking !== undefined;
}
