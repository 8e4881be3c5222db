// Each alert with the silences and rules that withhold it, and the messages that were sent, with times.

import { allLabels } from '../labels.ts';
import type { Alert } from '../model/alert.ts';
import type { Config } from '../model/config.ts';
import type { Incident } from '../model/incident.ts';
import type { Transition } from '../model/transition.ts';
import { type PastFiring, pastFirings, type SentMessage, sentMessages } from '../notify/alert-history.ts';
import { episodeOf } from '../notify/episode.ts';
import { compileCovering, listedSilences } from '../notify/listed-silences.ts';
import { type AlertDelivery, explainDelivery } from '../notify/recipients.ts';
import { routedLabels } from '../notify/routes.ts';
import { createSuppressions, indexInhibitors } from '../notify/suppression.ts';
import { type UndeliveredAlert, undeliveredAlerts } from '../notify/undelivered.ts';
import type { StateStore } from '../ports.ts';

type AlertState = Pick<
  StateStore,
  'listAlerts' | 'listSilences' | 'openIncidents' | 'listDeliveries' | 'listTransitions'
>;

/** An alert, or an earlier firing with status `ok` once it has resolved. */
export interface AlertReport extends Alert, Partial<AlertDelivery> {
  /** Silences that cover it now, the last to end first. */
  silencedBy: readonly { id: string; untilMs: number; alertId?: string }[];
  /** Rules that keep it quiet now. */
  inhibitedBy: readonly string[];
  /** Accepted messages about this firing. Without a time: an older release sent it. */
  sent: readonly (Omit<SentMessage, 'atMs'> & { atMs?: number })[];
  /** No channel has accepted it, and nothing withholds it. */
  undelivered?: { sinceMs: number; channels: UndeliveredAlert['channels'] };
}

const TRANSITIONS_A_READ = 5_000;
const DELIVERIES_AT_MOST = 20_000;

/** Alerts that are not ok. */
export async function reportAlerts(
  state: AlertState,
  config: Pick<Config, 'rules' | 'routes' | 'channels' | 'silences'>,
  nowMs: number,
): Promise<AlertReport[]> {
  const alerts = (await state.listAlerts()).map(({ value }) => value);
  const firing = alerts.filter(({ status }) => status === 'firing');
  const stored = await state.listSilences({ endedAfterMs: nowMs });
  const incidents = (await state.openIncidents()).map(({ value }) => value);
  const silencesOf = compileCovering(listedSilences({ stored, alerts, file: config.silences, nowMs }));
  const inhibitorsOf = indexInhibitors(firing);
  const rules = new Map(config.rules.map((rule) => [rule.name, rule]));
  const suppressionsOf = createSuppressions({ silences: [...config.silences, ...stored], firing, nowMs });
  const overdue = undeliveredAlerts({
    incidents,
    firing,
    config,
    suppressionOf: (alert, rules) => suppressionsOf(rules)(alert),
  }).filter(({ endedAtMs, dueSinceMs }) => endedAtMs === undefined && dueSinceMs <= nowMs);
  const sentOf = await readSent(state, firing, incidents);
  const holding = holdersOf(incidents);
  return alerts.map((alert): AlertReport => {
    const { id, rule: name, sinceMs, status } = alert;
    const rule = rules.get(name);
    const all = allLabels(alert);
    const seen = rule ? routedLabels(rule, all) : all;
    const { routes, ...delivery } = explainDelivery({
      alert,
      incidents: holding.get(id) ?? [],
      config,
      suppressionsOf,
      nowMs,
    });
    const undelivered = overdue.find(({ alertId }) => alertId === id);
    const inhibitors = rule ? inhibitorsOf(alert, rule) : [];
    return {
      ...alert,
      silencedBy: silencesOf({ alertId: id, labels: seen, sinceMs, status }).map(
        ({ id, untilMs, alertId }) => ({ id, untilMs, ...(alertId !== undefined && { alertId }) }),
      ),
      inhibitedBy: [...new Set(inhibitors.map((other) => other.rule))],
      sent: sentOf(alert),
      ...(undelivered && {
        undelivered: { sinceMs: undelivered.dueSinceMs, channels: undelivered.channels },
      }),
      ...delivery,
      ...(delivery.nobody && { routes }),
    };
  });
}

/** Incidents by the alerts that they hold. */
function holdersOf(incidents: readonly Incident[]): Map<string, Incident[]> {
  const holding = new Map<string, Incident[]>();
  for (const incident of incidents) {
    for (const alertId of new Set(incident.alerts.map((alert) => alert.alertId)))
      holding.set(alertId, [...(holding.get(alertId) ?? []), incident]);
  }
  return holding;
}

