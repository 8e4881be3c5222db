// Short ways to write incidents, for the tests of core/notify/.
import type { Incident, IncidentAlert } from '../core/model/incident.ts';
import type { Labels } from '../core/model/labels.ts';
import type { Route } from '../core/model/route.ts';
import type { Rule } from '../core/model/rule.ts';
import type { Transition } from '../core/model/transition.ts';
import { beginAttempt, concludeAttempt } from '../core/notify/attempt.ts';
import { decideNotification, forgetEnded } from '../core/notify/decide.ts';
import { absorbTransition, openIncident } from '../core/notify/incident.ts';
import type { Suppression } from '../core/notify/suppression.ts';
import type { Timing } from '../core/notify/timing.ts';

export const rule = (name = 'memory', extra: Partial<Rule> = {}): Rule => ({
  name,
  title: 'Memory',
  metric: 'mem_usage',
  where: {},
  condition: { kind: 'above', threshold: 90 },
  forMs: 300_000,
  keepFiringForMs: 0,
  noData: 'keepLast',
  severity: 'warning',
  inhibitedBy: [],
  ...extra,
});

export const route = (name: string, extra: Partial<Route> = {}): Route => ({
  name,
  match: {},
  channels: ['ops'],
  continue: false,
  groupBy: ['rule', 'cluster'],
  groupWaitMs: 0,
  groupIntervalMs: 300_000,
  repeatIntervalMs: REPEAT_MS,
  resolvedEarly: true,
  ...extra,
});

export const n1: Labels = { cluster: 'c1', node: 'n1', role: 'etcd' };
export const n2: Labels = { cluster: 'c1', node: 'n2', role: 'etcd' };

export const transition = (kind: 'firing' | 'resolved', atMs: number, labels = n1): Transition => ({
  id: `${labels.node}-${kind}-${atMs}`,
  alertId: `memory/${labels.node}`,
  rule: 'memory',
  labels,
  kind,
  atMs,
  reason: 'threshold',
  sinceMs: atMs - 1,
});

export const REPEAT_MS = 4 * 3_600_000;
export const timing: Timing = {
  groupWaitMs: 0,
  groupIntervalMs: 300_000,
  repeatIntervalMs: REPEAT_MS,
  resolvedEarly: false,
};

export function absorb(
  incident: Incident,
  t: Transition,
  nowMs: number,
  with_: Partial<Timing> = {},
): Incident {
  const input = { incident, transition: t, rule: rule(), timing: { ...timing, ...with_ }, nowMs };
  return absorbTransition(input);
}

export function opened(
  t = transition('firing', 1_000),
  nowMs = 1_000,
  with_: Partial<Timing> = {},
): Incident {
  const group = { key: 'g', labels: { rule: 'memory', cluster: 'c1' } };
  const incident = openIncident({ route: route('r'), channel: 'ops', group }, t.alertId, t.atMs);
  return absorb(incident, t, nowMs, with_);
}

const free = (): undefined => undefined;
export const decide = (
  incident: Incident,
  nowMs: number,
  suppressionOf: (a: IncidentAlert) => Suppression | undefined = free,
  with_: Partial<Timing> = {},
) => {
  const { incident: kept } = forgetEnded(incident, suppressionOf, nowMs);
  return decideNotification({ incident: kept, suppressionOf, timing: { ...timing, ...with_ }, nowMs });
};

/** Decides, which must result in a message, and concludes as if the channel had accepted it. */
export function delivered(incident: Incident, nowMs: number, with_: Partial<Timing> = {}): Incident {
  const decision = decide(incident, nowMs, free, with_);
  if (decision.kind !== 'send') throw new Error(`decided ${JSON.stringify(decision)}`);
  const attempt = beginAttempt(incident, decision, nowMs);
  return concludeAttempt({ incident, attempt, timing: { ...timing, ...with_ }, nowMs });
}
