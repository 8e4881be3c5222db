import type { Config } from '../config/types.ts';
import { ConflictError, describeError, RetryableError } from '../errors.ts';
import { hashText } from '../hash.ts';
import {
  type AfterFailure,
  afterFailure,
  concludeAttempt,
  failAttempt,
  tryOnceMore,
} from '../notify/attempt.ts';
import type { Delivery, Incident, Notification, NotificationAttempt } from '../notify/model.ts';
import { timingOf } from '../notify/timing.ts';
import type { Clock, Logger, Meter, Receipt, Secrets, StateStore, Versioned } from '../ports.ts';
import { handedOver, relieved } from './stand-ins.ts';

/** Characters of an answer that are kept. */
const DETAIL_LIMIT = 500;
/** An incident that others change at the same time is read again so often. */
const SETTLE_TRIES = 5;

export type SendResult = { receipt: Receipt } | { error: unknown };

export interface RecordPorts {
  state: StateStore;
  secrets: Pick<Secrets, 'redact' | 'forget'>;
  clock: Clock;
  logger: Logger;
  meter: Meter;
}

/** Writes what became of an attempt, and what follows: done, tried once more, tried again, handed to the fallback too. */
export async function recordAttempt(input: {
  leased: Incident;
  attempt: NotificationAttempt;
  notification: Notification;
  result: SendResult;
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
      const standIn = after.handOver
        ? await handedOver(incident, attempt, fallback, config, ports)
        : undefined;
      return standIn ? [standIn, failed] : [failed];
    }
    if (onceMore) return [{ value: tryOnceMore(incident, attempt, nowMs), version }];
    const value = concludeAttempt({ incident, attempt, timing, nowMs });
    return [{ value, version }, ...(await relieved(incident, attempt, config, ports))];
  };
  await settleIncident(leased.id, settle, delivery, ports.state);
  report(delivery, unclear, after, ports);
  return delivery;
}

/** What a message says that its channel has not accepted before. */
function newsIn({ says }: NotificationAttempt, { notified }: Incident): NotificationAttempt['says'] {
  return Object.fromEntries(Object.entries(says).filter(([episode, status]) => notified[episode] !== status));
}

/** A transition may have been absorbed while the message was sent: settle what the incident is now. */
async function settleIncident(
  id: string,
  settle: (stored: Versioned<Incident>) => Promise<Versioned<Incident>[]>,
  delivery: Delivery,
  state: StateStore,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const current = await state.loadIncident(id);
    if (!current) throw new RetryableError(`incident ${id} is gone`);
    try {
      return await state.commitIncidents({ incidents: await settle(current), delivery });
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      // Not to be taken for the usual case that another was first: what became of the message would be lost silently.
      if (attempt === SETTLE_TRIES)
        throw new RetryableError(`what became of a message of incident ${id} cannot be kept`, {
          cause: error,
        });
    }
  }
}

function report(
  delivery: Delivery,
  unclear: boolean,
  after: AfterFailure | undefined,
  ports: RecordPorts,
): void {
  const { channel, route, outcome, reason, status, picture, detail, number } = delivery;
  ports.meter.count('deliveries_total', { channel, outcome });
  if (outcome === 'failed') ports.meter.count('deliveries_failed_total', { channel });
  if (unclear && outcome === 'delivered') ports.meter.count('deliveries_unclear_total', { channel });
  const fields = { channel, route, incident: delivery.incidentId, number, reason, status };
  if (after) {
    const next = { ...fields, nextTry: new Date(after.retryAtMs).toISOString(), detail };
    if (after.handOver)
      ports.logger.error('message not delivered; the fallback of its channel gets it', next);
    else if (after.outcome === 'failed')
      ports.logger.error('message not delivered; it is offered again', next);
    else ports.logger.warn('message not delivered, will be retried', next);
  } else if (outcome === 'unclear') {
    ports.logger.warn('message perhaps delivered: the answer is neither yes nor no; it is sent once more', {
      ...fields,
      detail,
    });
  } else if (unclear) {
    ports.logger.warn('message counts as delivered, though the answer is neither yes nor no', {
      ...fields,
      detail,
    });
  } else ports.logger.info('message delivered', { ...fields, picture, ms: delivery.durationMs });
}
