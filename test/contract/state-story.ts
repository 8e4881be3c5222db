import type { Alert } from '../../core/model/alert.ts';
import type { Incident } from '../../core/model/incident.ts';
import type { Transition } from '../../core/model/transition.ts';
import type { StateStore } from '../../core/ports.ts';
import { alertOf, deliveryOf, holding, incidentOf, T0, transitionOf } from './state-fixtures.ts';

/**
 * A step of the story, which a killed process must do completely or not at all. `done` is called when it has resolved.
 */
export type Done = (what: 'transition' | 'absorbed' | 'delivery', id: string) => void;

/** Fires and resolves alerts in turn, groups the outbox and delivers, for ever, from the current state. */
export async function playForEver(state: StateStore, done: Done): Promise<void> {
  const stored = await state.listTransitions({ fromMs: T0, toMs: T0 + 1e9, limit: 1e6 });
  for (let step = stored.length; ; step++) {
    await evaluateStep(state, step, done);
    if (step % 2 === 1) await notifyStep(state, step, done);
  }
}

async function evaluateStep(state: StateStore, step: number, done: Done): Promise<void> {
  const firing = step % 2 === 0;
  const node = `n-${Math.floor(step / 2) % 3}`;
  const before = (await state.listAlerts()).find(({ value }) => value.labels.node === node);
  const alert: Alert = alertOf(node, { status: firing ? 'firing' : 'ok', valueAtMs: T0 + step });
  const transition = transitionOf(alert, firing ? 'firing' : 'resolved', T0 + step);
  await state.commitAlert({
    alert,
    expectedVersion: before?.version ?? 0,
    transitions: [transition],
    dueAtMs: T0 + step,
  });
  done('transition', transition.id);
}

async function notifyStep(state: StateStore, step: number, done: Done): Promise<void> {
  for (const { id, transition } of await state.dueOutbox(T0 + step, 10)) {
    const stored = await state.findIncident('default', 'chat', 'group');
    const incident = stored?.value ?? incidentOf(`i-${step}`, { groupKey: 'group' });
    const absorbed: Incident = {
      ...incident,
      alerts: holding(alertOf(String(transition.labels.node))),
      notified: { ...incident.notified, [id]: 'firing' },
      dueAtMs: T0 + step,
    };
    await state.commitIncidents({
      incidents: [{ value: absorbed, version: stored?.version ?? 0 }],
      consumed: [id],
    });
    done('absorbed', id);
  }
  for (const { value, version } of await state.dueIncidents(T0 + step, 10)) {
    const { dueAtMs: _due, ...rest } = value;
    const delivery = deliveryOf(`${value.id}:${value.notifications + 1}`, value.id, T0 + step);
    const closes = step % 8 === 7 ? { closedAtMs: T0 + step } : {};
    const notified: Incident = { ...rest, notifications: value.notifications + 1, ...closes };
    await state.commitIncidents({ incidents: [{ value: notified, version }], delivery });
    done('delivery', delivery.id);
  }
}

/** Returns ids by what was done. @throws when the state does not follow from a whole number of steps */
export async function examineStory(
  state: StateStore,
): Promise<Record<Parameters<Done>[0], ReadonlySet<string>>> {
  const transitions = await state.listTransitions({ fromMs: T0, toMs: T0 + 1e9, limit: 1e6 });
  const incidents = await state.listIncidents({ limit: 1e6 });
  const deliveries = await state.listDeliveries({ limit: 1e6 });
  const waiting = (await state.dueOutbox(T0 + 1e9, 1e6)).map((item) => item.id);
  const absorbed = incidents.flatMap((incident) => Object.keys(incident.notified));

  const delivered = [...waiting, ...absorbed].sort();
  demand(
    delivered.join() ===
      transitions
        .map((transition) => transition.id)
        .sort()
        .join(),
    'each is owed or absorbed, once',
  );
  const newest = new Map<string, Transition>();
  for (const transition of transitions) newest.set(transition.alertId, transition);
  const firing = [...newest.values()].filter((transition) => transition.kind === 'firing');
  const alerts = (await state.listAlerts()).map(({ value }) => `${value.id}@${value.valueAtMs}`);
  const expected = firing.map((transition) => `${transition.alertId}@${transition.atMs}`);
  demand(alerts.sort().join() === expected.sort().join(), 'an alert says what its newest transition says');
  for (const { id, notifications } of incidents) {
    const mine = deliveries.filter((delivery) => delivery.incidentId === id);
    demand(mine.length === notifications, `${id} has a delivery for each notification`);
  }
  const due = waiting.length > 0 || incidents.some((incident) => incident.dueAtMs !== undefined);
  demand(((await state.nextDueMs()) !== undefined) === due, 'something is due if anything is owed');
  return {
    transition: new Set(transitions.map((transition) => transition.id)),
    absorbed: new Set(absorbed),
    delivery: new Set(deliveries.map((delivery) => delivery.id)),
  };
}

function demand(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not so: ${what}`);
}
