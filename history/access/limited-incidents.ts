import { episodeOf } from '../../core/notify/episode.ts';
import type { HistoryIncident } from '../ports.ts';
import type { Sight } from './sight.ts';

/**
 * The incident as a principal sees it: whole where its group's labels are shown, as then every alert that was ever in it
 * was, and its alerts are. Of another that is open it has the alerts that are shown, if any, and nothing that follows from
 * the others: when it opened, what was sent, and how often.
 */
export function limitIncident(incident: HistoryIncident, { sees }: Sight): HistoryIncident | undefined {
  const { groupLabels } = incident;
  const alerts = incident.alerts.filter(({ labels, inventoryLabels }) => sees(labels, inventoryLabels));
  // What the inventory says is in these labels too, as it was then.
  if (sees(groupLabels, groupLabels) && alerts.length === incident.alerts.length) return incident;
  // A closed one tells by its end that hidden alerts have ended.
  if (alerts.length === 0 || incident.closedAtMs !== undefined) return undefined;
  const { id, route, channel, groupKey, standsInFor } = incident;
  const names = new Set(alerts.map(({ rule }) => rule));
  const episodes = new Set(alerts.map(episodeOf));
  return {
    id,
    route,
    channel,
    groupKey,
    groupLabels,
    ...(standsInFor !== undefined && { standsInFor }),
    openedAtMs: Math.min(...alerts.map(({ enteredAtMs, firedAtMs }) => enteredAtMs ?? firedAtMs)),
    alerts,
    rules: Object.fromEntries(Object.entries(incident.rules).filter(([name]) => names.has(name))),
    notified: Object.fromEntries(Object.entries(incident.notified).filter(([one]) => episodes.has(one))),
    notifications: 0,
    isPartial: true,
  };
}