/**
 * The accepted messages about a firing alert, with their times when deliveries of this release have them. An incident
 * that is closed may have sent the alert to a channel or route of today.
 */
async function readSent(
  state: AlertState,
  firing: readonly Alert[],
  incidents: readonly Incident[],
): Promise<(alert: Alert) => AlertReport['sent']> {
  const ids = new Set(firing.map(({ id }) => id));
  const holding = incidents.filter(({ alerts }) => alerts.some(({ alertId }) => ids.has(alertId)));
  const deliveries = [];
  for (const { id } of holding) {
    deliveries.push(...(await state.listDeliveries({ incidentId: id, limit: DELIVERIES_AT_MOST })));
  }
  let sent = sentMessages(deliveries);
  const known = holding.flatMap((incident) => knownMessages(incident, ids));
  const isDated = ({ episode, channel }: KnownMessage) =>
    sent.get(episode)?.some((one) => one.channel === channel) ?? false;
  if (!known.every(isDated)) sent = sentMessages(await state.listDeliveries({ limit: DELIVERIES_AT_MOST }));
  // Incidents have the time of the transition, which may be later than the time in the alert.
  const newestMs = new Map<string, number>();
  for (const { alertId, firedAtMs } of holding.flatMap(({ alerts }) => alerts))
    newestMs.set(alertId, Math.max(firedAtMs, newestMs.get(alertId) ?? 0));
  return ({ id, firedAtMs = 0 }) => {
    const episode = episodeOf({ alertId: id, firedAtMs: Math.max(firedAtMs, newestMs.get(id) ?? 0) });
    const undated = known.filter((one) => one.episode === episode && !isDated(one));
    const channels = Map.groupBy(undated, ({ channel }) => channel);
    const rest = [...channels.values()].flatMap(([one]) => (one ? [one] : []));
    return [
      ...(sent.get(episode) ?? []),
      ...rest.map(({ channel, route, status }) => ({ channel, route, status })),
    ];
  };
}

type KnownMessage = Omit<SentMessage, 'atMs'> & { episode: string };

/** The firings that were sent, according to an incident, to its own channel and to others. */
function knownMessages(
  { alerts, notified, channel, route }: Incident,
  ids: ReadonlySet<string>,
): KnownMessage[] {
  return alerts
    .filter(({ alertId }) => ids.has(alertId))
    .flatMap((alert) => {
      const episode = episodeOf(alert);
      const own = notified[episode];
      return [
        ...(own === undefined ? [] : [{ episode, channel, route, status: own }]),
        ...(alert.heardBy ?? []).map((other) => ({
          episode,
          channel: other,
          route,
          status: 'firing' as const,
        })),
      ];
    });
}

/** Firings that began or ended in the range, the newest first. */
export async function reportPast(
  state: AlertState,
  range: { fromMs: number; toMs: number },
): Promise<AlertReport[]> {
  const transitions = await readTransitions(state, range);
  const begun = new Set(transitions.filter(({ kind }) => kind === 'firing').map(({ alertId }) => alertId));
  const earlier: Transition[] = [];
  for (const { alertId, kind, sinceMs } of transitions) {
    if (kind !== 'resolved' || begun.has(alertId)) continue;
    begun.add(alertId);
    const before = { fromMs: sinceMs, toMs: range.fromMs - 1, alertId };
    earlier.push(...(await state.listTransitions({ ...before, limit: TRANSITIONS_A_READ })));
  }
  const firings = pastFirings([...earlier.sort((a, b) => a.atMs - b.atMs), ...transitions]);
  const sent = sentMessages(await state.listDeliveries({ limit: DELIVERIES_AT_MOST }));
  return firings
    .filter(({ resolvedAtMs = range.toMs }) => resolvedAtMs >= range.fromMs)
    .map((firing) => pastReport(firing, sent.get(episodeOf(firing)) ?? []));
}

function pastReport({ alertId: id, ...firing }: PastFiring, sent: readonly SentMessage[]): AlertReport {
  const status = firing.resolvedAtMs === undefined ? 'firing' : 'ok';
  return { id, ...firing, status, silencedBy: [], inhibitedBy: [], sent };
}

async function readTransitions(
  state: AlertState,
  { fromMs, toMs }: { fromMs: number; toMs: number },
): Promise<Transition[]> {
  const found = new Map<string, Transition>();
  for (let from = fromMs; ; ) {
    const page = await state.listTransitions({ fromMs: from, toMs, limit: TRANSITIONS_A_READ });
    for (const transition of page) found.set(transition.id, transition);
    const last = page.at(-1)?.atMs;
    if (page.length < TRANSITIONS_A_READ || last === undefined) return [...found.values()];
    // When one moment has more transitions than a page, they cannot be read one by one.
    from = last > from ? last : last + 1;
  }
}
