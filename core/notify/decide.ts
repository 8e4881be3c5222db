import type { Incident, IncidentAlert } from '../model/incident.ts';
import type { NotifyReason } from '../model/notify-reason.ts';
import { perhapsShown } from './attempt.ts';
import { episodeOf } from './episode.ts';
import { isWithheld, withOnly } from './incident.ts';
import type { Suppression } from './suppression.ts';
import { nextCheckMs, repeatAtMs, sendAtMs, type Timing } from './timing.ts';

export type Decision =
  | {
      kind: 'send';
      reason: NotifyReason;
      alerts: readonly IncidentAlert[];
      /** Episodes of these that the channel has not been sent as they are now. */
      news: readonly string[];
    }
  /** `untilMs` Infinity: until something happens. */
  | { kind: 'wait'; untilMs: number; why: string; heldBack: ReadonlyMap<string, Suppression['by']> }
  | { kind: 'close'; why: string };

/** How often an incident is checked again while another alert inhibits it. */
export const INHIBITION_RECHECK_MS = 15_000;
/** That an alert fired and ended is offered this long, from the first try on; then it is dropped, counted and logged. */
export const FORGET_UNSENT_MS = 24 * 3_600_000;
/** The end of an alert that the channel was sent as firing is offered this long. */
export const FORGET_SENT_MS = 7 * 24 * 3_600_000;

/**
 * The incident without alerts that have ended and are no longer sent: those withheld to their end, those that a
 * fallback was sent, and, in `dropped`, those that the channel would not accept for too long.
 */
export function forgetEnded(
  incident: Incident,
  suppressionOf: (alert: IncidentAlert) => Suppression | undefined,
  nowMs: number,
): { incident: Incident; dropped: readonly IncidentAlert[] } {
  const dropped: IncidentAlert[] = [];
  const perhaps = new Set(incident.attempt ? perhapsShown(incident.attempt) : []);
  const alerts = incident.alerts.filter((alert) => {
    if (alert.status === 'firing') return true;
    const id = episodeOf(alert);
    const unsent =
      incident.notified[id] === undefined && !perhaps.has(id) && !alert.perhaps && !alert.inherited;
    if (unsent && (isWithheld(alert) || alert.standIn)) return false;
    const silence = suppressionOf(alert);
    // A silence that began after the end only delays what is due already; an earlier one was in force while the alert fired.
    if (unsent && silence?.by === 'silence' && silence.fromMs <= (alert.resolvedAtMs ?? 0)) return false;
    const { endOfferedAtMs = nowMs } = alert;
    if (nowMs - endOfferedAtMs < (unsent ? FORGET_UNSENT_MS : FORGET_SENT_MS) || suppressionOf(alert))
      return true;
    dropped.push(alert);
    return false;
  });
  if (alerts.length === incident.alerts.length) return { incident, dropped };
  return { incident: withOnly(incident, alerts), dropped };
}

/**
 * What to send about an incident now, and why, from its facts and from today's configuration. Sends nothing twice; a
 * firing alert that a silence or another alert withholds is sent when that ends.
 */
export function decideNotification(input: {
  incident: Incident;
  suppressionOf: (alert: IncidentAlert) => Suppression | undefined;
  timing: Timing;
  nowMs: number;
  /** Whoever knows when the next alert changes need not check before. Default: `INHIBITION_RECHECK_MS`. */
  recheckMs?: number;
}): Decision {
  const { incident, suppressionOf, timing, nowMs, recheckMs = INHIBITION_RECHECK_MS } = input;
  if (incident.orphanedAtMs !== undefined || incident.alerts.length === 0)
    return idle(incident, timing, nowMs);

  const open: IncidentAlert[] = [];
  const news: IncidentAlert[] = [];
  const held: Suppression[] = [];
  const heldBack = new Map<string, Suppression['by']>();
  let remindable = false;
  for (const alert of incident.alerts) {
    const changed = incident.notified[episodeOf(alert)] !== alert.status;
    const suppression = suppressionOf(alert);
    if (alert.status === 'resolved') {
      if (changed && suppression?.by === 'silence') held.push(suppression);
      else if (changed) news.push(alert);
    } else if (suppression && changed) {
      held.push(suppression);
      heldBack.set(episodeOf(alert), suppression.by);
    } else {
      open.push(alert);
      if (changed) news.push(alert);
      if (suppression) held.push(suppression);
      else remindable = true;
    }
  }

  const newsAtMs = news.length > 0 ? sendAtMs(incident, news, timing) : Infinity;
  const remindAtMs = remindable && news.length === 0 ? repeatAtMs(incident, timing) : Infinity;
  if (nowMs >= newsAtMs) {
    const alerts = [...open, ...news.filter(({ status }) => status === 'resolved')];
    return { kind: 'send', reason: reasonOf(incident, news, open), alerts, news: news.map(episodeOf) };
  }
  if (nowMs >= remindAtMs) return { kind: 'send', reason: 'repeat', alerts: open, news: [] };
  const untilMs = Math.min(newsAtMs, remindAtMs, recheckAtMs(held, nowMs + recheckMs));
  return { kind: 'wait', untilMs, why: whyWait(news, held), heldBack };
}

/** Nothing is left to send: the incident closes, unless it must remember an early resolved message. */
function idle(incident: Incident, timing: Timing, nowMs: number): Decision {
  const untilMs = nextCheckMs(incident, timing) ?? (incident.alerts.length === 0 ? nowMs : Infinity);
  if (untilMs <= nowMs) return { kind: 'close', why: 'all has ended' };
  return { kind: 'wait', untilMs, why: 'nothing is owed', heldBack: new Map() };
}

function reasonOf(
  incident: Incident,
  news: readonly IncidentAlert[],
  open: readonly IncidentAlert[],
): NotifyReason {
  const firing = news.filter(({ status }) => status === 'firing');
  const unsent = incident.alerts.every((alert) => incident.notified[episodeOf(alert)] === undefined);
  if (unsent && incident.standsInFor !== undefined) return 'fallback';
  if (firing.length > 0 && firing.every(({ heldBack }) => heldBack === 'silence')) return 'silence-ended';
  if (unsent) return firing.length > 0 ? 'first' : 'fired-and-resolved';
  if (firing.length > 0) return 'new-alerts';
  return open.length > 0 ? 'some-resolved' : 'all-resolved';
}

function recheckAtMs(held: readonly Suppression[], inhibitedMs: number): number {
  const times = held.map((s) => (s.by === 'silence' ? s.untilMs : inhibitedMs));
  return times.reduce((first, ms) => Math.min(first, ms), Infinity);
}

function whyWait(news: readonly IncidentAlert[], held: readonly Suppression[]): string {
  if (news.length > 0) return 'not due yet';
  const texts = held.map((s) => (s.by === 'silence' ? 'silenced' : `inhibited by ${s.rule}`));
  return texts.length > 0 ? [...new Set(texts)].join(', ') : 'all was said';
}
