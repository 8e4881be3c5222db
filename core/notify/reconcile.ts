// What must be sent follows from the open incidents and from today's configuration: after a change each is decided again.

import { allLabels } from '../labels.ts';
import type { Incident, IncidentAlert } from '../model/incident.ts';
import type { Versioned } from '../ports.ts';
import { episodeOf } from './episode.ts';
import {
  asNew,
  type Destination,
  destinationKey,
  destinationOf,
  isWithheld,
  openIncident,
  withOnly,
} from './incident.ts';
import {
  type Entry,
  type Episode,
  entryOf,
  episodesOf,
  type ReconcileConfig,
  type ReconcileInput,
} from './open-episodes.ts';
import { destinationsOf } from './routes.ts';
import { nextCheckMs, timingOf } from './timing.ts';

export interface Reconciled {
  /** To be written first: incidents with all that they gain. */
  gained: Versioned<Incident>[];
  /** To be written then, with the versions that the first writes make: without what has moved, and due. */
  settled: Versioned<Incident>[];
  /** Senders are at work on them: check them once more when their leases have ended. */
  leased: number;
  /** Alerts that must be sent and that no channel of today's routes takes. */
  unrouted: IncidentAlert[];
}

/**
 * Where every open episode belongs today. A firing alert belongs to every channel that today's routes name; what a
 * channel was sent of it moves along, so a renamed route or another `groupBy` sends nothing again. What a channel was
 * sent stays its own when routes no longer name it: reminders and the resolved go there. What a channel was not sent
 * leaves it with its route. If the channel itself is gone, what is outstanding goes to the channels of the route.
 */
export function reconcile(input: ReconcileInput): Reconciled {
  const { config, nowMs } = input;
  const entries = input.incidents.map((stored) => entryOf(stored, input));
  const byDestination = new Map(entries.map((entry) => [destinationKey(destinationOf(entry.next)), entry]));
  const gaining = new Set<Entry>();
  const unrouted: IncidentAlert[] = [];

  const open = (destination: Destination, episode: Episode): Entry => {
    const key = destinationKey(destination);
    const known = byDestination.get(key);
    if (known) return known;
    const value = openIncident(destination, `${episodeOf(episode.alert)} ${nowMs}`, nowMs);
    const entry = { stored: { value, version: 0 }, next: value, lost: new Set<string>(), leased: false };
    byDestination.set(key, entry);
    entries.push(entry);
    return entry;
  };
  const enter: Enter = (episode, destination, moved) => {
    const entry = open(destination, episode);
    if (entry.leased) return false;
    entry.next = withEpisode(entry.next, episode, moved);
    gaining.add(entry);
    return true;
  };

  for (const episode of episodesOf(entries, input)) {
    forgetLostFallback(episode);
    const wanted = destinationsOf(config.routes, episode.rule, allLabels(episode.alert));
    routeEpisode(episode, wanted, config, { enter, unrouted });
  }

  const gained = [...gaining].map(({ stored, next }) => ({
    value: dueNow(next, config, nowMs),
    version: stored.version,
  }));
  const settled = entries
    .filter((entry) => !entry.leased)
    .map((entry) => ({
      value: finished(entry, config, nowMs),
      version: entry.stored.version + (gaining.has(entry) ? 1 : 0),
      before: gaining.has(entry) ? dueNow(entry.next, config, nowMs) : entry.stored.value,
    }))
    .filter(({ value, before }) => JSON.stringify(value) !== JSON.stringify(before))
    .map(({ value, version }) => ({ value, version }));
  return { gained, settled, leased: entries.filter(({ leased }) => leased).length, unrouted };
}

/** If the fallback is gone, nobody sends the end in its name: the channel that failed must send it again. */
function forgetLostFallback({ holders }: Episode): void {
  const stands = holders.some(({ entry: { next }, sentStatus }) => {
    return next.standsInFor !== undefined && next.orphanedAtMs === undefined && sentStatus !== undefined;
  });
  if (stands) return;
  for (const holder of holders) {
    const { entry, alert } = holder;
    if (entry.leased || alert.standIn !== 'firing') continue;
    const { standIn: _gone, ...rest } = alert;
    holder.alert = rest;
    entry.next = { ...entry.next, alerts: entry.next.alerts.map((one) => (one === alert ? rest : one)) };
  }
}

/** What moves along with an episode: what the channel knows and was sent of it. */
interface Moved {
  alert: IncidentAlert;
  sentStatus: IncidentAlert['status'] | undefined;
  lastNotifiedAtMs?: number | undefined;
}

/** False where a sender is at work on the incident that is there: then nothing moves yet. */
type Enter = (episode: Episode, at: Destination, moved: Moved) => boolean;

