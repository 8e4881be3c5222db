// What happened to alerts and who was sent what of it, for people who ask later.
import type { Delivery } from '../model/delivery.ts';
import type { IncidentAlert } from '../model/incident.ts';
import type { Labels } from '../model/labels.ts';
import type { Transition, TransitionReason } from '../model/transition.ts';

/** One firing of an alert. */
export interface PastFiring {
  alertId: string;
  rule: string;
  labels: Labels;
  sinceMs: number;
  firedAtMs: number;
  /** Absent: it fires still. */
  resolvedAtMs?: number;
  clearedAtMs?: number;
  /** Reason of the last transition. */
  reason: TransitionReason;
  value?: number;
}

/** A message that brought a channel news of an alert. */
export interface SentMessage {
  channel: string;
  route: string;
  status: IncidentAlert['status'];
  atMs: number;
}

/** Firings, newest first, of transitions in the order of their time. A resolved one without its firing is left out. */
export function pastFirings(transitions: readonly Transition[]): PastFiring[] {
  const open = new Map<string, PastFiring>();
  const firings: PastFiring[] = [];
  for (const { alertId, rule, labels, kind, atMs, sinceMs, clearedAtMs, reason, value } of transitions) {
    if (kind === 'firing') {
      const firing: PastFiring = {
        alertId,
        rule,
        labels,
        sinceMs,
        firedAtMs: atMs,
        reason,
        ...known({ value }),
      };
      open.set(alertId, firing);
      firings.push(firing);
    } else if (kind === 'resolved') {
      const firing = open.get(alertId);
      open.delete(alertId);
      if (firing) Object.assign(firing, { resolvedAtMs: atMs, reason, ...known({ clearedAtMs, value }) });
    }
  }
  return firings.sort((a, b) => b.firedAtMs - a.firedAtMs);
}

/** By firing (`episodeOf`), oldest first. Deliveries of older releases do not say what was new in them. */
export function sentMessages(deliveries: readonly Delivery[]): Map<string, SentMessage[]> {
  const sent = new Map<string, SentMessage[]>();
  for (const { channel, route, atMs, news = {} } of deliveries.toSorted((a, b) => a.atMs - b.atMs)) {
    for (const [episode, status] of Object.entries(news)) {
      const before = sent.get(episode);
      const message = { channel, route, status, atMs };
      if (before) before.push(message);
      else sent.set(episode, [message]);
    }
  }
  return sent;
}

function known<T extends Record<string, number | undefined>>(fields: T): { [K in keyof T]?: number } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: number;
  };
}
