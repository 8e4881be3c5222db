import { ConflictError } from '../errors.ts';
import type { Alert } from '../model/alert.ts';
import type { Config } from '../model/config.ts';
import type { Incident, IncidentAlert } from '../model/incident.ts';
import type { TargetStatus } from '../model/target-status.ts';
import { beginAttempt, leaseIncident } from '../notify/attempt.ts';
import { type Decision, decideNotification, forgetEnded } from '../notify/decide.ts';
import { buildNotification, describesFailures } from '../notify/notification.ts';
import { settled } from '../notify/settle.ts';
import { compileSuppressions, inhibitorsOf } from '../notify/suppression.ts';
import { timingOf } from '../notify/timing.ts';
import { inTurns } from '../notify/turns.ts';
import type { SampleStore, Versioned } from '../ports.ts';
import { currentStates } from './current-states.ts';
import { type OfferPorts, offerMessage } from './offer.ts';
import {
  type Booking,
  bookSlot,
  hasRoom,
  isTooLate,
  reachSlot,
  settleSlot,
  tooLate,
  waitUntilMs,
} from './pacing.ts';
import { type PicturePorts, requestPicture } from './pictures.ts';
import { type RecordPorts, recordAttempt } from './record.ts';

export interface DeliverPorts extends RecordPorts, OfferPorts, Pick<PicturePorts, 'draw' | 'sleep'> {
  store: Pick<SampleStore, 'query' | 'latest'>;
  /** The epoch of new notification numbers. Absent: the first. */
  epoch?: () => Promise<string | undefined>;
}

export type DeliverConfig = Pick<
  Config,
  'rules' | 'routes' | 'silences' | 'channels' | 'checks' | 'schedule'
>;

const DUE_PAGE = 1_000;
/** The most incidents of one pass: channels take turns. */
const CONCURRENT_SENDS = 100;
/** How long a message waits whose channel is not configured. */
const WITHOUT_CHANNEL_MS = 30_000;

/** Sends what is due: incidents concurrently, each by one sender at a time. Returns how many incidents were due. */
export async function deliverDue(
  config: DeliverConfig,
  ports: DeliverPorts,
  signal: AbortSignal,
): Promise<number> {
  const found = await ports.state.dueIncidents(ports.clock.nowMs(), DUE_PAGE);
  const due = inTurns([...Map.groupBy(found, ({ value }) => value.channel).values()]).slice(
    0,
    CONCURRENT_SENDS,
  );
  const incidents = due.map(({ value }) => value);
  const facts = await readSuppressionFacts(incidents, config, ports);
  // Waits for every send, also when one fails: none may go on after the caller has returned.
  const outcomes = await Promise.allSettled(
    due.map((incident) => deliver(incident, facts, config, ports, signal)),
  );
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
  return due.length;
}

/** Sends what is outstanding of one incident, if it is due. Safe to repeat: nothing is sent twice. */
export async function deliverIncident(
  id: string,
  config: DeliverConfig,
  ports: DeliverPorts,
  signal: AbortSignal,
): Promise<void> {
  const stored = await ports.state.loadIncident(id);
  const dueAtMs = stored?.value.dueAtMs;
  if (!stored || dueAtMs === undefined || dueAtMs > ports.clock.nowMs()) return;
  await deliver(stored, await readSuppressionFacts([stored.value], config, ports), config, ports, signal);
}

type SuppressionFacts = Pick<Parameters<typeof compileSuppressions>[0], 'silences' | 'firing'> & {
  /** Read once for all messages of a pass, and only if one of them describes failed probes. */
  statuses: () => Promise<TargetStatus[]>;
  /** Alerts of a rule by id, read once a pass. */
  alertsOf: (rule: string) => Promise<ReadonlyMap<string, Alert>>;
};

