import { allLabels } from '../labels.ts';
import type { Alert } from '../model/alert.ts';
import type { Config } from '../model/config.ts';
import type { Incident, IncidentAlert } from '../model/incident.ts';
import type { Labels } from '../model/labels.ts';
import type { Severity } from '../model/rule.ts';
import { episodeOf } from './episode.ts';
import { isWithheld } from './incident.ts';
import { destinationsOf } from './routes.ts';
import type { Suppression } from './suppression.ts';
import { sendAtMs, timingOf } from './timing.ts';

/** An alert that nobody has been sent, though somebody should have been. */
export interface UndeliveredAlert {
  alertId: string;
  rule: string;
  labels: Labels;
  severity: Severity;
  firedAtMs: number;
  /** It has ended meanwhile, and still must be sent. */
  endedAtMs?: number;
  /** Since when it could have been sent: grouping and silences are over. */
  dueSinceMs: number;
  /** Where it waits, and what each channel last failed of. Empty: notify has not taken it up. */
  channels: readonly { channel: string; tries: number; error?: string }[];
}

/**
 * Alerts that no channel has accepted and nothing withholds, the longest due first: those of open incidents, and firing ones
 * that no incident holds although today's routes name a channel for them.
 */
export function undeliveredAlerts(input: {
  incidents: readonly Incident[];
  /** Firing alerts of state. */
  firing: readonly Alert[];
  config: Pick<Config, 'rules' | 'routes'>;
  suppressionOf: (alert: IncidentAlert, rules: Incident['rules']) => Suppression | undefined;
}): UndeliveredAlert[] {
  const { config, suppressionOf } = input;
  const found = new Map<string, UndeliveredAlert & { channels: UndeliveredAlert['channels'][number][] }>();
  const delivered = new Set<string>();
  for (const incident of input.incidents) {
    for (const alert of incident.alerts) {
      const id = episodeOf(alert);
      const wasNotified = alert.standIn !== undefined || (alert.heardBy?.length ?? 0) > 0;
      if (wasNotified || incident.notified[id] !== undefined) delivered.add(id);
      if (delivered.has(id) || incident.orphanedAtMs !== undefined) continue;
      if (suppressionOf(alert, incident.rules) || isForgotten(alert)) continue;
      const since = dueSinceMs(incident, alert, config);
      const known = found.get(id);
      const { attempt } = incident;
      const error = attempt?.error === undefined ? {} : { error: attempt.error };
      const channel = { channel: incident.channel, tries: attempt?.tries ?? 0, ...error };
      if (known) {
        known.channels.push(channel);
        known.dueSinceMs = Math.min(known.dueSinceMs, since);
      } else found.set(id, { ...describe(alert), dueSinceMs: since, channels: [channel] });
    }
  }
  /** Newest firing of each alert that incidents know; its time is that of the transition, perhaps later than the alert's. */
  const knownMs = new Map<string, number>();
  for (const { alertId, firedAtMs } of input.incidents.flatMap(({ alerts }) => alerts))
    knownMs.set(alertId, Math.max(firedAtMs, knownMs.get(alertId) ?? 0));
  for (const alert of input.firing) {
    const rule = config.rules.find(({ name }) => name === alert.rule);
    const { firedAtMs } = alert;
    if (!rule || firedAtMs === undefined || alert.status !== 'firing') continue;
    const one: IncidentAlert = {
      ...alert,
      alertId: alert.id,
      status: 'firing',
      firedAtMs,
      severity: rule.severity,
    };
    if (
      (knownMs.get(alert.id) ?? -1) >= firedAtMs ||
      destinationsOf(config.routes, rule, allLabels(alert)).length === 0
    )
      continue;
    if (suppressionOf(one, { [rule.name]: rule })) continue;
    found.set(episodeOf(one), { ...describe(one), dueSinceMs: firedAtMs, channels: [] });
  }
  return [...found]
    .filter(([id]) => !delivered.has(id))
    .map(([, alert]) => alert)
    .sort((a, b) => a.dueSinceMs - b.dueSinceMs);
}

/** It began and ended while it was withheld: no message is sent about it. */
function isForgotten(alert: IncidentAlert): boolean {
  return alert.status === 'resolved' && isWithheld(alert);
}

function dueSinceMs(incident: Incident, alert: IncidentAlert, config: Pick<Config, 'routes'>): number {
  const { attempt: _tries, ...untried } = incident;
  const grouped = sendAtMs(untried, [alert], timingOf(incident, config));
  // What withheld it has ended: the incident was due then.
  const freed = alert.heldBack === undefined ? 0 : (incident.dueAtMs ?? 0);
  return Math.max(grouped, freed, alert.enteredAtMs ?? alert.firedAtMs);
}

function describe(alert: IncidentAlert): Omit<UndeliveredAlert, 'dueSinceMs' | 'channels'> {
  const { alertId, rule, labels, severity, firedAtMs, resolvedAtMs } = alert;
  const ended = alert.status === 'resolved' && resolvedAtMs !== undefined;
  return { alertId, rule, labels, severity, firedAtMs, ...(ended && { endedAtMs: resolvedAtMs }) };
}
