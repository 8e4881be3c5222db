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
import { handOver, heardElsewhere, markStandIn, unacceptedOf } from '../notify/hand-over.ts';
import { episodeOf } from '../notify/incident.ts';
import type {
  Delivery,
  Incident,
  IncidentAlert,
  Notification,
  NotificationAttempt,
} from '../notify/model.ts';
import { destinationsOf } from '../notify/routes.ts';
import { timingOf } from '../notify/timing.ts';
import type { Clock, Logger, Meter, Receipt, Secrets, StateStore, Versioned } from '../ports.ts';

/** Characters of an answer that are kept. */
const DETAIL_LIMIT = 500;

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

/** The fallback's incident with what its channel has not accepted, if it lacks any of that. */
async function handedOver(
  incident: Incident,
  attempt: NotificationAttempt,
  fallback: string | undefined,
  config: Pick<Config, 'routes' | 'rules'>,
  { state, clock }: RecordPorts,
): Promise<Versioned<Incident> | undefined> {
  if (fallback === undefined) return undefined;
  const standIn = await state.findIncident(incident.route, fallback, incident.groupKey);
  const timing = timingOf(incident, config);
  const alertIds = new Set(unacceptedOf(incident, attempt).map(({ alertId }) => alertId));
  const holding = await Promise.all([...alertIds].map((id) => state.incidentsOfAlert(id)));
  const ofFallback = holding.flat().filter(({ value }) => value.channel === fallback);
  const held = new Set(ofFallback.flatMap(({ value }) => value.alerts.map(episodeOf)));
  const hasAnyway = (alert: IncidentAlert) => {
    const rule = config.rules.find(({ name }) => name === alert.rule) ?? incident.rules[alert.rule];
    const sentTo = destinationsOf(config.routes, rule, alert.labels);
    return held.has(episodeOf(alert)) || sentTo.some(({ channel }) => channel === fallback);
  };
  const input = {
    incident,
    attempt,
    fallback,
    standIn: standIn?.value,
    hasAnyway,
    timing,
    nowMs: clock.nowMs(),
  };
  const value = handOver(input);
  return value && { value, version: standIn?.version ?? 0 };
}

/** Other incidents of these alerts: those of channels that this one stands in for, and those that nobody was sent before. */
async function relieved(
  incident: Incident,
  { says }: NotificationAttempt,
  config: Pick<Config, 'routes' | 'channels'>,
  { state, clock }: RecordPorts,
): Promise<Versioned<Incident>[]> {
  const found: Versioned<Incident>[] = [];
  const firstHeard = new Set(
    Object.keys(says).filter((id) => says[id] === 'resolved' && incident.notified[id] === undefined),
  );
  const alertIds = new Set(
    incident.alerts.filter((alert) => firstHeard.has(episodeOf(alert))).map((alert) => alert.alertId),
  );
  const holding = await Promise.all([...alertIds].map((id) => state.incidentsOfAlert(id)));
  for (const { value: other, version } of holding.flat()) {
    const value = heardElsewhere(other, firstHeard, incident.channel);
    const isNew = other.id !== incident.id && !found.some((one) => one.value.id === other.id);
    if (isNew && value !== other) found.push({ value, version });
  }
  let channel = incident.standsInFor;
  for (let chain = 0; channel !== undefined && chain < config.channels.length; chain++) {
    const stored = await state.findIncident(incident.route, channel, incident.groupKey);
    if (!stored) break;
    const timing = timingOf(stored.value, config);
    const known = found.findIndex((one) => one.value.id === stored.value.id);
    const before = found[known]?.value ?? stored.value;
    const value = markStandIn(before, says, timing, clock.nowMs());
    if (value !== before)
      found.splice(known < 0 ? found.length : known, 1, { value, version: stored.version });
    channel = stored.value.standsInFor;
  }
  return found;
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
      if (!(error instanceof ConflictError) || attempt === 5) throw error;
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
  if (unclear) ports.meter.count('deliveries_unclear_total', { channel });
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
