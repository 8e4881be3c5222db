import type { Config } from '../config/types.ts';
import { ConflictError, describeError, RetryableError } from '../errors.ts';
import { hashText } from '../hash.ts';
import { afterFailure, concludeAttempt, failOver } from '../notify/attempt.ts';
import type { Delivery, Incident, Notification, NotificationAttempt } from '../notify/model.ts';
import type { Clock, Logger, Meter, Receipt, Secrets, StateStore } from '../ports.ts';

/** Of incidents whose route is gone from the configuration. */
export const DEFAULT_REPEAT_MS = 4 * 3_600_000;

export type SendResult = { receipt: Receipt } | { error: unknown };

export interface RecordPorts {
  state: StateStore;
  secrets: Pick<Secrets, 'redact' | 'forget'>;
  clock: Clock;
  logger: Logger;
  meter: Meter;
}

/** Writes what became of an attempt, and what follows from it: done, tried again, handed to the fallback, given up. */
export async function recordAttempt(input: {
  leased: Incident;
  attempt: NotificationAttempt;
  notification: Notification;
  result: SendResult;
  picture: Delivery['picture'];
  startMs: number;
  config: Pick<Config, 'routes' | 'channels'>;
  ports: RecordPorts;
}): Promise<Delivery> {
  const { leased, attempt, notification, result, picture, startMs, config, ports } = input;
  const nowMs = ports.clock.nowMs();
  const route = config.routes.find((candidate) => candidate.name === leased.route);
  const groupIntervalMs = route?.groupIntervalMs ?? 0;
  const repeatIntervalMs = route?.repeatIntervalMs ?? DEFAULT_REPEAT_MS;
  const fallback = config.channels.find((channel) => channel.name === attempt.channel)?.fallback;
  const after =
    'error' in result ? afterFailure({ error: result.error, attempt, fallback, nowMs }) : undefined;
  const detail = ports.secrets.redact(
    'error' in result ? describeError(result.error) : result.receipt.detail,
  );
  const delivery: Delivery = {
    id: `dlv-${hashText(`${notification.key}\n${attempt.channel}\n${attempt.tries}\n${startMs}`)}`,
    incidentId: leased.id,
    number: attempt.number,
    attempt: attempt.tries,
    channel: attempt.channel,
    route: leased.route,
    reason: notification.reason,
    status: notification.status,
    atMs: startMs,
    durationMs: nowMs - startMs,
    outcome: after === undefined ? 'delivered' : after.kind === 'retry' ? 'retry' : 'failed',
    picture,
    detail: detail.slice(0, 500),
    ...('receipt' in result && result.receipt.id !== undefined ? { receipt: result.receipt.id } : {}),
  };
  const settle = (incident: Incident): Incident => {
    if (after?.kind === 'retry') return { ...incident, dueAtMs: after.atMs };
    if (after?.kind === 'fallback') {
      return { ...incident, attempt: failOver(attempt, after.channel, nowMs), dueAtMs: nowMs };
    }
    return concludeAttempt({ incident, attempt, groupIntervalMs, repeatIntervalMs, nowMs });
  };
  report(delivery, after?.kind, ports);
  await settleIncident(leased.id, settle, delivery, ports.state);
  return delivery;
}

/** A transition may have been absorbed while the message was sent: settle what the incident is now. */
async function settleIncident(
  id: string,
  settle: (incident: Incident) => Incident,
  delivery: Delivery,
  state: StateStore,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const current = await state.loadIncident(id);
    if (!current) throw new RetryableError(`incident ${id} is gone`);
    try {
      const value = settle(current.value);
      return await state.commitIncidents({ incidents: [{ value, version: current.version }], delivery });
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === 5) throw error;
    }
  }
}

function report(delivery: Delivery, failure: string | undefined, ports: RecordPorts): void {
  const { channel, route, outcome, reason, status, picture, detail } = delivery;
  ports.meter.count('deliveries_total', { channel, outcome });
  ports.meter.count('deliveries_failed_total', { channel }, outcome === 'failed' ? 1 : 0);
  const fields = {
    channel,
    route,
    incident: delivery.incidentId,
    number: delivery.number,
    reason,
    status,
    picture,
  };
  if (outcome === 'delivered') ports.logger.info('message delivered', { ...fields, ms: delivery.durationMs });
  else if (failure === 'retry')
    ports.logger.warn('message not delivered, will be retried', { ...fields, detail });
  else ports.logger.error(`message not delivered: ${failure}`, { ...fields, detail });
}
