import type { Config } from '../model/config.ts';
import type { Incident, IncidentAlert } from '../model/incident.ts';
import { episodeOf } from './episode.ts';

/** How a route spaces messages, today. */
export interface Timing {
  groupWaitMs: number;
  groupIntervalMs: number;
  /** Infinity: no reminders of what still fires. */
  repeatIntervalMs: number;
  /** Whether the end of the last firing alert of a group need not wait for `groupInterval`. */
  resolvedEarly: boolean;
}

/** For incidents whose route is gone from the configuration. */
const DEFAULT_TIMING: Timing = {
  groupWaitMs: 0,
  groupIntervalMs: 5 * 60_000,
  repeatIntervalMs: 4 * 3_600_000,
  resolvedEarly: true,
};

/** A new alert is offered to a channel that failed for good this long after the last try, not at the next offer. */
const NEWS_AFTER_FAILURE_MS = 60_000;

export function timingOf(incident: Pick<Incident, 'route'>, { routes }: Pick<Config, 'routes'>): Timing {
  const route = routes.find((candidate) => candidate.name === incident.route);
  return route ? { ...route, resolvedEarly: route.resolvedEarly ?? true } : DEFAULT_TIMING;
}

/** What the channel has not been sent of these alerts. */
export function newsOf(incident: Incident): IncidentAlert[] {
  return incident.alerts.filter((alert) => incident.notified[episodeOf(alert)] !== alert.status);
}

/** Until when news wait, and for what: their group, the next try after a failure, or the sender that is at work. */
export interface SendWait {
  untilMs: number;
  why: 'lease' | 'retry' | 'group-wait' | 'group-interval';
}

/** When what is new may be sent. */
export function sendAtMs(incident: Incident, news: readonly IncidentAlert[], timing: Timing): number {
  return sendWait(incident, news, timing).untilMs;
}

/**
 * What news wait for: `groupWait` after the first alert while the channel was sent nothing of the group, else
 * `groupInterval` after the last message, as in Alertmanager. Where all have ended it need not wait, but once per
 * `groupInterval` only. A failed attempt waits for its retry, and with what is new since then for its time as well.
 */
export function sendWait(incident: Incident, news: readonly IncidentAlert[], timing: Timing): SendWait {
  const { attempt } = incident;
  if (attempt?.leaseUntilMs !== undefined) return { untilMs: attempt.leaseUntilMs, why: 'lease' };
  const grouped = groupedWait(incident, news, timing);
  if (attempt?.retryAtMs === undefined) return grouped;
  const known = news.every((alert) => attempt.says[episodeOf(alert)] === alert.status);
  if (known) return { untilMs: attempt.retryAtMs, why: 'retry' };
  const isFinal = !attempt.limited && (attempt.failed || attempt.handedOver);
  const soonMs = (attempt.triedAtMs ?? attempt.firstTriedAtMs) + NEWS_AFTER_FAILURE_MS;
  const retryMs = isFinal ? Math.min(attempt.retryAtMs, soonMs) : attempt.retryAtMs;
  return grouped.untilMs > retryMs ? grouped : { untilMs: retryMs, why: 'retry' };
}

function groupedWait(incident: Incident, news: readonly IncidentAlert[], timing: Timing): SendWait {
  const { alerts, notified, lastNotifiedAtMs, earlyResolvedAtMs } = incident;
  const fresh = alerts.every((alert) => notified[episodeOf(alert)] === undefined);
  if (fresh || lastNotifiedAtMs === undefined) {
    const entered = news.map((alert) => alert.enteredAtMs ?? alert.firedAtMs);
    const firstMs = entered.reduce((first, ms) => Math.min(first, ms), Infinity);
    return { untilMs: firstMs + timing.groupWaitMs, why: 'group-wait' };
  }
  const why = 'group-interval';
  const intervalOverMs = lastNotifiedAtMs + timing.groupIntervalMs;
  if (!timing.resolvedEarly || alerts.some(({ status }) => status === 'firing'))
    return { untilMs: intervalOverMs, why };
  if (earlyResolvedAtMs === undefined) return { untilMs: lastNotifiedAtMs, why };
  return { untilMs: Math.min(intervalOverMs, earlyResolvedAtMs + timing.groupIntervalMs), why };
}

/** When a reminder of what still fires is due. */
export function repeatAtMs({ lastNotifiedAtMs, attempt }: Incident, timing: Timing): number {
  if (lastNotifiedAtMs === undefined) return Infinity;
  return Math.max(
    lastNotifiedAtMs + timing.repeatIntervalMs,
    attempt?.leaseUntilMs ?? attempt?.retryAtMs ?? 0,
  );
}

/**
 * When the incident must be checked again if nothing withholds its alerts; undefined: when something happens.
 * An incident without alerts stays open until another early resolved message may go out.
 */
export function nextCheckMs(incident: Incident, timing: Timing): number | undefined {
  if (incident.orphanedAtMs !== undefined) return undefined;
  const { alerts, earlyResolvedAtMs } = incident;
  if (alerts.length === 0)
    return earlyResolvedAtMs === undefined ? undefined : earlyResolvedAtMs + timing.groupIntervalMs;
  const news = newsOf(incident);
  // Without news all of them fire: what has ended and was sent has left.
  const checkMs = news.length > 0 ? sendAtMs(incident, news, timing) : repeatAtMs(incident, timing);
  return Number.isFinite(checkMs) ? checkMs : undefined;
}
