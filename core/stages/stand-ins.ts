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

/** Other incidents of these alerts: those of channels that this one stands in for, and those that nobody was sent before. */
export async function relieved(
  incident: Incident,
  { says }: NotificationAttempt,
  config: Pick<Config, 'routes' | 'channels'>,
  { state, clock }: StandInPorts,
): Promise<Versioned<Incident>[]> {
  const found: Versioned<Incident>[] = [];
  const firstHeard = new Set(
    Object.keys(says).filter((id) => says[id] === 'resolved' && incident.notified[id] === undefined),
  );
  const alertIds = new Set(
    incident.alerts.filter((alert) => firstHeard.has(episodeOf(alert))).map((alert) => alert.alertId),
  );
  const holding = await Promise.all([...alertIds].map((id) => state.incidentsOfAlert(id)));
  for (const { value: other, version } of holding.flat()) {
    const value = heardElsewhere(other, firstHeard, incident.channel);
    const isNew = other.id !== incident.id && !found.some((one) => one.value.id === other.id);
    if (isNew && value !== other) found.push({ value, version });
  }
  let channel = incident.standsInFor;
  for (let chain = 0; channel !== undefined && chain < config.channels.length; chain++) {
    const stored = await state.findIncident(incident.route, channel, incident.groupKey);
    if (!stored) break;
    const timing = timingOf(stored.value, config);
    const known = found.findIndex((one) => one.value.id === stored.value.id);
    const before = found[known]?.value ?? stored.value;
    const value = markStandIn(before, says, timing, clock.nowMs());
    if (value !== before)
      found.splice(known < 0 ? found.length : known, 1, { value, version: stored.version });
    channel = stored.value.standsInFor;
  }
  return found;
}
