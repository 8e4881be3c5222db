import { episodeOf, openIncident, withAlerts } from './incident.ts';
import type { Incident, IncidentAlert, NotificationAttempt } from './model.ts';
import type { Timing } from './timing.ts';

/**
 * The incident of a fallback with what its channel has not accepted: alerts that are unsent there, but for those that the
 * fallback has been sent already. Undefined when there is nothing for it.
 */
export function handOver(input: {
  /** Whose channel failed. */
  incident: Incident;
  attempt: NotificationAttempt;
  fallback: string;
  /** The open incident of the fallback for this group, if there is one. */
  standIn: Incident | undefined;
  timing: Timing;
  nowMs: number;
}): Incident | undefined {
  const { incident, attempt, fallback, standIn, timing, nowMs } = input;
  const known = new Set(standIn?.alerts.map(episodeOf));
  const missing = incident.alerts.filter((alert) => {
    const episode = episodeOf(alert);
    const failed = attempt.says[episode] === alert.status && incident.notified[episode] !== alert.status;
    return failed && alert.standIn !== alert.status && !known.has(episode);
  });
  if (missing.length === 0) return undefined;
  const alerts = missing.map((alert): IncidentAlert => {
    const { standIn: _said, heldBack: _held, ...rest } = alert;
    return { ...rest, enteredAtMs: nowMs };
  });
  const target = standIn ?? openStandIn(incident, fallback, missing, nowMs);
  const rules = { ...target.rules, ...incident.rules };
  return withAlerts({ ...target, rules }, [...target.alerts, ...alerts], timing, nowMs);
}

function openStandIn(
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
 * The incident whose channel failed, once its stand-in has accepted a notification: nobody need hear there of what began
 * and ended meanwhile. The same incident when that changes nothing.
 */
export function markStandIn(
  incident: Incident,
  says: NotificationAttempt['says'],
  timing: Timing,
  nowMs: number,
): Incident {
  let changed = false;
  const alerts = incident.alerts.map((alert): IncidentAlert => {
    const said = says[episodeOf(alert)];
    if (said === undefined || alert.standIn === said) return alert;
    changed = true;
    return { ...alert, standIn: said };
  });
  return changed ? withAlerts(incident, alerts, timing, nowMs) : incident;
}
