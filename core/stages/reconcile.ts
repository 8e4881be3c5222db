import { retryConflicts, WORK_TRIES } from '../conflicts.ts';
import { ConflictError } from '../errors.ts';
import { hashText } from '../hash.ts';
import type { Config } from '../model/config.ts';
import type { Incident } from '../model/incident.ts';
import { LEASE_MS } from '../notify/attempt.ts';
import { describeOrphans, findOrphans } from '../notify/orphans.ts';
import { reconcile } from '../notify/reconcile.ts';
import { appendAll } from '../numbers/extremes.ts';
import type { Clock, Logger, Meter, StateStore, Versioned } from '../ports.ts';

export interface ReconcilePorts {
  state: StateStore;
  clock: Clock;
  logger: Logger;
  meter: Meter;
}

type ReconcileStageConfig = Pick<Config, 'rules' | 'routes' | 'channels' | 'silences'>;

/** The configuration and silences by which the open incidents were decided last, kept in state. */
interface Decided {
  stamp: string;
  /** Silences of state by id: what they say, and when they end by themselves. */
  silences?: Readonly<Record<string, { says: string; untilMs: number }>>;
  /** Decided once more then: senders were at work, or functions may have used the configuration before. */
  againAtMs?: number;
}

const KEY = 'notify/decided';
/** Incidents of one commit. */
const COMMIT_SIZE = 20;
/** Alerts in the outbox belong to `group`, which empties a longer outbox first. */
const OUTBOX_AT_MOST = 10_000;

/**
 * Decides every open incident again when routes, channels, rules or silences are not those by which it was decided last:
 * after a restart, an upload, a silence added or ended. Safe to repeat; killed anywhere, it begins again. Returns whether
 * it did anything. `alone`: this process is the only sender and has just started, so what was being sent is due again.
 * `setBack`: the clock was, so that what is due would be so only once it has come so far again.
 */
export async function reconcileIncidents(
  config: ReconcileStageConfig,
  ports: ReconcilePorts,
  { alone, setBack = false }: { alone: boolean; setBack?: boolean },
): Promise<boolean> {
  const { state, clock } = ports;
  const nowMs = clock.nowMs();
  const stored = await state.listSilences({ endedAfterMs: nowMs });
  const silences = Object.fromEntries(
    stored.map((one) => [one.id, { says: hashText(JSON.stringify(one)), untilMs: one.untilMs }]),
  );
  const stamp = stampOf(config);
  const before = (await state.counters.load(KEY)) as Decided | undefined;
  const changed = before?.stamp !== stamp || haveChanged(before.silences ?? {}, silences, nowMs);
  if (!alone && !setBack && !changed && nowMs < (before?.againAtMs ?? Infinity)) return false;
  const decideAll = async () => {
    const leased = await moveIncidents(config, ports, { alone, retryNow: alone || setBack || changed });
    if (leased === 'outbox-first') return false;
    const again = leased > 0 || (changed && !alone);
    const decided: Decided = { stamp, silences, ...(again && { againAtMs: nowMs + LEASE_MS }) };
    await state.counters.save(KEY, decided);
    return true;
  };
  try {
    return await retryConflicts(decideAll, { tries: WORK_TRIES });
  } catch (error) {
    // Others are at work on the same incidents: the next pass begins again.
    if (error instanceof ConflictError) return false;
    throw error;
  }
}

type Silences = NonNullable<Decided['silences']>;

/** Whether a silence came, was altered, or went before its time. One that ends by itself is no change. */
function haveChanged(before: Silences, now: Silences, nowMs: number): boolean {
  const isNew = Object.entries(now).some(([id, { says }]) => before[id]?.says !== says);
  return isNew || Object.entries(before).some(([id, { untilMs }]) => !now[id] && untilMs > nowMs);
}

const stamps = new WeakMap<object, string>();

function stampOf(config: ReconcileStageConfig): string {
  const known = stamps.get(config);
  if (known !== undefined) return known;
  const { rules, routes, channels, silences } = config;
  const stamp = hashText(JSON.stringify([rules, routes, channels, silences]));
  stamps.set(config, stamp);
  return stamp;
}

/** Returns how many incidents were leased and could not be decided. Does nothing before an outbox that is too long to read. */
async function moveIncidents(
  config: ReconcileStageConfig,
  { state, clock, logger, meter }: ReconcilePorts,
  how: { alone: boolean; retryNow: boolean },
): Promise<number | 'outbox-first'> {
  // In this order: a change in between is in the outbox then, or has changed an incident, which is a conflict.
  const incidents = await state.openIncidents();
  const alerts = (await state.listAlerts()).map(({ value }) => value);
  const outbox = await state.dueOutbox(Infinity, OUTBOX_AT_MOST);
  if (outbox.length >= OUTBOX_AT_MOST) return 'outbox-first';
  const read = {
    firing: alerts.filter(({ status }) => status === 'firing'),
    onTheirWay: new Set(outbox.map(({ transition }) => transition.alertId)),
    config,
    nowMs: clock.nowMs(),
    ...how,
  };
  let result = reconcile({ incidents, ...read });
  // The list may lag: an open incident at a destination where one would open must be decided too.
  const missed = await openedMeanwhile(result.gained, state);
  if (missed.length > 0) {
    appendAll(incidents, missed);
    result = reconcile({ incidents, ...read });
  }
  const orphans = findOrphans(
    incidents.map(({ value }) => value),
    config,
  );
  for (const text of describeOrphans(orphans)) logger.warn(`open incidents: ${text}`);
  // Gaining incidents go first: killed in between, an alert is in two incidents of its channel, which the next pass merges.
  await commit(result.gained, state);
  await commit(result.settled, state);
  for (const { rule, labels } of result.unrouted) {
    meter.count('alerts_dropped_total', { channel: '' });
    logger.error('an alert that has ended is dropped: its channel is gone and no route names another', {
      rule,
      ...labels,
    });
  }
  const { gained, settled, leased } = result;
  const counts = { open: incidents.length, gained: gained.length, changed: settled.length, leased };
  logger.info('open incidents were decided again', counts);
  return leased;
}

async function openedMeanwhile(
  gained: readonly Versioned<Incident>[],
  state: StateStore,
): Promise<Versioned<Incident>[]> {
  const opening = gained.filter(({ version }) => version === 0).map(({ value }) => value);
  const found = await Promise.all(
    opening.map(({ route, channel, groupKey }) => state.findIncident(route, channel, groupKey)),
  );
  return found.filter((incident) => incident !== undefined);
}

async function commit(changed: readonly Versioned<Incident>[], state: StateStore): Promise<void> {
  for (let i = 0; i < changed.length; i += COMMIT_SIZE)
    await state.commitIncidents({ incidents: changed.slice(i, i + COMMIT_SIZE) });
}
