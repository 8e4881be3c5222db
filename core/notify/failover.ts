import type { Incident, IncidentAlert, NotificationAttempt } from '../model/incident.ts';
import { episodeOf } from './episode.ts';
import { asNew, openIncident, withAlerts } from './incident.ts';
import type { Timing } from './timing.ts';

/** The alerts of a notification that its channel has not accepted: its fallback gets them, unless it has them. */
export function unacceptedOf(incident: Incident, { says }: NotificationAttempt): IncidentAlert[] {
  return incident.alerts.filter((alert) => {
    const episode = episodeOf(alert);
    const isOutstanding = says[episode] === alert.status && incident.notified[episode] !== alert.status;
    return isOutstanding && alert.standIn !== alert.status;
  });
}

/**
 * The incident of a fallback with what its channel has not accepted: alerts that are unsent there, but for those that the
 * fallback has been sent already, or is sent by a route of its own. Undefined when there is nothing for it.
 */
export function failOver(input: {
  /** Whose channel failed. */
  incident: Incident;
  attempt: NotificationAttempt;
  fallback: string;
  /** The open incident of the fallback for this group, if there is one. */
  fallbackIncident: Incident | undefined;
  /** Whether routes name the fallback for this alert anyway, or it has it from before they changed. */
  hasAnyway: (alert: IncidentAlert) => boolean;
  timing: Timing;
  nowMs: number;
}): Incident | undefined {
  const { incident, attempt, fallback, fallbackIncident, hasAnyway, timing, nowMs } = input;
  const known = new Set(fallbackIncident?.alerts.map(episodeOf));
  const missing = unacceptedOf(incident, attempt).filter(
    (alert) => !known.has(episodeOf(alert)) && !alert.heardBy?.includes(fallback) && !hasAnyway(alert),
  );
  if (missing.length === 0) return undefined;
  const alerts = missing.map((alert): IncidentAlert => {
    const { inherited: _inherited, ...rest } = asNew(alert);
    const wasSent = incident.notified[episodeOf(alert)] !== undefined;
    const heardBy = [...(alert.heardBy ?? []), ...(wasSent ? [incident.channel] : [])];
    return { ...rest, ...(heardBy.length > 0 && { heardBy }), enteredAtMs: nowMs };
  });
  const target = fallbackIncident ?? openFallback(incident, fallback, missing, nowMs);
  const rules = { ...target.rules, ...incident.rules };
  return withAlerts({ ...target, rules }, [...target.alerts, ...alerts], timing, nowMs);
}

function openFallback(
  incident: Incident,
  fallback: string,
  alerts: readonly IncidentAlert[],
  nowMs: number,
): Incident {
  const group = { key: incident.groupKey, labels: incident.groupLabels };
  const destination = { route: { name: incident.route }, channel: fallback, group };
  const opener = `${alerts.map(episodeOf)[0]} ${nowMs}`;
  return { ...openIncident(destination, opener, nowMs), standsInFor: incident.channel };
}

/**
 * The incident of a channel after its fallback, or the channel it is the fallback of, has accepted a notification: this
 * channel need not be sent what began and ended meanwhile. The same incident when that changes nothing.
 */
export function markFallback(
  incident: Incident,
  accepted: { says: NotificationAttempt['says']; channel: string },
  timing: Timing,
  nowMs: number,
): Incident {
  let changed = false;
  const alerts = incident.alerts.map((alert): IncidentAlert => {
    const sentStatus = accepted.says[episodeOf(alert)];
    if (sentStatus === undefined || alert.standIn === sentStatus) return alert;
    changed = true;
    return { ...alert, standIn: sentStatus, heardBy: withName(alert.heardBy, accepted.channel) };
  });
  return changed ? withAlerts(incident, alerts, timing, nowMs) : incident;
}

/**
 * Open incidents that hold an alert which has ended, as they are now: each learns which other channels were sent that it
 * fired, by all that held it `before`.
 */
export function markNotified(
  incidents: readonly Incident[],
  alertId: string,
  before: readonly Incident[],
): Incident[] {
  return incidents.map((incident) => {
    let changed = false;
    const alerts = incident.alerts.map((alert): IncidentAlert => {
      if (alert.alertId !== alertId || alert.status !== 'resolved') return alert;
      const id = episodeOf(alert);
      const sent = before.filter(({ notified }) => notified[id] !== undefined);
      const known = new Set([incident.channel, ...(alert.heardBy ?? [])]);
      const added = sent.map(({ channel }) => channel).filter((channel) => !known.has(channel));
      if (added.length === 0) return alert;
      changed = true;
      const isInherited = sent.every(({ orphanedAtMs }) => orphanedAtMs !== undefined);
      const heardBy = [...(alert.heardBy ?? []), ...new Set(added)];
      return { ...alert, heardBy, ...(isInherited && { inherited: true }) };
    });
    return changed ? { ...incident, alerts } : incident;
  });
}

/** The incident once another channel was sent the end of these alerts. */
export function notifiedElsewhere(
  incident: Incident,
  episodes: ReadonlySet<string>,
  channel: string,
): Incident {
  let changed = false;
  const alerts = incident.alerts.map((alert): IncidentAlert => {
    if (!episodes.has(episodeOf(alert)) || alert.heardBy?.includes(channel)) return alert;
    changed = true;
    return { ...alert, heardBy: withName(alert.heardBy, channel) };
  });
  return changed ? { ...incident, alerts } : incident;
}

function withName(names: readonly string[] = [], name: string): readonly string[] {
  return names.includes(name) ? names : [...names, name];
}
