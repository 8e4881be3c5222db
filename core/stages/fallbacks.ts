import { allLabels } from '../labels.ts';
import type { Config } from '../model/config.ts';
import type { Incident, IncidentAlert, NotificationAttempt } from '../model/incident.ts';
import { episodeOf } from '../notify/episode.ts';
import { failOver, markFallback, notifiedElsewhere, unacceptedOf } from '../notify/failover.ts';
import { destinationsOf } from '../notify/routes.ts';
import { timingOf } from '../notify/timing.ts';
import type { Clock, StateStore, Versioned } from '../ports.ts';

interface FallbackPorts {
  state: StateStore;
  clock: Clock;
}

/** The fallback's incident with the alerts that the channel has not accepted; undefined where the fallback has all of them. */
export async function fallbackIncident(
  incident: Incident,
  attempt: NotificationAttempt,
  fallback: string | undefined,
  config: Pick<Config, 'routes' | 'rules'>,
  { state, clock }: FallbackPorts,
): Promise<Versioned<Incident> | undefined> {
  if (fallback === undefined) return undefined;
  const open = await state.findIncident(incident.route, fallback, incident.groupKey);
  const timing = timingOf(incident, config);
  const alertIds = new Set(unacceptedOf(incident, attempt).map(({ alertId }) => alertId));
  const holding = await Promise.all([...alertIds].map((id) => state.incidentsOfAlert(id)));
  const ofFallback = holding.flat().filter(({ value }) => value.channel === fallback);
  const held = new Set(ofFallback.flatMap(({ value }) => value.alerts.map(episodeOf)));
  const hasAnyway = (alert: IncidentAlert) => {
    const rule = config.rules.find(({ name }) => name === alert.rule) ?? incident.rules[alert.rule];
    const sentTo = destinationsOf(config.routes, rule, allLabels(alert));
    return held.has(episodeOf(alert)) || sentTo.some(({ channel }) => channel === fallback);
  };
  const input = {
    incident,
    attempt,
    fallback,
    fallbackIncident: open?.value,
    hasAnyway,
    timing,
    nowMs: clock.nowMs(),
  };
  const value = failOver(input);
  return value && { value, version: open?.version ?? 0 };
}

/**
 * Other incidents that change when a channel accepts alerts: those of channels that it is the fallback of, that of its own
 * fallback, and all that still hold an alert whose end it was sent.
 */
export async function settleOtherIncidents(
  incident: Incident,
  { says, handedOver: hasFallbackIncident }: NotificationAttempt,
  config: Pick<Config, 'routes' | 'channels'>,
  { state, clock }: FallbackPorts,
): Promise<Versioned<Incident>[]> {
  const changed = new Map<string, Versioned<Incident>>();
  const change = ({ value, version }: Versioned<Incident>, how: (before: Incident) => Incident) => {
    const before = changed.get(value.id)?.value ?? value;
    const after = how(before);
    if (after !== before) changed.set(value.id, { value: after, version });
  };
  const notifiedEnds = new Set(Object.keys(says).filter((id) => says[id] === 'resolved'));
  const ended = incident.alerts.filter((alert) => notifiedEnds.has(episodeOf(alert)));
  const alertIds = new Set(ended.map(({ alertId }) => alertId));
  const holding = await Promise.all([...alertIds].map((id) => state.incidentsOfAlert(id)));
  for (const other of holding.flat()) {
    if (other.value.id !== incident.id)
      change(other, (value) => notifiedElsewhere(value, notifiedEnds, incident.channel));
  }
  const accepted = { says, channel: incident.channel };
  const mark = (other: Versioned<Incident>) =>
    change(other, (value) => markFallback(value, accepted, timingOf(value, config), clock.nowMs()));
  const { route, groupKey } = incident;
  const fallback = config.channels.find(({ name }) => name === incident.channel)?.fallback;
  const open =
    hasFallbackIncident && fallback ? await state.findIncident(route, fallback, groupKey) : undefined;
  if (open?.value.standsInFor === incident.channel) mark(open);
  let channel = incident.standsInFor;
  for (let chain = 0; channel !== undefined && chain < config.channels.length; chain++) {
    const failed = await state.findIncident(route, channel, groupKey);
    if (failed) mark(failed);
    channel = failed?.value.standsInFor;
  }
  return [...changed.values()];
}