/** Reads only alerts that may inhibit: in a storm there are too many alerts to read all for each message. */
async function readSuppressionFacts(
  incidents: readonly Incident[],
  config: DeliverConfig,
  { state, clock }: DeliverPorts,
): Promise<SuppressionFacts> {
  const rules = incidents.flatMap((incident) => Object.values(incident.rules));
  const inhibitors = [...new Set(rules.flatMap(inhibitorsOf))];
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
  facts: SuppressionFacts,
  config: DeliverConfig,
  ports: DeliverPorts,
  signal: AbortSignal,
): Promise<void> {
  const { state, clock, logger } = ports;
  const nowMs = clock.nowMs();
  const suppressionOf = compileSuppressions({ ...facts, rules: stored.value.rules, nowMs });
  const timing = timingOf(stored.value, config);
  const { incident, dropped } = forgetEnded(stored.value, suppressionOf, nowMs);
  const decision = decideNotification({ incident, suppressionOf, timing, nowMs });
  const channel = ports.channels.get(incident.channel);
  try {
    if (decision.kind === 'send' && channel) {
      const booking = await bookSlot(incident, decision, channel, ports);
      const versioned = { value: incident, version: stored.version };
      await sendInSlot(versioned, { decision, booking, facts, config, ports, signal });
    } else {
      const next =
        decision.kind === 'send' ? postponed(incident, nowMs, ports) : settled(incident, decision, nowMs);
      const why = decision.kind === 'send' ? 'its channel is not configured' : decision.why;
      logger.debug('nothing to send', { incident: incident.id, why });
      await state.commitIncidents({ incidents: [{ value: next, version: stored.version }] });
    }
    reportDropped(incident, dropped, ports);
  } catch (error) {
    // Another sender was first, or a transition arrived: the incident stays due, and the next pass decides again.
    if (!(error instanceof ConflictError)) throw error;
  }
}

interface Sending {
  decision: Extract<Decision, { kind: 'send' }>;
  booking: Booking;
  facts: SuppressionFacts;
  config: DeliverConfig;
  ports: DeliverPorts;
  signal: AbortSignal;
}

/** Sends now, or keeps the incident until its slot is near. */
async function sendInSlot(stored: Versioned<Incident>, sending: Sending): Promise<void> {
  const { booking, config, ports } = sending;
  const { value: incident, version } = stored;
  const dueAtMs = waitUntilMs(booking, ports);
  if (dueAtMs === undefined) return await send(stored, sending);
  const fallback = config.channels.find(({ name }) => name === incident.channel)?.fallback;
  if (fallback !== undefined && isTooLate(incident, booking)) return await send(stored, sending, dueAtMs);
  ports.meter.count('messages_paced_total', { channel: incident.channel });
  await ports.state.commitIncidents({
    incidents: [{ value: { ...incident, slot: booking.slot, dueAtMs }, version }],
  });
}

/** The channel has left the configuration: `reconcile` routes what is outstanding anew. */
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

/** With `waitsUntilMs` the slot comes too late, and only the fallback gets the message now. */
async function send(
  stored: Versioned<Incident>,
  { decision, booking, facts: { statuses, alertsOf }, config, ports, signal }: Sending,
  waitsUntilMs?: number,
): Promise<void> {
  const { state, clock } = ports;
  const startMs = clock.nowMs();
  const attempt = beginAttempt(stored.value, { ...decision, epoch: await ports.epoch?.() }, startMs);
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
    statuses: describesFailures(leased, decision.alerts) ? await statuses() : [],
    timeZone: config.schedule.timeZone,
    nowMs: startMs,
  });
  const given = { leased, attempt, notification, startMs, config, ports };
  if (waitsUntilMs !== undefined) {
    const again = { slot: booking.slot, retryAtMs: waitsUntilMs };
    await recordAttempt({ ...given, result: { error: tooLate(booking) }, again, picture: 'none' });
    return;
  }
  const channel = ports.channels.get(notification.channel);
  const shows = attempt.plain ? undefined : channel;
  const asked = requestPicture(notification, leased, shows, ports, signal);
  const picture = await asked.inTime();
  await reachSlot(booking, ports, signal);
  const sentAtMs = clock.nowMs();
  const { result, pictureError, plainNext } = await offerMessage(notification, picture, ports, signal);
  if (pictureError !== undefined) asked.refused(pictureError);
  const pictureOutcome = asked.conclude(result);
  // The process stops: the lease ends, and the next start sends again. With `remainingMs` only this call's time is over.
  if (signal.aborted && 'error' in result && ports.remainingMs === undefined) return;
  const again = await settleSlot(booking, result, sentAtMs, ports);
  const tried = { ...attempt, ...(plainNext && { plain: true as const }) };
  const delivery = await recordAttempt({ ...given, attempt: tried, result, again, picture: pictureOutcome });
  if ('receipt' in result)
    await asked.follow(result.receipt, delivery, () => hasRoom(booking, ports, signal));
}
