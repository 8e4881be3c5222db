import { allLabels } from '../labels.ts';
import type { Config } from '../model/config.ts';
import type { Incident } from '../model/incident.ts';
import { matchRoutes } from './routes.ts';

/** An open incident whose channel or route the configuration does not know any more. */
export interface Orphan {
  incidentId: string;
  route: string;
  channel: string;
  gone: 'channel' | 'route' | 'channel and route';
  /** Its alerts that fire, and those that have ended without the channel having been sent that. */
  firing: number;
  ended: number;
  /** Channels that today's routes name for these alerts; they get what is outstanding. */
  goesTo: readonly string[];
  /** What was outstanding has gone there; what the channel was sent is kept while the alerts fire, should it come back. */
  settled: boolean;
}

/** In the order of the incidents. Alerts of rules that are gone are routed as they were when they fired. */
export function findOrphans(
  incidents: readonly Incident[],
  { channels, routes, rules }: Pick<Config, 'channels' | 'routes' | 'rules'>,
): Orphan[] {
  return incidents.flatMap((incident): Orphan[] => {
    const { id: incidentId, route, channel, alerts } = incident;
    const hasChannel = channels.some(({ name }) => name === channel);
    const hasRoute = routes.some(({ name }) => name === route);
    if (incident.closedAtMs !== undefined || alerts.length === 0 || (hasChannel && hasRoute)) return [];
    const goesTo = alerts.flatMap((alert) => {
      const rule = rules.find(({ name }) => name === alert.rule) ?? incident.rules[alert.rule];
      return rule ? matchRoutes(routes, rule, allLabels(alert)).flatMap((one) => one.channels) : [];
    });
    const firing = alerts.filter(({ status }) => status === 'firing').length;
    return [
      {
        incidentId,
        route,
        channel,
        gone: hasRoute ? 'channel' : hasChannel ? 'route' : 'channel and route',
        firing,
        ended: alerts.length - firing,
        goesTo: [...new Set(goesTo)],
        settled: incident.orphanedAtMs !== undefined,
      },
    ];
  });
}

/** Orphans of one route and channel together, a line each, for `check` and the log. */
export function describeOrphans(orphans: readonly Orphan[]): string[] {
  const groups = Map.groupBy(orphans, ({ route, channel, gone, settled }) =>
    JSON.stringify([route, channel, gone, settled]),
  );
  return [...groups.values()].map((group) => {
    const [{ route, channel, gone, settled }] = group as [Orphan, ...Orphan[]];
    const sum = (key: 'firing' | 'ended') => group.reduce((total, orphan) => total + orphan[key], 0);
    const goesTo = [...new Set(group.flatMap((orphan) => orphan.goesTo))].map((name) => `\`${name}\``);
    const what = [counted(sum('firing'), 'firing'), counted(sum('ended'), 'ended')].filter(
      (text) => text !== '',
    );
    const missing =
      gone === 'channel' ? `channel \`${channel}\`` : gone === 'route' ? `route \`${route}\`` : '';
    const where =
      missing === ''
        ? `of route \`${route}\` and channel \`${channel}\`, which are not configured any more`
        : `of ${missing}, which is not configured any more`;
    const next = settled
      ? `what was owed has gone to ${goesTo.join(', ') || 'nobody'}; what was sent is remembered in case it comes back`
      : goesTo.length === 0
        ? "today's routes name no channel for them: nobody will be told more"
        : `what is owed goes to ${goesTo.join(', ')}, as today's routes say`;
    return `${what.join(' and ')} ${where}; ${next}`;
  });
}

function counted(count: number, what: string): string {
  return count === 0 ? '' : `${count} ${what} ${count === 1 ? 'alert' : 'alerts'}`;
}
