// What a message that was sent had in it, from the records of its incident: none of them has its text.

import type { Delivery } from '../model/delivery.ts';
import type { Incident, IncidentAlert } from '../model/incident.ts';
import type { Notification } from '../model/notification.ts';
import type { TargetStatus } from '../model/target-status.ts';
import { buildNotification, type CurrentState } from './notification.ts';

type Status = IncidentAlert['status'];

export interface PastMessage {
  delivery: Delivery;
  /** The status that it gave of each firing (`episodeOf`). */
  statuses: Readonly<Record<string, Status>>;
  /** What its channel had been sent before. */
  before: Readonly<Record<string, Status>>;
  /** Firings whose end a later message brought. */
  endedLater: ReadonlySet<string>;
}

/** `<incidentId>:<number>`, perhaps with `:<epoch>`; undefined for what is no key of a message. */
export function parseMessageKey(key: string): { incidentId: string; number: number } | undefined {
  const [, incidentId, number] = /^([\w-]+):(\d{1,9})(?::[\w-]+)?$/.exec(key.trim()) ?? [];
  return incidentId === undefined ? undefined : { incidentId, number: Number(number) };
}

/**
 * The accepted message of that number, by the deliveries of its incident in any order. A message has every alert that fires and
 * was sent before, and its news; an alert that had ended while a silence covered it is among the statuses, and was not in the
 * message: see `wasInMessage`. Undefined: no record says what was in it.
 */
export function pastMessage(number: number, deliveries: readonly Delivery[]): PastMessage | undefined {
  const accepted = deliveries
    .filter(({ outcome, news }) => outcome === 'delivered' && news !== undefined)
    .toSorted((a, b) => a.atMs - b.atMs || a.number - b.number);
  const notified: Record<string, Status> = {};
  for (const delivery of accepted) {
    const { news = {} } = delivery;
    if (delivery.number === number) {
      const before = { ...notified };
      const later = accepted
        .slice(accepted.indexOf(delivery) + 1)
        .flatMap((one) => Object.entries(one.news ?? {}));
      const ended = later.flatMap(([episode, status]) => (status === 'resolved' ? [episode] : []));
      return { delivery, before, statuses: { ...notified, ...news }, endedLater: new Set(ended) };
    }
    for (const [episode, status] of Object.entries(news)) {
      if (status === 'firing') notified[episode] = status;
      else delete notified[episode];
    }
  }
  return undefined;
}

/** A round is evaluated some seconds after its time: a message that was sent before that did not know what ended in it. */
const SAME_MOMENT_MS = 10_000;

/** Whether a message had a firing that ended then: not if a silence covered its end, which no message brings while it lasts. */
export function wasInMessage(
  { delivery, endedLater }: PastMessage,
  episode: string,
  resolvedAtMs: number | undefined,
): boolean {
  if (delivery.news?.[episode] !== undefined || resolvedAtMs === undefined) return true;
  const endedMs = delivery.atMs - resolvedAtMs;
  return endedMs < 0 || (endedMs > 0 && endedMs < SAME_MOMENT_MS && endedLater.has(episode));
}

/** The message as it was built then. `statuses`: how probes failed, where that is still known. */
export function rebuildNotification(input: {
  message: PastMessage;
  incident: Incident;
  alerts: readonly IncidentAlert[];
  current: ReadonlyMap<string, CurrentState>;
  statuses: readonly TargetStatus[];
  timeZone: string;
}): Notification {
  const { message, incident, alerts, current, statuses, timeZone } = input;
  const { delivery } = message;
  const { number, reason, atMs: nowMs } = delivery;
  return buildNotification({
    incident: { ...incident, notified: message.before },
    attempt: { number, says: message.statuses, tries: 1, firstTriedAtMs: nowMs },
    reason,
    alerts,
    news: Object.keys(delivery.news ?? {}),
    current,
    statuses,
    timeZone,
    nowMs,
  });
}
