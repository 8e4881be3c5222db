import type { Alert } from '../../core/model/alert.ts';
import type { Checkpoint } from '../../core/model/checkpoint.ts';
import type { Delivery } from '../../core/model/delivery.ts';
import type { Incident } from '../../core/model/incident.ts';
import type { Transition, TransitionKind } from '../../core/model/transition.ts';
import type { StateStore } from '../../core/ports.ts';

export const T0 = Date.UTC(2026, 10, 24);

export function alertOf(node: string, change: Partial<Alert> = {}): Alert {
  return {
    id: `mem:${node}`,
    rule: 'mem',
    labels: { cluster: 'c', node, role: 'etcd' },
    status: 'firing',
    sinceMs: T0,
    firedAtMs: T0 + 300_000,
    reason: 'threshold',
    value: 0.1 + 0.2,
    ...change,
  };
}

export function transitionOf(alert: Alert, kind: TransitionKind, atMs: number): Transition {
  const { id: alertId, rule, labels, reason, sinceMs } = alert;
  return {
    id: `${alertId}:${kind}:${atMs}`,
    alertId,
    rule,
    labels,
    kind,
    atMs,
    reason,
    sinceMs,
    value: 91.5,
  };
}

export function checkpointOf(settledToMs: number): Checkpoint {
  return {
    version: 1,
    ruleHash: 'h1',
    metric: 'mem_usage',
    startedAtMs: T0,
    settledToMs,
    evaluatedToMs: settledToMs + 900_000,
    series: [{ labels: { node: 'n' }, status: 'ok', reason: 'threshold', lacking: 0 }],
    emitted: [],
  };
}

export function incidentOf(id: string, change: Partial<Incident> = {}): Incident {
  return {
    id,
    route: 'default',
    channel: 'chat',
    groupKey: `group of ${id}`,
    groupLabels: { cluster: '감시' },
    openedAtMs: T0,
    alerts: [],
    rules: {},
    notified: {},
    notifications: 0,
    ...change,
  };
}

export function holding(...alerts: readonly Alert[]): Incident['alerts'] {
  return alerts.map(({ id, rule, labels, sinceMs, reason }) => ({
    alertId: id,
    rule,
    severity: 'warning',
    labels,
    status: 'firing',
    sinceMs,
    firedAtMs: sinceMs,
    reason,
  }));
}

export function deliveryOf(id: string, incidentId: string, atMs: number): Delivery {
  return {
    id,
    incidentId,
    number: 1,
    attempt: 1,
    channel: 'chat',
    route: 'default',
    reason: 'first',
    status: 'firing',
    atMs,
    durationMs: 12,
    outcome: 'delivered',
    picture: 'sent',
    detail: 'ok',
  };
}

/** Stores new incidents. */
export function putIncidents(state: StateStore, ...incidents: readonly Incident[]): Promise<void> {
  return state.commitIncidents({ incidents: incidents.map((value) => ({ value, version: 0 })) });
}

export async function outboxIds(state: StateStore): Promise<string[]> {
  return (await state.dueOutbox(T0 + 1e9, 100)).map((item) => item.id);
}

export async function transitionIds(state: StateStore): Promise<string[]> {
  return (await state.listTransitions({ fromMs: 0, toMs: T0 + 1e9, limit: 100 })).map(
    (transition) => transition.id,
  );
}

/** The ids of values, with or without a version. */
export function idsOf(list: readonly ({ id: string } | { value: { id: string } })[]): string[] {
  return list.map((one) => ('id' in one ? one.id : one.value.id));
}
