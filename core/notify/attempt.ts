import { ConfigError, PermanentError, RetryableError } from '../errors.ts';
import { episodeOf } from './incident.ts';
import type { Incident, IncidentAlert, NotificationAttempt } from './model.ts';

/** A sender that died holds its incident this long; then another takes the notification over. */
export const LEASE_MS = 60_000;
/** First wait after a failure; doubles up to the maximum. */
export const RETRY_FIRST_MS = 2_000;
export const RETRY_MAX_MS = 300_000;
/** How long a channel is retried before its fallback gets the notification … */
export const GIVE_UP_WITH_FALLBACK_MS = 5 * 60_000;
/** … and without a fallback, before it is given up and counted. */
export const GIVE_UP_MS = 24 * 3_600_000;

/**
 * The attempt at what is to be said now. The same content keeps its number, so a receiver can drop a repeat;
 * other content gets the next: what was perhaps accepted is not altered under its number. Channel and patience go on:
 * an outage that grows must not keep a message from the fallback.
 */
export function beginAttempt(
  incident: Incident,
  alerts: readonly IncidentAlert[],
  nowMs: number,
): NotificationAttempt {
  const says = Object.fromEntries(alerts.map((alert) => [episodeOf(alert), alert.status]));
  const before = incident.attempt;
  if (before) {
    const number = sameSaying(before.says, says) ? before.number : before.number + 1;
    return { ...before, number, says, tries: before.tries + 1 };
  }
  return {
    number: incident.notifications + 1,
    says,
    channel: incident.channel,
    tries: 1,
    firstTriedAtMs: nowMs,
  };
}

function sameSaying(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

/**
 * The incident after its notification was accepted, or finally given up: ended alerts that were said leave it, and
 * what is still unsaid (held back, or changed meanwhile) is looked at again after `groupInterval`, what still fires
 * after `repeatInterval`, where that is not `never`.
 */
export function concludeAttempt(input: {
  incident: Incident;
  attempt: NotificationAttempt;
  groupIntervalMs: number;
  repeatIntervalMs: number;
  nowMs: number;
}): Incident {
  const { incident, attempt, nowMs } = input;
  const alerts = incident.alerts.filter(
    (alert) => !(alert.status === 'resolved' && attempt.says[episodeOf(alert)] === 'resolved'),
  );
  const kept = new Set(alerts.map(episodeOf));
  const said = { ...incident.notified, ...attempt.says };
  const { attempt: _done, dueAtMs: _due, ...rest } = incident;
  const notified = Object.fromEntries(Object.entries(said).filter(([id]) => kept.has(id)));
  const unsaid = alerts.some((alert) => notified[episodeOf(alert)] !== alert.status);
  const againMs = unsaid ? input.groupIntervalMs : input.repeatIntervalMs;
  return {
    ...rest,
    alerts,
    notified,
    notifications: attempt.number,
    lastNotifiedAtMs: nowMs,
    ...(alerts.length === 0 && { closedAtMs: nowMs }),
    ...(alerts.length > 0 && againMs < Infinity && { dueAtMs: nowMs + againMs }),
  };
}

/** The attempt handed to the fallback: the same notification, tried from the start. */
export function failOver(attempt: NotificationAttempt, channel: string, nowMs: number): NotificationAttempt {
  return { ...attempt, channel, tries: 0, firstTriedAtMs: nowMs };
}

export type AfterFailure =
  | { kind: 'retry'; atMs: number }
  | { kind: 'fallback'; channel: string }
  | { kind: 'give-up' };

/**
 * What follows a failed send. Unknown errors are retried; a service's `retryAfter` is obeyed. What only the operator can
 * mend goes to the fallback at once; without one it is tried again slowly, so that it is said once it is mended.
 */
export function afterFailure(input: {
  error: unknown;
  attempt: NotificationAttempt;
  fallback: string | undefined;
  nowMs: number;
}): AfterFailure {
  const { error, attempt, fallback, nowMs } = input;
  const operator = error instanceof ConfigError;
  const final = error instanceof PermanentError || (operator && fallback !== undefined);
  const patienceMs = fallback === undefined ? GIVE_UP_MS : GIVE_UP_WITH_FALLBACK_MS;
  if (!final) {
    const doubledMs = RETRY_FIRST_MS * 2 ** Math.min(attempt.tries - 1, 20);
    const backoffMs = operator ? RETRY_MAX_MS : Math.min(doubledMs, RETRY_MAX_MS);
    const retryAfterMs = error instanceof RetryableError ? (error.retryAfterMs ?? 0) : 0;
    const atMs = nowMs + Math.max(backoffMs, retryAfterMs);
    if (atMs - attempt.firstTriedAtMs <= patienceMs) return { kind: 'retry', atMs };
  }
  return fallback === undefined ? { kind: 'give-up' } : { kind: 'fallback', channel: fallback };
}
