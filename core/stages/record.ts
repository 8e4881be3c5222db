import { retryConflicts } from '../conflicts.ts';
import { type ConflictError, describeError, RetryableError } from '../errors.ts';
import { hashText } from '../hash.ts';
import type { Config } from '../model/config.ts';
import type { Delivery } from '../model/delivery.ts';
import type { Incident, NotificationAttempt } from '../model/incident.ts';
import type { Notification } from '../model/notification.ts';
import {
  type AfterFailure,
  type Again,
  afterFailure,
  concludeAttempt,
  failAttempt,
  tryOnceMore,
} from '../notify/attempt.ts';
import { timingOf } from '../notify/timing.ts';
import type { Clock, Logger, Meter, Receipt, Secrets, StateStore, Versioned } from '../ports.ts';
import { fallbackIncident, settleOtherIncidents } from './fallbacks.ts';

/** Characters of an answer that the record keeps. */
const DETAIL_LIMIT = 500;

export type SendResult = { receipt: Receipt } | { error: unknown };

export interface RecordPorts {
  state: StateStore;
  secrets: Pick<Secrets, 'redact'>;
  clock: Clock;
  logger: Logger;
  meter: Meter;
}

/** Writes the outcome of an attempt, and what follows: done, sent once more, retried, or sent to the fallback as well. */
export async function recordAttempt(input: {
  leased: Incident;
  attempt: NotificationAttempt;
  notification: Notification;
  result: SendResult;
  /** When the destination takes the message, if its service asked us to wait. */
  again?: Again | undefined;
  picture: Delivery['picture'];
  startMs: number;
  config: Pick<Config, 'routes' | 'channels' | 'rules'>;
  ports: RecordPorts;
}): Promise<Delivery> {
  const { leased, attempt, notification, result, startMs, config, ports } = input;
  const nowMs = ports.clock.nowMs();
  const timing = timingOf(leased, config);
  const fallback = config.channels.find(({ name }) => name === leased.channel)?.fallback;
  const after =
    'error' in result
      ? afterFailure({
          error: result.error,
          attempt,
          again: input.again,
          incidentId: leased.id,
          hasFallback: fallback !== undefined,
          groupIntervalMs: timing.groupIntervalMs,
          nowMs,
        })
      : undefined;
  const unclear = 'receipt' in result && result.receipt.unclear !== undefined;
  const onceMore = unclear && !attempt.unclear;
  const answer =
    'error' in result ? describeError(result.error) : (result.receipt.unclear ?? result.receipt.detail);
  const detail = ports.secrets.redact(answer).slice(0, DETAIL_LIMIT);
  const delivery: Delivery = {
    id: `dlv-${hashText(`${notification.key}\n${leased.channel}\n${attempt.tries}\n${startMs}`)}`,
    incidentId: leased.id,
    number: attempt.number,
    attempt: attempt.tries,
    channel: leased.channel,
    route: leased.route,
    reason: notification.reason,
    status: notification.status,
    atMs: startMs,
    durationMs: nowMs - startMs,
    outcome: after?.outcome ?? (onceMore ? 'unclear' : 'delivered'),
    picture: input.picture,
    detail,
    ...('receipt' in result && result.receipt.id !== undefined ? { receipt: result.receipt.id } : {}),
    ...(after === undefined && !onceMore && { news: newsIn(attempt, leased) }),
  };
  const settle = async (stored: Versioned<Incident>): Promise<Versioned<Incident>[]> => {
    const { value: incident, version } = stored;
    if (after) {
      const failed = { value: failAttempt(incident, attempt, after, detail), version };
      const standIn = after.failOver
        ? await fallbackIncident(incident, attempt, fallback, config, ports)
        : undefined;
      return standIn ? [standIn, failed] : [failed];
    }
    if (onceMore) return [{ value: tryOnceMore(incident, attempt, nowMs), version }];
    const value = concludeAttempt({ incident, attempt, timing, nowMs });
    return [{ value, version }, ...(await settleOtherIncidents(incident, attempt, config, ports))];
  };
  await settleIncident(leased.id, settle, delivery, ports.state);
  report({ delivery, notification, unclear, after }, ports);
  return delivery;
}

/** The statuses in a message that its channel has not accepted before. */
function newsIn({ says }: NotificationAttempt, { notified }: Incident): NotificationAttempt['says'] {
  return Object.fromEntries(Object.entries(says).filter(([episode, status]) => notified[episode] !== status));
}

/** Writes the outcome into the incident as it is now: it may have absorbed a transition while the message was sent. */
async function settleIncident(
  id: string,
  settle: (stored: Versioned<Incident>) => Promise<Versioned<Incident>[]>,
  delivery: Delivery,
  state: StateStore,
): Promise<void> {
  const commit = async () => {
    const current = await state.loadIncident(id);
    if (!current) throw new RetryableError(`incident ${id} is gone`);
    await state.commitIncidents({ incidents: await settle(current), delivery });
  };
  // The caller takes a ConflictError for the usual case that another sender was first, and would lose this outcome silently.
  const gaveUp = (cause: ConflictError) =>
    new RetryableError(`the outcome of a message of incident ${id} cannot be kept`, { cause });
  await retryConflicts(commit, { gaveUp });
}

function report(
  {
    delivery,
    notification,
    unclear,
    after,
  }: {
    delivery: Delivery;
    notification: Notification;
    unclear: boolean;
    after: AfterFailure | undefined;
  },
  ports: RecordPorts,
): void {
  const { channel, route, outcome, reason, status, picture, detail, number } = delivery;
  ports.meter.count('deliveries_total', { channel, outcome });
  if (outcome === 'failed') ports.meter.count('deliveries_failed_total', { channel });
  if (unclear && outcome === 'delivered') ports.meter.count('deliveries_unclear_total', { channel });
  if (outcome === 'delivered') observeLatency(notification, ports);
  const fields = { channel, route, incident: delivery.incidentId, number, reason, status };
  if (after) {
    const next = { ...fields, nextTry: new Date(after.retryAtMs).toISOString(), detail };
    if (after.failOver)
      ports.logger.error('message not delivered; the fallback of its channel gets it', next);
    else if (after.outcome === 'failed')
      ports.logger.error('message not delivered; it is offered again', next);
    else if (after.rateLimited)
      ports.logger.warn('message delayed, because its service accepts no more now', next);
    else ports.logger.warn('message not delivered, will be retried', next);
  } else if (outcome === 'unclear') {
    ports.logger.warn('message perhaps delivered: the answer is unclear; it is sent once more', {
      ...fields,
      detail,
    });
  } else if (unclear) {
    ports.logger.warn('message counts as delivered, although the answer is unclear', {
      ...fields,
      detail,
    });
  } else ports.logger.info('message delivered', { ...fields, picture, ms: delivery.durationMs });
}

/** How long news took from the transition to the channel. */
function observeLatency({ alerts, channel }: Notification, { clock, meter }: RecordPorts): void {
  const nowMs = clock.nowMs();
  const secondsSince = (atMs: number) => Math.max(0, nowMs - atMs) / 1000;
  for (const { news, status, sinceMs, firedAtMs, resolvedAtMs, heldBack, freed } of alerts) {
    const atMs = status === 'firing' ? firedAtMs : resolvedAtMs;
    if (!news || atMs === undefined) continue;
    meter.observe('delivery_latency_seconds', secondsSince(atMs), { channel });
    if (status !== 'firing' || heldBack || freed) continue;
    meter.observe('breach_to_accepted_seconds', secondsSince(sinceMs), { channel });
  }
}
