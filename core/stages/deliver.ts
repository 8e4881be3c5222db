import type { Config } from '../config/types.ts';
import { ConfigError, ConflictError, RetryableError } from '../errors.ts';
import type { Alert } from '../model.ts';
import { beginAttempt, leaseIncident } from '../notify/attempt.ts';
import { type Decision, decideNotification, forgetEnded } from '../notify/decide.ts';
import { episodeOf, isWithheld } from '../notify/incident.ts';
import type { Incident, IncidentAlert, Notification, Picture } from '../notify/model.ts';
import { buildNotification, tellsOfFailures } from '../notify/notification.ts';
import { suppressionJudge } from '../notify/suppression.ts';
import { timingOf } from '../notify/timing.ts';
import type { Channel, SampleStore, TargetStatus, Versioned } from '../ports.ts';
import { currentStates } from './current-states.ts';
import { type PicturePorts, requestPicture } from './pictures.ts';
import { type RecordPorts, recordAttempt, type SendResult } from './record.ts';

export interface DeliverPorts extends RecordPorts, Pick<PicturePorts, 'draw' | 'sleep'> {
  store: Pick<SampleStore, 'query' | 'latest'>;
  channels: ReadonlyMap<string, Channel>;
}

export type DeliverConfig = Pick<
  Config,
  'rules' | 'routes' | 'silences' | 'channels' | 'checks' | 'schedule'
>;

export const SEND_TIMEOUT_MS = 30_000;
const DUE_PAGE = 100;
/** A message whose channel is missing is looked at again after so long. */
const WITHOUT_CHANNEL_MS = 30_000;

/** Sends what is due, incidents side by side, each by one sender at a time. Returns how many were looked at. */
export async function deliverDue(
  config: DeliverConfig,
  ports: DeliverPorts,
  signal: AbortSignal,
): Promise<number> {
  const due = await ports.state.dueIncidents(ports.clock.nowMs(), DUE_PAGE);
  const incidents = due.map(({ value }) => value);
  const judged = await readJudged(incidents, config, ports);
  // Every send is waited for, whatever one of them fails of: none goes on behind the caller's back.
  const outcomes = await Promise.allSettled(
    due.map((incident) => deliver(incident, judged, config, ports, signal)),
  );
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
  return due.length;
}

/** Sends what one incident has to say, if it is due by now. Safe to repeat: what was said is not said again. */
export async function deliverIncident(
  id: string,
  config: DeliverConfig,
  ports: DeliverPorts,
  signal: AbortSignal,
): Promise<void> {
  const stored = await ports.state.loadIncident(id);
  const dueAtMs = stored?.value.dueAtMs;
  if (!stored || dueAtMs === undefined || dueAtMs > ports.clock.nowMs()) return;
  await deliver(stored, await readJudged([stored.value], config, ports), config, ports, signal);
}

type Judged = Pick<Parameters<typeof suppressionJudge>[0], 'silences' | 'firing'> & {
  /** Read once for all messages of a pass, and only if one of them tells how probes failed. */
  statuses: () => Promise<TargetStatus[]>;
  /** Alerts of a rule by id, read once as well. */
  alertsOf: (rule: string) => Promise<ReadonlyMap<string, Alert>>;
};

/** Of alerts only those that may inhibit: in a storm all of them are many, and each message asks. */
async function readJudged(
  incidents: readonly Incident[],
  config: DeliverConfig,
  { state, clock }: DeliverPorts,
): Promise<Judged> {
  const rules = incidents.flatMap((incident) => Object.values(incident.rules));
  const inhibitors = [...new Set(rules.flatMap(({ inhibitedBy }) => inhibitedBy))];
  const alerts = await Promise.all(inhibitors.map((rule) => state.listAlerts(rule)));
  const firing = alerts.flat().map(({ value }) => value);
  const stored = await state.listSilences({ endedAfterMs: clock.nowMs() });
  let statuses: Promise<TargetStatus[]> | undefined;
  const ofRules = new Map<string, Promise<ReadonlyMap<string, Alert>>>();
  return {
    alertsOf: (rule) => {
      const read =
        ofRules.get(rule) ??
        state.listAlerts(rule).then((all) => new Map(all.map(({ value }) => [value.id, value])));
      ofRules.set(rule, read);
      return read;
    },
    silences: [...config.silences, ...stored],
    firing: firing.filter(({ status }) => status === 'firing'),
    statuses: () => {
      statuses ??= state.listTargetStatus();
      return statuses;
    },
  };
}

async function deliver(
  stored: Versioned<Incident>,
  judged: Judged,
  config: DeliverConfig,
  ports: DeliverPorts,
  signal: AbortSignal,
): Promise<void> {
  const { state, clock, logger } = ports;
  const nowMs = clock.nowMs();
  const suppressionOf = suppressionJudge({ ...judged, rules: stored.value.rules, nowMs });
  const timing = timingOf(stored.value, config);
  const { incident, dropped } = forgetEnded(stored.value, suppressionOf, nowMs);
  const decision = decideNotification({ incident, suppressionOf, timing, nowMs });
  const hasChannel = ports.channels.has(incident.channel);
  try {
    if (decision.kind === 'send' && hasChannel)
      await send({ value: incident, version: stored.version }, decision, judged, config, ports, signal);
    else {
      const next =
        decision.kind === 'send' ? postponed(incident, nowMs, ports) : settled(incident, decision, nowMs);
      const why = decision.kind === 'send' ? 'its channel is not configured' : decision.why;
      logger.debug('nothing to say', { incident: incident.id, why });
      await state.commitIncidents({ incidents: [{ value: next, version: stored.version }] });
    }
    reportDropped(incident, dropped, ports);
  } catch (error) {
    // Another sender was first, or a transition arrived: the incident stays due and is decided again.
    if (!(error instanceof ConflictError)) throw error;
  }
}

