// What a change of the configuration is applied to: open incidents, and every firing that they and state hold.

import type { Alert } from '../model/alert.ts';
import type { Config } from '../model/config.ts';
import type { Incident, IncidentAlert } from '../model/incident.ts';
import type { Rule } from '../model/rule.ts';
import type { Versioned } from '../ports.ts';
import { perhapsShown } from './attempt.ts';
import { episodeOf } from './episode.ts';

export type ReconcileConfig = Pick<Config, 'rules' | 'routes' | 'channels'>;

export interface ReconcileInput {
  incidents: readonly Versioned<Incident>[];
  /** Firing alerts of state, read after the incidents. */
  firing: readonly Alert[];
  /** Alerts with a transition in the outbox, read after those: fan-out sees to them. */
  onTheirWay: ReadonlySet<string>;
  config: ReconcileConfig;
  /** Nobody else can be sending: leases of senders that died do not count. */
  alone: boolean;
  /** Failed attempts are tried again without waiting: the change may have mended them. */
  retryNow: boolean;
  nowMs: number;
}

/** One firing of an alert, wherever it is. */
export interface Episode {
  alert: IncidentAlert;
  rule: Rule | undefined;
  holders: { entry: Entry; alert: IncidentAlert; sentStatus: IncidentAlert['status'] | undefined }[];
}

/** An open incident, and what becomes of it. */
export interface Entry {
  stored: Versioned<Incident>;
  /** With what it gains; then without what it loses. */
  next: Incident;
  lost: Set<string>;
  leased: boolean;
}

export function entryOf(
  stored: Versioned<Incident>,
  { config, alone, retryNow, nowMs }: ReconcileInput,
): Entry {
  const lost = new Set<string>();
  const leased = !alone && (stored.value.attempt?.leaseUntilMs ?? 0) > nowMs;
  if (leased) return { stored, next: stored.value, lost, leased };
  const { attempt, orphanedAtMs, ...rest } = withoutFuture(stored.value, nowMs);
  const rules = { ...rest.rules };
  // Messages and inhibition follow the rule as it is today, where it is still about the same metric.
  for (const rule of config.rules) {
    const known = rules[rule.name];
    if (known?.metric === rule.metric && known.over === rule.over) rules[rule.name] = rule;
  }
  const perhaps = attempt ? perhapsShown(attempt) : [];
  const alerts = rest.alerts.map(
    (alert): IncidentAlert => ({
      ...alert,
      severity: rules[alert.rule]?.severity ?? alert.severity,
      // Where an alert goes, this goes along; the attempt stays.
      ...(perhaps.includes(episodeOf(alert)) && { perhaps: true }),
    }),
  );
  if (!config.channels.some(({ name }) => name === rest.channel)) {
    const notifications = Math.max(rest.notifications, attempt?.number ?? 0);
    const next = { ...rest, alerts, rules, notifications, orphanedAtMs: orphanedAtMs ?? nowMs };
    return { stored, next, lost, leased };
  }
  if (!attempt) return { stored, next: { ...rest, alerts, rules }, lost, leased };
  const { leaseUntilMs: _lease, retryAtMs, ...tried } = attempt;
  const kept = { ...tried, ...(perhaps.length > 0 && { perhaps }) };
  const waiting = retryNow || retryAtMs === undefined ? kept : { ...kept, retryAtMs };
  return { stored, next: { ...rest, alerts, rules, attempt: waiting }, lost, leased };
}

/** What lies ahead was written before the clock was set back: it has happened by now, and intervals count from now. */
function withoutFuture(incident: Incident, nowMs: number): Incident {
  const past = (ms: number) => Math.min(ms, nowMs);
  const { lastNotifiedAtMs, earlyResolvedAtMs, attempt } = incident;
  return {
    ...incident,
    openedAtMs: past(incident.openedAtMs),
    alerts: incident.alerts.map((alert) =>
      alert.enteredAtMs === undefined ? alert : { ...alert, enteredAtMs: past(alert.enteredAtMs) },
    ),
    ...(lastNotifiedAtMs !== undefined && { lastNotifiedAtMs: past(lastNotifiedAtMs) }),
    ...(earlyResolvedAtMs !== undefined && { earlyResolvedAtMs: past(earlyResolvedAtMs) }),
    ...(attempt && {
      attempt: {
        ...attempt,
        firstTriedAtMs: past(attempt.firstTriedAtMs),
        ...(attempt.triedAtMs !== undefined && { triedAtMs: past(attempt.triedAtMs) }),
      },
    }),
  };
}

export function episodesOf(
  entries: readonly Entry[],
  { firing, onTheirWay, config, nowMs }: Pick<ReconcileInput, 'firing' | 'onTheirWay' | 'config' | 'nowMs'>,
): Episode[] {
  const episodes = new Map<string, Episode>();
  const ruleOf = (name: string) => config.rules.find((rule) => rule.name === name);
  const stillFires = new Set([...firing.map(({ id }) => id), ...onTheirWay]);
  /** Newest firing of each alert that an incident knows. */
  const knownMs = new Map<string, number>();
  for (const entry of entries) {
    if (!entry.leased) entry.next = endedWhere(entry.next, ({ alertId }) => !stillFires.has(alertId), nowMs);
    for (const alert of entry.next.alerts) {
      const id = episodeOf(alert);
      const rule = ruleOf(alert.rule) ?? entry.next.rules[alert.rule];
      const episode = episodes.get(id) ?? { alert, rule, holders: [] };
      if (alert.status === 'resolved') episode.alert = alert;
      episode.holders.push({ entry, alert, sentStatus: entry.next.notified[id] });
      episodes.set(id, episode);
      const knownAtMs = alert.status === 'firing' ? Infinity : alert.firedAtMs;
      knownMs.set(alert.alertId, Math.max(knownAtMs, knownMs.get(alert.alertId) ?? 0));
    }
  }
  for (const alert of firing) {
    const rule = ruleOf(alert.rule);
    const { firedAtMs } = alert;
    if (firedAtMs === undefined || !rule || onTheirWay.has(alert.id)) continue;
    // An incident has the time of the transition, which may be later than the one that the alert has.
    if ((knownMs.get(alert.id) ?? -1) >= firedAtMs) continue;
    const entered = enteredAlert({ ...alert, firedAtMs }, rule);
    episodes.set(episodeOf(entered), { alert: entered, rule, holders: [] });
  }
  return [...episodes.values()];
}

/** An alert that fires in an incident and nowhere else has ended unseen: its end must be sent all the same. */
function endedWhere(incident: Incident, isOver: (alert: IncidentAlert) => boolean, nowMs: number): Incident {
  if (!incident.alerts.some((alert) => alert.status === 'firing' && isOver(alert))) return incident;
  const alerts = incident.alerts.map((alert): IncidentAlert => {
    if (alert.status !== 'firing' || !isOver(alert)) return alert;
    return { ...alert, status: 'resolved', resolvedAtMs: nowMs, reason: 'revised' };
  });
  return { ...incident, alerts };
}

function enteredAlert(alert: Alert & { firedAtMs: number }, rule: Rule): IncidentAlert {
  const { id: alertId, labels, inventoryLabels, sinceMs, firedAtMs, reason, value } = alert;
  return {
    alertId,
    rule: rule.name,
    severity: rule.severity,
    labels,
    ...(inventoryLabels && { inventoryLabels }),
    status: 'firing',
    sinceMs,
    firedAtMs,
    reason,
    value,
  };
}
