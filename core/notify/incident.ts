import { hashText } from '../hash.ts';
import type { Incident, IncidentAlert } from '../model/incident.ts';
import type { Route } from '../model/route.ts';
import type { Rule } from '../model/rule.ts';
import type { Transition } from '../model/transition.ts';
import { episodeOf } from './episode.ts';
import { nextCheckMs, type Timing } from './timing.ts';

/** Where the messages of one incident go: at most one incident of it is open. */
export interface Destination {
  route: Pick<Route, 'name'>;
  channel: string;
  group: { key: string; labels: Incident['groupLabels'] };
}

/** One text for a destination; equal texts are equal destinations. */
export function destinationKey({
  route,
  channel,
  group,
}: Omit<Destination, 'group'> & { group: { key: string } }) {
  return JSON.stringify([route.name, channel, group.key]);
}

export function destinationOf({ route, channel, groupKey, groupLabels }: Incident): Destination {
  return { route: { name: route }, channel, group: { key: groupKey, labels: groupLabels } };
}

/**
 * A new incident, without alerts. Its id follows from where it goes and from `opener` (the alert and the time that open
 * it): a replay makes the same.
 */
export function openIncident(destination: Destination, opener: string, openedAtMs: number): Incident {
  const { route, channel, group } = destination;
  return {
    id: `inc-${hashText([route.name, channel, group.key, opener].join('\n'))}`,
    route: route.name,
    channel,
    groupKey: group.key,
    groupLabels: group.labels,
    openedAtMs,
    alerts: [],
    rules: {},
    notified: {},
    notifications: 0,
  };
}

/**
 * The incident after a firing or resolved transition, the same one if it knew that already: due now, to be decided. A
 * notification under way is not changed: the next one brings what is new.
 */
export function absorbTransition(input: {
  incident: Incident;
  transition: Transition;
  rule: Rule | undefined;
  timing: Timing;
  /** Since when it has waited to be taken; default: now. */
  enteredAtMs?: number;
  nowMs: number;
}): Incident {
  const { incident, transition, rule, timing, nowMs, enteredAtMs = nowMs } = input;
  const mine = incident.alerts.filter((alert) => alert.alertId === transition.alertId);
  const known = mine.reduce<IncidentAlert | undefined>(
    (a, b) => (a && a.firedAtMs > b.firedAtMs ? a : b),
    undefined,
  );
  const changed =
    transition.kind === 'firing' ? fired(transition, rule, known, enteredAtMs) : resolved(transition, known);
  if (!changed) return incident;
  const replaced = known?.status === 'firing' ? known : undefined;
  // The channel of an orphaned incident is gone: nobody is left to be sent the end.
  const entered = incident.orphanedAtMs !== undefined && changed.status === 'resolved' ? [] : [changed];
  const alerts = [...incident.alerts.filter((alert) => alert !== replaced), ...entered];
  const rules =
    rule && transition.kind === 'firing' ? { ...incident.rules, [rule.name]: rule } : incident.rules;
  const next = withAlerts({ ...incident, rules }, alerts, timing, nowMs);
  const leased = incident.attempt?.leaseUntilMs !== undefined;
  if (leased || next.orphanedAtMs !== undefined || next.closedAtMs !== undefined) return next;
  // Due now, however long the group waits: a silence or inhibition must be recorded while it is in force.
  return { ...next, dueAtMs: Math.min(nowMs, next.dueAtMs ?? nowMs) };
}

/** The incident with these alerts alone; forgets what was sent about others. */
export function withOnly(incident: Incident, alerts: readonly IncidentAlert[]): Incident {
  const kept = new Set(alerts.map(episodeOf));
  const notified = Object.fromEntries(Object.entries(incident.notified).filter(([id]) => kept.has(id)));
  return { ...incident, alerts, notified };
}

/** The alert as an incident holds it that knows nothing of it yet. */
export function asNew(alert: IncidentAlert): IncidentAlert {
  const {
    standIn: _fallbackStatus,
    heldBack: _held,
    freed: _freed,
    enteredAtMs: _entered,
    endOfferedAtMs: _offered,
    perhaps: _perhaps,
    ...rest
  } = alert;
  return rest;
}

/** The incident with these alerts, due as they ask for; closed where an orphaned one has none left. */
export function withAlerts(
  incident: Incident,
  alerts: readonly IncidentAlert[],
  timing: Timing,
  nowMs: number,
): Incident {
  const { dueAtMs: _due, ...rest } = incident;
  const next = withOnly(rest, alerts);
  const checkMs = nextCheckMs(next, timing) ?? Infinity;
  // The end of what withholds an alert must not be missed.
  const dueAtMs = alerts.some(isWithheld) ? Math.min(checkMs, incident.dueAtMs ?? Infinity) : checkMs;
  if (Number.isFinite(dueAtMs)) return { ...next, dueAtMs };
  return alerts.length === 0 ? { ...next, closedAtMs: nowMs } : next;
}

function fired(
  transition: Transition,
  rule: Rule | undefined,
  known: IncidentAlert | undefined,
  enteredAtMs: number,
): IncidentAlert | undefined {
  if (known && known.firedAtMs >= transition.atMs) return undefined;
  return {
    alertId: transition.alertId,
    rule: transition.rule,
    severity: rule?.severity ?? known?.severity ?? 'warning',
    labels: transition.labels,
    ...(transition.inventoryLabels && { inventoryLabels: transition.inventoryLabels }),
    status: 'firing',
    sinceMs: transition.sinceMs,
    firedAtMs: transition.atMs,
    enteredAtMs,
    reason: transition.reason,
    value: transition.value,
  };
}

function resolved(transition: Transition, known: IncidentAlert | undefined): IncidentAlert | undefined {
  if (known?.status !== 'firing' || known.firedAtMs > transition.atMs) return undefined;
  return {
    ...known,
    status: 'resolved',
    resolvedAtMs: transition.atMs,
    clearedAtMs: transition.clearedAtMs,
    reason: transition.reason,
    firedReason: known.reason,
    // Never the value of the firing: messages would show it as the value of the end.
    value: transition.value,
  };
}

/** Something withholds it, as far as is known: if it ends so, nobody is sent that. */
export function isWithheld({ heldBack, freed }: IncidentAlert): boolean {
  return heldBack !== undefined && freed === undefined;
}
