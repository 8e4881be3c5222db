import type { Route } from '../config/types.ts';
import { hashText } from '../hash.ts';
import type { Rule, Transition } from '../model.ts';
import type { Incident, IncidentAlert } from './model.ts';

/** A new incident for the first alert of a group. Its id follows from its arguments: a replay makes the same. */
export function openIncident(input: {
  route: Route;
  channel: string;
  group: { key: string; labels: Incident['groupLabels'] };
  transition: Transition;
}): Incident {
  const { route, channel, group, transition } = input;
  const id = hashText([route.name, channel, group.key, transition.alertId, transition.atMs].join('\n'));
  return {
    id: `inc-${id}`,
    route: route.name,
    channel,
    groupKey: group.key,
    groupLabels: group.labels,
    openedAtMs: transition.atMs,
    alerts: [],
    rules: {},
    notified: {},
    notifications: 0,
  };
}

/**
 * The incident after a firing or resolved transition. It becomes due: after `groupWait` while nothing was said
 * yet, else `groupInterval` after the last message, as in Alertmanager. A notification under way is not changed:
 * what is new is said by the next one.
 */
export function absorbTransition(input: {
  incident: Incident;
  transition: Transition;
  rule: Rule | undefined;
  timing: { groupWaitMs: number; groupIntervalMs: number };
  nowMs: number;
}): Incident {
  const { incident, transition, rule, timing, nowMs } = input;
  const mine = incident.alerts.filter((alert) => alert.alertId === transition.alertId);
  const known = mine.reduce<IncidentAlert | undefined>(
    (a, b) => (a && a.firedAtMs > b.firedAtMs ? a : b),
    undefined,
  );
  const changed = transition.kind === 'firing' ? fired(transition, rule, known) : resolved(transition, known);
  if (!changed) return incident;
  const replaced = known?.status === 'firing' ? known : undefined;
  const alerts = [...incident.alerts.filter((alert) => alert !== replaced), changed];
  const rules =
    rule && transition.kind === 'firing' ? { ...incident.rules, [rule.name]: rule } : incident.rules;
  return { ...incident, alerts, rules, dueAtMs: nextLookMs(incident, timing, nowMs) };
}

function nextLookMs(
  incident: Incident,
  timing: { groupWaitMs: number; groupIntervalMs: number },
  nowMs: number,
): number {
  const sending = incident.attempt !== undefined;
  const waiting = incident.lastNotifiedAtMs === undefined;
  if (incident.dueAtMs !== undefined && (sending || waiting)) return incident.dueAtMs;
  if (incident.lastNotifiedAtMs === undefined) return nowMs + timing.groupWaitMs;
  return Math.min(
    incident.dueAtMs ?? Infinity,
    Math.max(nowMs, incident.lastNotifiedAtMs + timing.groupIntervalMs),
  );
}

function fired(
  transition: Transition,
  rule: Rule | undefined,
  known: IncidentAlert | undefined,
): IncidentAlert | undefined {
  if (known && known.firedAtMs >= transition.atMs) return undefined;
  return {
    alertId: transition.alertId,
    rule: transition.rule,
    severity: rule?.severity ?? known?.severity ?? 'warning',
    labels: transition.labels,
    status: 'firing',
    sinceMs: transition.sinceMs,
    firedAtMs: transition.atMs,
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
    value: transition.value ?? known.value,
  };
}

/** One firing of an alert, to its end. An alert that fires again before its end was said has two in an incident. */
export function episodeOf(alert: IncidentAlert): string {
  return `${alert.alertId}@${alert.firedAtMs}`;
}
