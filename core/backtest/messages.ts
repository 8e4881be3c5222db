// To whom alerts would have been sent: core/notify decides, for channels that accept every message at once.

import { allLabels } from '../labels.ts';
import type { Config } from '../model/config.ts';
import type { Incident } from '../model/incident.ts';
import type { NotifyReason } from '../model/notify-reason.ts';
import type { Rule } from '../model/rule.ts';
import type { Transition } from '../model/transition.ts';
import { decideNotification, forgetEnded } from '../notify/decide.ts';
import { absorbTransition, destinationKey, destinationOf, openIncident } from '../notify/incident.ts';
import { destinationsOf } from '../notify/routes.ts';
import { acceptedImmediately, settled, withheldBy } from '../notify/settle.ts';
import type { AnySilence } from '../notify/silences.ts';
import { compileSuppressions, inhibitorsOf } from '../notify/suppression.ts';
import { timingOf } from '../notify/timing.ts';
import { createDueQueue } from './due-incidents.ts';

/** One message that a channel would have been sent. */
export interface BacktestMessage {
  incidentId: string;
  number: number;
  atMs: number;
  route: string;
  channel: string;
  reason: NotifyReason;
  /** The status that it gives of each firing (`episodeOf`). */
  statuses: Readonly<Record<string, 'firing' | 'resolved'>>;
  /** Firings whose status the channel had not been sent before. */
  news: readonly string[];
}

export interface BacktestMessages {
  messages: BacktestMessage[];
  /** Firings (`episodeOf`) that a silence or another alert withheld for a time, or to their end. */
  withheld: ReadonlyMap<string, 'silence' | 'inhibition'>;
}

type Deciding = Pick<Config, 'rules' | 'routes'> & { silences: readonly AnySilence[] };

/**
 * The messages that these transitions come to, until `toMs`, by the routes, groups, silences and inhibitions of `config`. It
 * needs the transitions of rules that inhibit, too. Time between two transitions costs nothing. Paces of services, failures
 * and fallbacks are left out: they change when a message arrives, and not what it says. With `only` alerts of other rules
 * inhibit, and are sent to nobody.
 */
export function simulateMessages(
  transitions: readonly Transition[],
  config: Deciding,
  toMs: number,
  only?: string,
): BacktestMessages {
  const rules = new Map(config.rules.map((rule) => [rule.name, rule]));
  const inhibitors = new Set(config.rules.flatMap(inhibitorsOf));
  const incidents = new Map<string, Incident>();
  const idOf = new Map<string, string>();
  const holding = new Map<string, Set<string>>();
  const firing = new Map<string, Transition>();
  const due = createDueQueue();
  const messages: BacktestMessage[] = [];
  const withheld = new Map<string, 'silence' | 'inhibition'>();
  let clockMs = -Infinity;

  const keep = (incident: Incident, before?: Incident) => {
    const { id } = incident;
    const held = new Set(incident.alerts.map(({ alertId }) => alertId));
    for (const { alertId } of before?.alerts ?? []) if (!held.has(alertId)) leave(alertId, id);
    for (const alertId of held) {
      const ids = holding.get(alertId) ?? new Set();
      holding.set(alertId, ids.add(id));
    }
    due.set(id, incident.closedAtMs === undefined ? incident.dueAtMs : undefined);
    if (incident.closedAtMs === undefined) incidents.set(id, incident);
    else {
      incidents.delete(id);
      idOf.delete(destinationKey(destinationOf(incident)));
      for (const alertId of held) leave(alertId, id);
    }
  };
  const leave = (alertId: string, id: string) => {
    const ids = holding.get(alertId);
    ids?.delete(id);
    if (ids?.size === 0) holding.delete(alertId);
  };

  /** The open incidents that a transition changes; those that it opens are among them. */
  const receivers = (transition: Transition, rule: Rule | undefined): Incident[] => {
    if (transition.kind === 'resolved')
      return [...(holding.get(transition.alertId) ?? [])].flatMap((id) => incidents.get(id) ?? []);
    return destinationsOf(config.routes, rule, allLabels(transition)).map((destination) => {
      const key = destinationKey(destination);
      const open = incidents.get(idOf.get(key) ?? '');
      if (open) return open;
      const opener = `${transition.alertId}\n${transition.atMs}`;
      const opened = openIncident(destination, opener, transition.atMs);
      idOf.set(key, opened.id);
      return opened;
    });
  };

  const absorb = (transition: Transition) => {
    const { kind, alertId, atMs: nowMs } = transition;
    if (kind !== 'firing' && kind !== 'resolved') return;
    const rule = rules.get(transition.rule);
    if (inhibitors.has(transition.rule)) {
      if (kind === 'firing') firing.set(alertId, transition);
      else firing.delete(alertId);
    }
    if (only !== undefined && transition.rule !== only) return;
    for (const incident of receivers(transition, rule)) {
      const timing = timingOf(incident, config);
      const next = absorbTransition({ incident, transition, rule, timing, nowMs });
      if (next !== incident) keep(next, incident);
    }
  };

  const decide = (stored: Incident, nowMs: number, nextChangeMs: number) => {
    const isInhibited = Object.values(stored.rules).some((rule) => inhibitorsOf(rule).length > 0);
    const suppressionOf = compileSuppressions({
      rules: stored.rules,
      silences: config.silences,
      firing: isInhibited ? [...firing.values()] : [],
      nowMs,
    });
    const timing = timingOf(stored, config);
    const { incident } = forgetEnded(stored, suppressionOf, nowMs);
    const recheckMs = nextChangeMs - nowMs;
    const decision = decideNotification({ incident, suppressionOf, timing, nowMs, recheckMs });
    if (decision.kind !== 'send') {
      for (const [episode, by] of withheldBy(decision)) withheld.set(episode, by);
      keep(settled(incident, decision, nowMs), stored);
      return;
    }
    const { incident: next, number, statuses } = acceptedImmediately(incident, decision, timing, nowMs);
    const { id, route, channel } = incident;
    const { reason, news } = decision;
    messages.push({ incidentId: id, number, atMs: nowMs, route, channel, reason, statuses, news });
    keep(next, stored);
  };

  /** Decides all that is due by then; no alert changes before `nextChangeMs`. */
  const deliver = (untilMs: number, nextChangeMs: number) => {
    for (let next = due.take(untilMs); next; next = due.take(untilMs)) {
      const incident = incidents.get(next.name);
      // What is due already is sent when it is known.
      clockMs = Math.max(clockMs, next.atMs);
      if (incident) decide(incident, clockMs, nextChangeMs);
    }
  };

  const ordered = transitions.toSorted((a, b) => a.atMs - b.atMs);
  for (let i = 0; i < ordered.length; ) {
    const { atMs } = ordered[i] as Transition;
    deliver(Math.min(atMs - 1, toMs), atMs);
    if (atMs > toMs) break;
    clockMs = atMs;
    for (; ordered[i]?.atMs === atMs; i++) absorb(ordered[i] as Transition);
    deliver(atMs, ordered[i]?.atMs ?? Infinity);
  }
  deliver(toMs, Infinity);
  return { messages, withheld };
}
