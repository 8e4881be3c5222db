// What is owed follows from the open incidents and from today's configuration: after a change each is decided again.
import type { Versioned } from '../ports.ts';
import {
  asNew,
  type Destination,
  destinationKey,
  destinationOf,
  episodeOf,
  isWithheld,
  openIncident,
  withOnly,
} from './incident.ts';
import type { Incident, IncidentAlert } from './model.ts';
import {
  type Entry,
  type Episode,
  entryOf,
  episodesOf,
  type ReconcileConfig,
  type ReconcileInput,
} from './open-episodes.ts';
import { destinationsOf } from './routes.ts';
import { nextLookMs, timingOf } from './timing.ts';

export interface Reconciled {
  /** To be written first: incidents with all that they gain. */
  gained: Versioned<Incident>[];
  /** To be written then, with the versions that the first writes make: without what has moved, and due. */
  settled: Versioned<Incident>[];
  /** Senders are at work on them: to be looked at once more when their leases have ended. */
  leased: number;
  /** What is owed and that no channel of today's routes takes. */
  unplaced: IncidentAlert[];
}

/**
 * Where every open episode belongs today. A firing alert belongs to every channel that today's routes name; what a
 * channel was sent of it moves along, so a renamed route or another `groupBy` sends nothing again. What a channel was
 * sent stays its own when routes no longer name it: reminders and the resolved go there. What a channel was not sent
 * leaves it with its route. If the channel itself is gone, what it is owed goes to the channels of the route.
 */
export function reconcile(input: ReconcileInput): Reconciled {
  const { config, nowMs } = input;
  const entries = input.incidents.map((stored) => entryOf(stored, input));
  const byDestination = new Map(entries.map((entry) => [destinationKey(destinationOf(entry.next)), entry]));
  const gaining = new Set<Entry>();
  const unplaced: IncidentAlert[] = [];

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
    forgetLostStandIn(episode);
    const wanted = destinationsOf(config.routes, episode.rule, episode.alert.labels);
    placeEpisode(episode, wanted, config, { enter, unplaced });
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
  return { gained, settled, leased: entries.filter(({ leased }) => leased).length, unplaced };
}

/** Where the channel that stood in is gone, nobody will send the end for it: the one that failed owes it again. */
function forgetLostStandIn({ holders }: Episode): void {
  const stands = holders.some(({ entry: { next }, said }) => {
    return next.standsInFor !== undefined && next.orphanedAtMs === undefined && said !== undefined;
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
  said: IncidentAlert['status'] | undefined;
  lastNotifiedAtMs?: number | undefined;
}

/** False where a sender is at work on the incident that is there: then nothing moves yet. */
type Enter = (episode: Episode, at: Destination, moved: Moved) => boolean;

function placeEpisode(
  episode: Episode,
  wanted: readonly Destination[],
  config: ReconcileConfig,
  to: { enter: Enter; unplaced: IncidentAlert[] },
): void {
  const id = episodeOf(episode.alert);
  /** Channels that have it, or will be looked at once more. */
  const has = new Set<string>();
  let owedUnsent = false;
  let owedEnd = false;
  for (const { entry, alert, said } of episode.holders) {
    const { channel, lastNotifiedAtMs } = entry.next;
    const destination = wanted.find((one) => one.channel === channel);
    if (entry.leased) has.add(channel);
    else if (entry.next.orphanedAtMs !== undefined) {
      // What it was sent as firing is remembered until that ends; the end is owed to others.
      if (alert.status === 'resolved' || said === undefined) entry.lost.add(id);
      if (said === undefined) owedUnsent = true;
      else if (said !== alert.status) owedEnd = true;
    } else if (destination) {
      has.add(channel);
      if (destinationKey(destination) === destinationKey(destinationOf(entry.next))) continue;
      if (to.enter(episode, destination, { alert, said, lastNotifiedAtMs })) entry.lost.add(id);
    } else if (said !== undefined || standsIn(entry.next, wanted, config)) has.add(channel);
    else {
      entry.lost.add(id);
      owedUnsent = true;
    }
  }
  const heard = new Set(episode.holders.flatMap(({ alert }) => alert.heardBy ?? []));
  const isSent = has.size > 0 || heard.size > 0;
  const owes = episode.alert.status === 'firing' || owedEnd || (owedUnsent && !isSent);
  if (!owes) return;
  const said = episode.alert.status === 'resolved' && owedEnd ? 'firing' : undefined;
  const lacking = wanted.filter(({ channel }) => !has.has(channel) && !heard.has(channel));
  const alert = { ...asNew(episode.alert), ...(heard.size > 0 && { heardBy: [...heard] }) };
  for (const destination of lacking) to.enter(episode, destination, { alert, said });
  if (lacking.length === 0 && !isSent && (owedEnd || owedUnsent)) to.unplaced.push(episode.alert);
}

/** Whether it is still the fallback of a channel that today's routes name for this alert. */
function standsIn(incident: Incident, wanted: readonly Destination[], config: ReconcileConfig): boolean {
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
  const { alert, said } = moved;
  const id = episodeOf(alert);
  const notified = { ...incident.notified };
  if (said !== undefined && notified[id] !== 'resolved') notified[id] = said;
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
  // What is withheld is looked at now: if nothing withholds it any more, it is owed from now on.
  const withheld = rest.orphanedAtMs === undefined && rest.alerts.some(isWithheld);
  const lookMs = withheld ? nowMs : nextLookMs(rest, timingOf(rest, config));
  return { ...rest, alerts: entered, ...(lookMs !== undefined && { dueAtMs: lookMs }) };
}
