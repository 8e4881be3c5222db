import { ConfigError, PermanentError, RetryableError } from '../errors.ts';
import { hashNumber } from '../hash.ts';
import type { Incident, IncidentAlert, NotificationAttempt } from '../model/incident.ts';
import type { NotifyReason } from '../model/notify-reason.ts';
import type { Slot } from '../model/pace.ts';
import { episodeOf } from './episode.ts';
import { withAlerts } from './incident.ts';
import type { Timing } from './timing.ts';

/** The longest wait for a service, whatever the `timeout` of its channel. */
export const SEND_TIMEOUT_MS = 30_000;
/**
 * A sender that died holds its incident this long; then another takes the notification over. Longer than one that lives may
 * take: five seconds for values and picture, and twice the time of one request.
 */
export const LEASE_MS = 90_000;
/** First wait after a failure; doubles up to the maximum. */
export const RETRY_FIRST_MS = 2_000;
export const RETRY_MAX_MS = 300_000;
/** Retries come up to this share earlier, so that those of many incidents do not come in step. */
const SPREAD_SHARE = 0.25;
/** How long a channel is retried before its fallback gets the notification as well … */
export const FAILOVER_AFTER_MS = 5 * 60_000;
/** … and how long before the failure is counted as final, and the channel is offered it at longer intervals. */
export const FAILED_AFTER_MS = 24 * 3_600_000;
/** What failed for good is offered again after `groupInterval`, within these bounds. */
export const OFFER_AFTER_MS = { least: 5 * 60_000, most: 60 * 60_000 } as const;

/**
 * The attempt to send what is due now. The same content keeps its number, so that a receiver can drop a repeat; other
 * content gets the next: what was perhaps accepted is not altered under its number. Tries and patience go on: an
 * outage that grows must not keep a message from the fallback.
 */
export function beginAttempt(
  incident: Incident,
  send: { alerts: readonly IncidentAlert[]; reason: NotifyReason; epoch?: string | undefined },
  nowMs: number,
): NotificationAttempt {
  const says = Object.fromEntries(send.alerts.map((alert) => [episodeOf(alert), alert.status]));
  const { attempt: before, notifications } = incident;
  const epoch = send.epoch === undefined ? {} : { epoch: send.epoch };
  const lease = { triedAtMs: nowMs, leaseUntilMs: nowMs + LEASE_MS };
  if (!before)
    return {
      number: notifications + 1,
      ...epoch,
      says,
      reason: send.reason,
      tries: 1,
      firstTriedAtMs: nowMs,
      ...lease,
    };
  const { retryAtMs: _retry, limited: _limited, unclear, epoch: began, ...kept } = before;
  const perhaps = perhapsShown(before);
  const rest = { ...kept, ...(perhaps.length > 0 && { perhaps }) };
  const tries = before.tries + 1;
  // A reminder that is due while the last one is under way has the same content.
  if (isSame(before.says, says))
    return {
      ...rest,
      ...(began !== undefined && { epoch: began }),
      ...(unclear && { unclear }),
      tries,
      ...lease,
    };
  const number = Math.max(before.number, notifications) + 1;
  return { ...rest, number, ...epoch, says, reason: send.reason, tries, ...lease };
}

/** What readers may have been shown: the answer was unclear, or a sender died before its outcome was written. */
export function perhapsShown({
  perhaps = [],
  unclear,
  leaseUntilMs,
  says,
}: NotificationAttempt): readonly string[] {
  if (!unclear && leaseUntilMs === undefined) return perhaps;
  return [...new Set([...perhaps, ...Object.keys(says)])];
}

