import type { Rule } from '../model.ts';
import { episodeOf } from './incident.ts';
import type { Incident, IncidentAlert, NotifyReason } from './model.ts';
import { routedLabels } from './routes.ts';
import { type AnySilence, compileSilence } from './silences.ts';

/** Why a notification is withheld; `untilMs` where that is known. */
export type Suppression = { by: 'silence'; untilMs: number } | { by: 'inhibition'; rule: string };

export type Decision =
  | { kind: 'send'; reason: NotifyReason; alerts: readonly IncidentAlert[] }
  | { kind: 'wait'; untilMs: number; why: string; heldBack: readonly string[] }
  | { kind: 'nothing'; why: string; close: boolean };

/** How often an incident is looked at again while another alert inhibits it. */
export const INHIBITION_RECHECK_MS = 15_000;

/**
 * What an incident says now, and why. Says nothing twice; a firing alert that a silence or another alert holds
 * back is said when that ends; an alert that ended unsaid while held back is never said.
 */
export function decideNotification(input: {
  incident: Incident;
  suppressionOf: (alert: IncidentAlert) => Suppression | undefined;
  /** What still fires is said again after so long. */
  repeatIntervalMs: number;
  nowMs: number;
}): Decision {
  const { incident, suppressionOf, nowMs } = input;
  if (incident.dueAtMs === undefined) return { kind: 'nothing', why: 'nothing is due', close: false };
  if (nowMs < incident.dueAtMs) {
    return { kind: 'wait', untilMs: incident.dueAtMs, why: 'not due yet', heldBack: [] };
  }

  const open: IncidentAlert[] = [];
  const news: IncidentAlert[] = [];
  const held: Suppression[] = [];
  const heldBack: string[] = [];
  let remindable = false;
  for (const alert of incident.alerts) {
    const said = incident.notified[episodeOf(alert)];
    const suppression = suppressionOf(alert);
    const changed = said !== alert.status;
    if (alert.status === 'resolved') {
      if (said === undefined && (suppression || alert.heldBack)) continue;
      if (changed && suppression?.by === 'silence') held.push(suppression);
      else if (changed) news.push(alert);
    } else if (suppression && changed) {
      held.push(suppression);
      heldBack.push(episodeOf(alert));
    } else {
      open.push(alert);
      if (changed) news.push(alert);
      if (suppression) held.push(suppression);
      else remindable = true;
    }
  }

  if (news.length > 0)
    return { kind: 'send', reason: reasonOf(incident, news, open), alerts: [...open, ...resolvedOf(news)] };
  const repeatAtMs = remindable ? (incident.lastNotifiedAtMs ?? nowMs) + input.repeatIntervalMs : Infinity;
  if (nowMs >= repeatAtMs) return { kind: 'send', reason: 'repeat', alerts: open };
  if (held.length > 0) {
    return {
      kind: 'wait',
      untilMs: Math.min(recheckAt(held, nowMs), repeatAtMs),
      why: holding(held),
      heldBack,
    };
  }
  if (remindable) return { kind: 'wait', untilMs: repeatAtMs, why: 'all was said', heldBack };
  return { kind: 'nothing', why: 'all has ended', close: true };
}

function reasonOf(
  incident: Incident,
  news: readonly IncidentAlert[],
  open: readonly IncidentAlert[],
): NotifyReason {
  const firing = news.some((alert) => alert.status === 'firing');
  if (incident.lastNotifiedAtMs === undefined) return firing ? 'first' : 'fired-and-resolved';
  if (firing) return 'new-alerts';
  return open.length > 0 ? 'some-resolved' : 'all-resolved';
}

function resolvedOf(news: readonly IncidentAlert[]): IncidentAlert[] {
  return news.filter((alert) => alert.status === 'resolved');
}

function recheckAt(held: readonly Suppression[], nowMs: number): number {
  return Math.min(...held.map((s) => (s.by === 'silence' ? s.untilMs : nowMs + INHIBITION_RECHECK_MS)));
}

function holding(held: readonly Suppression[]): string {
  const texts = held.map((s) => (s.by === 'silence' ? 'silenced' : `inhibited by ${s.rule}`));
  return [...new Set(texts)].join(', ');
}

/**
 * Judges whether an alert is held back now: by a silence that matches it, or, while it fires, by a firing alert
 * of a rule in `inhibitedBy` with the same cluster and node.
 */
export function suppressionJudge(input: {
  rules: Readonly<Record<string, Rule>>;
  /** Of the configuration and of state. */
  silences: readonly AnySilence[];
  /** Firing alerts: rule and labels. */
  firing: readonly { rule: string; labels: Readonly<Record<string, string>> }[];
  nowMs: number;
}): (alert: IncidentAlert) => Suppression | undefined {
  const place = (rule: string, labels: Readonly<Record<string, string>>) =>
    JSON.stringify([rule, labels.cluster ?? '', labels.node ?? '']);
  const firing = new Set(input.firing.map((alert) => place(alert.rule, alert.labels)));
  const silences = input.silences
    .filter(({ fromMs, untilMs }) => fromMs <= input.nowMs && input.nowMs < untilMs)
    .map(compileSilence);
  return (alert) => {
    const rule = input.rules[alert.rule];
    const labels = rule ? routedLabels(rule, alert.labels) : alert.labels;
    const covering = silences.filter((silence) => silence.covers({ ...alert, labels }));
    const until = covering.map((silence) => silence.untilMs);
    if (until.length > 0) return { by: 'silence', untilMs: Math.max(...until) };
    if (alert.status === 'firing') {
      const by = rule?.inhibitedBy.find((name) => firing.has(place(name, alert.labels)));
      if (by) return { by: 'inhibition', rule: by };
    }
    return undefined;
  };
}
