import type { IncidentAlert } from '../model/incident.ts';

/** Names one firing of an alert. An alert that fires again before its end was sent has two in an incident. */
export function episodeOf(alert: Pick<IncidentAlert, 'alertId' | 'firedAtMs'>): string {
  return `${alert.alertId}@${alert.firedAtMs}`;
}
