import type { Config } from '../config/types.ts';
import { handOver, heardElsewhere, markStandIn, unacceptedOf } from '../notify/hand-over.ts';
import { episodeOf } from '../notify/incident.ts';
import type { Incident, IncidentAlert, NotificationAttempt } from '../notify/model.ts';
import { destinationsOf } from '../notify/routes.ts';
import { timingOf } from '../notify/timing.ts';
import type { Clock, StateStore, Versioned } from '../ports.ts';

interface StandInPorts {
  state: StateStore;
  clock: Clock;
}

/** The fallback's incident with what its channel has not accepted, if it lacks any of that. */
export async function handedOver(
  incident: Incident,
  attempt: NotificationAttempt,
  fallback: string | undefined,
  config: Pick<Config, 'routes' | 'rules'>,
  { state, clock }: StandInPorts,
): Promise<Versioned<Incident> | undefined> {
  if (fallback === undefined) return undefined;
  const standIn = await state.findIncident(incident.route, fallback, incident.groupKey);
  const timing = timingOf(incident, config);
  const alertIds = new Set(unacceptedOf(incident, attempt).map(({ alertId }) => alertId));
  const holding = await Promise.all([...alertIds].map((id) => state.incidentsOfAlert(id)));
  const ofFallback = holding.flat().filter(({ value }) => value.channel === fallback);
  const held = new Set(ofFallback.flatMap(({ value }) => value.alerts.map(episodeOf)));
  const hasAnyway = (alert: IncidentAlert) => {
    const rule = config.rules.find(({ name }) => name === alert.rule) ?? incident.rules[alert.rule];
    const sentTo = destinationsOf(config.routes, rule, alert.labels);
    return held.has(episodeOf(alert)) || sentTo.some(({ channel }) => channel === fallback);
  };
  const input = {
    incident,
    attempt,
    fallback,
    standIn: standIn?.value,
    hasAnyway,
    timing,
    nowMs: clock.nowMs(),
  };
  const value = handOver(input);
  return value && { value, version: standIn?.version ?? 0 };
}

/**
 * Other incidents of the alerts that a channel has accepted: those of channels that it stands in for, that of its own
 * stand-in, and all that still hold an alert whose end it was sent.
 */
export async function relieved(
  incident: Incident,
  { says, handedOver: hasStandIn }: NotificationAttempt,
  config: Pick<Config, 'routes' | 'channels'>,
  { state, clock }: StandInPorts,
): Promise<Versioned<Incident>[]> {
  const changed = new Map<string, Versioned<Incident>>();
  const change = ({ value, version }: Versioned<Incident>, how: (before: Incident) => Incident) => {
    const before = changed.get(value.id)?.value ?? value;
    const after = how(before);
    if (after !== before) changed.set(value.id, { value: after, version });
  };
  const heard = new Set(Object.keys(says).filter((id) => says[id] === 'resolved'));
  const ended = incident.alerts.filter((alert) => heard.has(episodeOf(alert)));
  const alertIds = new Set(ended.map(({ alertId }) => alertId));
  const holding = await Promise.all([...alertIds].map((id) => state.incidentsOfAlert(id)));
  for (const other of holding.flat()) {
    if (other.value.id !== incident.id)
      change(other, (value) => heardElsewhere(value, heard, incident.channel));
  }
  const accepted = { says, channel: incident.channel };
  const mark = (other: Versioned<Incident>) =>
    change(other, (value) => markStandIn(value, accepted, timingOf(value, config), clock.nowMs()));
  const { route, groupKey } = incident;
  const fallback = config.channels.find(({ name }) => name === incident.channel)?.fallback;
  const standIn = hasStandIn && fallback ? await state.findIncident(route, fallback, groupKey) : undefined;
  if (standIn?.value.standsInFor === incident.channel) mark(standIn);
  let channel = incident.standsInFor;
  for (let chain = 0; channel !== undefined && chain < config.channels.length; chain++) {
    const failed = await state.findIncident(route, channel, groupKey);
    if (failed) mark(failed);
    channel = failed?.value.standsInFor;
  }
  return [...changed.values()];
}
