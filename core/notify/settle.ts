import type { Incident, IncidentAlert } from '../model/incident.ts';
import { beginAttempt, concludeAttempt, leaseIncident } from './attempt.ts';
import type { Decision } from './decide.ts';
import { episodeOf } from './episode.ts';
import { isWithheld } from './incident.ts';
import type { Timing } from './timing.ts';

type Send = Extract<Decision, { kind: 'send' }>;
type Rest = Exclude<Decision, { kind: 'send' }>;

/** The incident when nothing is sent now: marks alerts that are withheld, and those that no longer are. */
export function settled(incident: Incident, decision: Rest, nowMs: number): Incident {
  const { dueAtMs: _due, attempt, slot, ...withoutSlot } = incident;
  // Only a message that its service put off keeps its slot: any other takes the next free slot when it is due.
  const rest = { ...withoutSlot, ...(slot && attempt?.limited && { slot }) };
  const notifications = Math.max(rest.notifications, attempt?.number ?? 0);
  if (decision.kind === 'close') return { ...rest, notifications, closedAtMs: nowMs };
  const alerts = rest.alerts.map((alert): IncidentAlert => {
    const heldBack = decision.heldBack.get(episodeOf(alert));
    if (heldBack === undefined) return isWithheld(alert) ? { ...alert, freed: true } : alert;
    const { freed: _freed, ...withheld } = alert;
    return { ...withheld, heldBack };
  });
  const dueAtMs = Number.isFinite(decision.untilMs) ? { dueAtMs: decision.untilMs } : {};
  return { ...rest, alerts, ...(attempt && { attempt }), ...dueAtMs };
}

/** Firings (`episodeOf`) that the decision withholds, and by what. */
export function withheldBy(decision: Rest): ReadonlyMap<string, 'silence' | 'inhibition'> {
  return decision.kind === 'wait' ? decision.heldBack : new Map();
}

/** The incident after a message that its channel accepts without delay; `statuses`: what the message gives of each firing. */
export function acceptedImmediately(
  incident: Incident,
  decision: Send,
  timing: Timing,
  nowMs: number,
): { incident: Incident; number: number; statuses: Readonly<Record<string, 'firing' | 'resolved'>> } {
  const attempt = beginAttempt(incident, decision, nowMs);
  const leased = leaseIncident(incident, attempt);
  const { number, says: statuses } = attempt;
  return { incident: concludeAttempt({ incident: leased, attempt, timing, nowMs }), number, statuses };
}