/** The incident when nothing is sent now: alerts that are withheld are marked, and those that are no more. */
function settled(incident: Incident, decision: Exclude<Decision, { kind: 'send' }>, nowMs: number): Incident {
  const { dueAtMs: _due, attempt, ...rest } = incident;
  const notifications = Math.max(rest.notifications, attempt?.number ?? 0);
  if (decision.kind === 'close') return { ...rest, notifications, closedAtMs: nowMs };
  const alerts = rest.alerts.map((alert): IncidentAlert => {
    const heldBack = decision.heldBack.get(episodeOf(alert));
    if (heldBack === undefined) return isWithheld(alert) ? { ...alert, freed: true } : alert;
    const { freed: _freed, ...withheld } = alert;
    return { ...withheld, heldBack };
  });
  const dueAtMs = Number.isFinite(decision.untilMs) ? { dueAtMs: decision.untilMs } : {};
  return { ...rest, alerts, ...(attempt && { attempt }), ...dueAtMs };
}

/** The configuration has changed since the incident was placed: what it owes is placed anew, see `reconcile`. */
function postponed(incident: Incident, nowMs: number, { logger }: DeliverPorts): Incident {
  const { id, channel } = incident;
  logger.warn('a message waits: its channel is not configured', { incident: id, channel });
  return { ...incident, dueAtMs: nowMs + WITHOUT_CHANNEL_MS };
}

function reportDropped(incident: Incident, dropped: readonly IncidentAlert[], ports: DeliverPorts): void {
  const { channel, route } = incident;
  for (const { rule, labels } of dropped) {
    ports.meter.count('alerts_dropped_total', { channel });
    const fields = { incident: incident.id, channel, route, rule, ...labels };
    ports.logger.error(
      'an alert that has ended is dropped: its channel did not accept it for too long',
      fields,
    );
  }
}

async function send(
  stored: Versioned<Incident>,
  decision: Extract<Decision, { kind: 'send' }>,
  { statuses, alertsOf }: Judged,
  config: DeliverConfig,
  ports: DeliverPorts,
  signal: AbortSignal,
): Promise<void> {
  const { state, clock } = ports;
  const startMs = clock.nowMs();
  const attempt = beginAttempt(stored.value, decision, startMs);
  const leased = leaseIncident(stored.value, attempt);
  await state.commitIncidents({ incidents: [{ value: leased, version: stored.version }] });

  const notification = buildNotification({
    incident: leased,
    attempt,
    reason: attempt.reason ?? decision.reason,
    alerts: decision.alerts,
    news: decision.news,
    current: await currentStates(
      { incident: leased, alerts: decision.alerts, config, alertsOf, signal },
      ports,
    ),
    statuses: tellsOfFailures(leased, decision.alerts) ? await statuses() : [],
    timeZone: config.schedule.timeZone,
    nowMs: startMs,
  });
  const channel = ports.channels.get(notification.channel);
  const asked = requestPicture(notification, leased, channel, ports, signal);
  const picture = await asked.inTime();
  let result = await attemptSend(notification, picture, ports, signal);
  if (picture && 'error' in result && mayBeOfPicture(result.error) && !signal.aborted) {
    // The text must not be lost for it.
    const alone = await attemptSend(notification, undefined, ports, signal);
    if ('receipt' in alone) {
      asked.refused(result.error);
      result = alone;
    }
  }
  const shown = asked.conclude(result);
  if (signal.aborted && 'error' in result) return; // Stopping: the lease ends, and the next start says it again.
  const delivery = await recordAttempt({
    leased,
    attempt,
    notification,
    result,
    picture: shown,
    startMs,
    config,
    ports,
  });
  if ('receipt' in result) await asked.follow(result.receipt, delivery);
}

/**
 * It may be the picture that is refused: also by a gateway which ends a connection, answers 502 or nothing to a body that
 * is too large for it. Not where we are asked to wait, or to mend our configuration.
 */
function mayBeOfPicture(error: unknown): boolean {
  if (error instanceof ConfigError) return false;
  return !(error instanceof RetryableError && (error.rateLimited || error.retryAfterMs !== undefined));
}

async function attemptSend(
  notification: Notification,
  picture: Picture | undefined,
  ports: DeliverPorts,
  signal: AbortSignal,
): Promise<SendResult> {
  const channel = ports.channels.get(notification.channel);
  if (!channel)
    return { error: new RetryableError(`channel ${notification.channel} is not configured any more`) };
  try {
    const timed = AbortSignal.any([signal, AbortSignal.timeout(SEND_TIMEOUT_MS)]);
    return { receipt: await channel.send(notification, picture, { signal: timed }) };
  } catch (error) {
    // A token may have been rotated since it was read: the next try asks for it anew.
    if (error instanceof ConfigError) ports.secrets.forget?.();
    return { error };
  }
}
