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
  if (incident.dueAtMs !== undefined && sending) return incident.dueAtMs;
  // The first alert's groupWait goes on; where a silence is waited for, this one is not.
  if (incident.lastNotifiedAtMs === undefined) {
    return Math.min(incident.dueAtMs ?? Infinity, nowMs + timing.groupWaitMs);
  }
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

/**
 * The incident when nothing can be said now: unsaid alerts that are held back are marked, and those that have ended
 * so are forgotten. An attempt that failed meanwhile is given up, its number is not used again.
 */
export function holdBack(incident: Incident, held: ReadonlySet<string>): Incident {
  const { attempt, dueAtMs: _due, ...rest } = incident;
  const alerts = incident.alerts.flatMap((alert): IncidentAlert[] => {
    const marked = held.has(episodeOf(alert)) ? { ...alert, heldBack: true as const } : alert;
    const unheard = incident.notified[episodeOf(alert)] === undefined;
    return marked.status === 'resolved' && marked.heldBack && unheard ? [] : [marked];
  });
  return { ...rest, alerts, notifications: Math.max(incident.notifications, attempt?.number ?? 0) };
}

/** One firing of an alert, to its end. An alert that fires again before its end was said has two in an incident. */
export function episodeOf(alert: IncidentAlert): string {
  return `${alert.alertId}@${alert.firedAtMs}`;
}