function routeEpisode(
  episode: Episode,
  wanted: readonly Destination[],
  config: ReconcileConfig,
  to: { enter: Enter; unrouted: IncidentAlert[] },
): void {
  const id = episodeOf(episode.alert);
  /** Channels that have it, or will be checked once more. */
  const has = new Set<string>();
  let firingOutstanding = false;
  let endOutstanding = false;
  for (const { entry, alert, sentStatus } of episode.holders) {
    const { channel, lastNotifiedAtMs } = entry.next;
    const destination = wanted.find((one) => one.channel === channel);
    if (entry.leased) has.add(channel);
    else if (entry.next.orphanedAtMs !== undefined) {
      // It remembers what it was sent as firing until that ends; others must be sent the end.
      if (alert.status === 'resolved' || sentStatus === undefined) entry.lost.add(id);
      if (sentStatus === undefined) firingOutstanding = true;
      else if (sentStatus !== alert.status) endOutstanding = true;
    } else if (destination) {
      has.add(channel);
      if (destinationKey(destination) === destinationKey(destinationOf(entry.next))) continue;
      if (to.enter(episode, destination, { alert, sentStatus, lastNotifiedAtMs })) entry.lost.add(id);
    } else if (sentStatus !== undefined || isFallbackOf(entry.next, wanted, config)) has.add(channel);
    else {
      entry.lost.add(id);
      firingOutstanding = true;
    }
  }
  const notified = new Set(episode.holders.flatMap(({ alert }) => alert.heardBy ?? []));
  const isSent = has.size > 0 || notified.size > 0;
  const isOutstanding = episode.alert.status === 'firing' || endOutstanding || (firingOutstanding && !isSent);
  if (!isOutstanding) return;
  const sentStatus = episode.alert.status === 'resolved' && endOutstanding ? 'firing' : undefined;
  const lacking = wanted.filter(({ channel }) => !has.has(channel) && !notified.has(channel));
  const alert = { ...asNew(episode.alert), ...(notified.size > 0 && { heardBy: [...notified] }) };
  for (const destination of lacking) to.enter(episode, destination, { alert, sentStatus });
  if (lacking.length === 0 && !isSent && (endOutstanding || firingOutstanding))
    to.unrouted.push(episode.alert);
}

/** Whether it is still the fallback of a channel that today's routes name for this alert. */
function isFallbackOf(incident: Incident, wanted: readonly Destination[], config: ReconcileConfig): boolean {
  let name = incident.standsInFor;
  for (let chain = 0; name !== undefined && chain < config.channels.length; chain++) {
    const channel = config.channels.find((candidate) => candidate.name === name);
    if (chain === 0 && channel?.fallback !== incident.channel) return false;
    if (wanted.some((one) => one.channel === name)) return true;
    const behind = config.channels.find(({ fallback }) => fallback === name);
    name = behind?.name;
  }
  return false;
}

function withEpisode(incident: Incident, { rule }: Episode, moved: Moved): Incident {
  const { alert, sentStatus } = moved;
  const id = episodeOf(alert);
  const notified = { ...incident.notified };
  if (sentStatus !== undefined && notified[id] !== 'resolved') notified[id] = sentStatus;
  const times = [incident.lastNotifiedAtMs, moved.lastNotifiedAtMs].filter((ms) => ms !== undefined);
  return {
    ...incident,
    alerts: [...incident.alerts.filter((one) => episodeOf(one) !== id), alert],
    rules: rule ? { ...incident.rules, [rule.name]: rule } : incident.rules,
    notified,
    ...(times.length > 0 && { lastNotifiedAtMs: Math.max(...times) }),
  };
}

function finished({ next, lost }: Entry, config: ReconcileConfig, nowMs: number): Incident {
  const alerts = next.alerts.filter((alert) => !lost.has(episodeOf(alert)));
  const settled = dueNow(withOnly(next, alerts), config, nowMs);
  return alerts.length === 0 && settled.dueAtMs === undefined ? { ...settled, closedAtMs: nowMs } : settled;
}

/** Due as its alerts and today's timing ask for; a silence that lasts is found when it is decided. */
function dueNow(incident: Incident, config: ReconcileConfig, nowMs: number): Incident {
  const { dueAtMs: _due, ...rest } = incident;
  const entered = rest.alerts.map((alert) => ({ ...alert, enteredAtMs: alert.enteredAtMs ?? nowMs }));
  // Withheld alerts are due now: if nothing withholds them any more, they must be sent.
  const withheld = rest.orphanedAtMs === undefined && rest.alerts.some(isWithheld);
  const checkMs = withheld ? nowMs : nextCheckMs(rest, timingOf(rest, config));
  return { ...rest, alerts: entered, ...(checkMs !== undefined && { dueAtMs: checkMs }) };
}