function isSame(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

/** The incident while a sender has it: its alerts are no longer withheld, so they must be sent even if they end first. */
export function leaseIncident(incident: Incident, attempt: NotificationAttempt): Incident {
  const nowMs = attempt.triedAtMs ?? attempt.firstTriedAtMs;
  const alerts = incident.alerts.map((alert): IncidentAlert => {
    if (attempt.says[episodeOf(alert)] === undefined) return alert;
    const { heldBack, freed: _freed, ...rest } = alert;
    return {
      ...rest,
      ...(heldBack !== undefined && { enteredAtMs: nowMs }),
      ...(alert.status === 'resolved' && { endOfferedAtMs: alert.endOfferedAtMs ?? nowMs }),
    };
  });
  const { slot: _used, ...rest } = incident;
  return { ...rest, alerts, attempt, dueAtMs: attempt.leaseUntilMs };
}

/**
 * The incident after its notification was accepted: alerts whose end was sent leave it. Unsent ones (suppressed, or
 * changed meanwhile) are checked again after `groupInterval`, those that still fire after `repeatInterval`.
 */
export function concludeAttempt(input: {
  incident: Incident;
  attempt: NotificationAttempt;
  timing: Timing;
  nowMs: number;
}): Incident {
  const { incident, attempt, timing, nowMs } = input;
  const perhaps = new Set(attempt.perhaps);
  const alerts = incident.alerts
    .filter((alert) => !(alert.status === 'resolved' && attempt.says[episodeOf(alert)] === 'resolved'))
    .map((alert): IncidentAlert => (perhaps.has(episodeOf(alert)) ? { ...alert, perhaps: true } : alert));
  const { attempt: _done, ...rest } = incident;
  const ended = Object.values(attempt.says).every((status) => status === 'resolved');
  const before = incident.lastNotifiedAtMs;
  const early = ended && before !== undefined && nowMs < before + timing.groupIntervalMs;
  return withAlerts(
    {
      ...rest,
      notified: { ...incident.notified, ...attempt.says },
      notifications: Math.max(attempt.number, incident.notifications),
      lastNotifiedAtMs: nowMs,
      ...(early && { earlyResolvedAtMs: nowMs }),
    },
    alerts,
    timing,
    nowMs,
  );
}

/** What follows a failed send: when the channel is tried again, and what else. */
export interface AfterFailure {
  /** `failed`: recorded and counted as undelivered; it is offered again all the same. */
  outcome: 'retry' | 'failed';
  retryAtMs: number;
  /** The channel's fallback gets it as well. */
  failOver: boolean;
  /** The service asked us to wait, or lets others through before. */
  limited?: true;
  /** That is no failed try. */
  rateLimited?: true;
  /** The message's slot among those to its destination. */
  slot?: Slot;
}

/** When a message that its destination does not take now may be sent. */
export interface Again {
  slot: Slot;
  retryAtMs: number;
}

/**
 * What follows a failed send. Nothing is given up: a final answer, or a day of failures, makes the offers rarer. A
 * service that asks us to wait is obeyed, see `pausePace`; with 429 that is no failed try. What only the operator can mend
 * is tried again slowly. The fallback gets what its channel refuses for good, and what that has not accepted within five
 * minutes.
 */
export function afterFailure(input: {
  error: unknown;
  attempt: NotificationAttempt;
  /** Set for an error for which `asksToWait` is true. */
  again?: Again | undefined;
  /** Spreads retries; the same for every retry of an incident. */
  incidentId: string;
  hasFallback: boolean;
  groupIntervalMs: number;
  nowMs: number;
}): AfterFailure {
  const { error, attempt, again, hasFallback, nowMs } = input;
  const operator = error instanceof ConfigError;
  const refused = error instanceof PermanentError;
  const rateLimited = again !== undefined && error instanceof RetryableError && error.rateLimited;
  const sinceMs = Math.min(attempt.firstTriedAtMs, again?.slot.sinceMs ?? Infinity);
  const triedForMs = nowMs - attempt.firstTriedAtMs;
  const backedOffMs = rateLimited ? 0 : nowMs + waitMs(error, attempt, input.incidentId);
  const retryAtMs = Math.max(backedOffMs, again?.retryAtMs ?? 0);
  const late = hasFallback && retryAtMs - sinceMs > FAILOVER_AFTER_MS;
  const failOver = hasFallback && (refused || operator || late);
  const more = {
    failOver,
    ...(again && { limited: true as const, slot: again.slot }),
    ...(rateLimited && { rateLimited: true as const }),
  };
  if (refused || triedForMs >= FAILED_AFTER_MS) {
    const { least, most } = OFFER_AFTER_MS;
    const offerMs = Math.min(most, Math.max(least, input.groupIntervalMs));
    return { outcome: 'failed', retryAtMs: Math.max(retryAtMs, nowMs + offerMs), ...more };
  }
  return { outcome: failOver && !rateLimited ? 'failed' : 'retry', retryAtMs, ...more };
}

function waitMs(error: unknown, attempt: NotificationAttempt, incidentId: string): number {
  const failed = attempt.tries - (attempt.rateLimits ?? 0);
  const backoffMs = Math.min(RETRY_FIRST_MS * 2 ** Math.min(Math.max(0, failed - 1), 20), RETRY_MAX_MS);
  const longestMs = error instanceof ConfigError ? RETRY_MAX_MS : backoffMs;
  return Math.round(longestMs * (1 - SPREAD_SHARE * shareOf(`${incidentId} ${attempt.tries}`)));
}

/** Whether a failure holds for the whole destination: 429, or any answer with `Retry-After`. */
export function asksToWait(error: unknown): error is RetryableError {
  return error instanceof RetryableError && (error.rateLimited || error.retryAfterMs !== undefined);
}

/** 0 ≤ share < 1, the same for the same text. */
function shareOf(text: string): number {
  return (hashNumber(text) % 1000) / 1000;
}

/** The incident after its notification was not accepted. */
export function failAttempt(
  incident: Incident,
  attempt: NotificationAttempt,
  after: AfterFailure,
  error: string,
): Incident {
  const { leaseUntilMs: _lease, ...rest } = attempt;
  return {
    ...incident,
    ...(after.slot && { slot: after.slot }),
    attempt: {
      ...rest,
      retryAtMs: after.retryAtMs,
      error,
      ...(after.outcome === 'failed' && { failed: true }),
      ...(after.failOver && { handedOver: true }),
      ...(after.limited && { limited: true }),
      ...(after.rateLimited && { rateLimits: (rest.rateLimits ?? 0) + 1 }),
    },
    dueAtMs: after.retryAtMs,
  };
}

/** The incident when the service's answer was neither yes nor no: the same is sent once more, under the same number. */
export function tryOnceMore(incident: Incident, attempt: NotificationAttempt, nowMs: number): Incident {
  const { leaseUntilMs: _lease, ...rest } = attempt;
  const retryAtMs = nowMs + RETRY_FIRST_MS;
  return { ...incident, attempt: { ...rest, unclear: true, retryAtMs }, dueAtMs: retryAtMs };
}
