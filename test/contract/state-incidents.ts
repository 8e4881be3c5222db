import { describe, expect, it } from 'vitest';
import { ConflictError } from '../../core/errors.ts';
import type { StateStore } from '../../core/ports.ts';
import {
  alertOf,
  deliveryOf,
  holding,
  idsOf,
  incidentOf,
  outboxIds,
  putIncidents,
  T0,
  transitionIds,
  transitionOf,
} from './state-fixtures.ts';

/** What notify needs: incidents, deliveries, and the outbox items of the same commit. */
export function describeIncidentState(state: () => StateStore): void {
  describe('incidents', () => {
    it('are stored completely, found by their group while they are open, and always by id', async () => {
      const value = incidentOf('i1', {
        alerts: holding(alertOf('n')),
        dueAtMs: T0 + 5,
        notified: { a: 'firing' },
      });
      await putIncidents(state(), value, incidentOf('i2', { channel: 'mail' }));
      expect(await state().findIncident('default', 'chat', value.groupKey)).toEqual({ value, version: 1 });
      expect(await state().findIncident('default', 'mail', value.groupKey)).toBeUndefined();
      expect(await state().findIncident('other', 'chat', value.groupKey)).toBeUndefined();
      expect(await state().loadIncident('none')).toBeUndefined();
      const closed = { ...value, closedAtMs: T0 + 9 };
      await state().commitIncidents({ incidents: [{ value: closed, version: 1 }] });
      expect(await state().findIncident('default', 'chat', value.groupKey)).toBeUndefined();
      expect(await state().loadIncident('i1')).toEqual({ value: closed, version: 2 });
    });

    it('change only from the version that was read; one stale incident refuses the whole commit', async () => {
      const alert = alertOf('n');
      const firing = transitionOf(alert, 'firing', T0);
      await state().commitAlert({ alert, expectedVersion: 0, transitions: [firing], dueAtMs: T0 });
      await putIncidents(state(), incidentOf('i1'));
      const stale = state().commitIncidents({
        incidents: [
          { value: incidentOf('i2'), version: 0 },
          { value: incidentOf('i1', { notifications: 5 }), version: 0 },
        ],
        consumed: [firing.id],
        delivery: deliveryOf('d1', 'i1', T0),
      });
      await expect(stale).rejects.toThrow(ConflictError);
      expect(await state().loadIncident('i2')).toBeUndefined();
      expect((await state().loadIncident('i1'))?.value.notifications).toBe(0);
      expect(await outboxIds(state())).toEqual([firing.id]);
      expect(await state().listDeliveries({ limit: 10 })).toEqual([]);
    });

    it('are committed together with outbox items and deliveries', async () => {
      const alert = alertOf('n');
      const transitions = [transitionOf(alert, 'firing', T0), transitionOf(alert, 'resolved', T0 + 1)];
      await state().commitAlert({ alert, expectedVersion: 0, transitions, dueAtMs: T0 });
      await state().commitIncidents({
        incidents: [{ value: incidentOf('i1'), version: 0 }],
        consumed: [transitions[0]?.id ?? '', 'taken by another already'],
        delivery: deliveryOf('d1', 'i1', T0),
      });
      expect(await outboxIds(state())).toEqual([transitions[1]?.id]);
      expect(await transitionIds(state())).toEqual(idsOf(transitions));
      expect(await state().listDeliveries({ limit: 10 })).toEqual([deliveryOf('d1', 'i1', T0)]);
    });

    it('are found by an alert that they contain while they are open', async () => {
      const [a, b] = [alertOf('a'), alertOf('b')];
      const both = incidentOf('i1', { alerts: holding(a, b) });
      await putIncidents(state(), both, incidentOf('i2', { alerts: holding(a) }));
      expect(idsOf(await state().incidentsOfAlert(a.id)).sort()).toEqual(['i1', 'i2']);
      expect(await state().incidentsOfAlert(b.id)).toEqual([{ value: both, version: 1 }]);
      const without = { ...both, alerts: holding(b) };
      await state().commitIncidents({ incidents: [{ value: without, version: 1 }] });
      expect(idsOf(await state().incidentsOfAlert(a.id))).toEqual(['i2']);
      await state().commitIncidents({
        incidents: [{ value: { ...without, closedAtMs: T0 + 1 }, version: 2 }],
      });
      expect(await state().incidentsOfAlert(b.id)).toEqual([]);
    });

    it('are due at their time, in order, up to a limit; closed or idle ones never', async () => {
      await putIncidents(
        state(),
        incidentOf('late', { dueAtMs: T0 + 9 }),
        incidentOf('soon', { dueAtMs: T0 + 5 }),
        incidentOf('idle'),
        incidentOf('closed', { dueAtMs: T0 + 1, closedAtMs: T0 }),
      );
      expect(idsOf(await state().dueIncidents(T0 + 4, 10))).toEqual([]);
      expect(idsOf(await state().dueIncidents(T0 + 5, 10))).toEqual(['soon']);
      expect(idsOf(await state().dueIncidents(T0 + 9, 10))).toEqual(['soon', 'late']);
      expect(idsOf(await state().dueIncidents(T0 + 9, 1))).toEqual(['soon']);
      expect(await state().nextDueMs()).toBe(T0 + 5);
      const { dueAtMs: _due, ...idle } = incidentOf('soon', { dueAtMs: T0 + 5 });
      await state().commitIncidents({ incidents: [{ value: idle, version: 1 }] });
      expect(await state().nextDueMs()).toBe(T0 + 9);
    });

    it('that cannot be stored cause no conflict error, because nobody else was faster', async () => {
      const odd = putIncidents(state(), incidentOf('odd', { dueAtMs: T0 + 0.5 }));
      const outcome = await odd.then(
        () => 'stored',
        (error: unknown) => error,
      );
      expect(outcome).not.toBeInstanceOf(ConflictError);
    });

    it('are listed newest first, open and closed ones separately on request', async () => {
      await putIncidents(
        state(),
        incidentOf('old', { openedAtMs: T0 + 1, closedAtMs: T0 + 2 }),
        incidentOf('new', { openedAtMs: T0 + 3 }),
        incidentOf('newest', { openedAtMs: T0 + 4, closedAtMs: T0 + 5 }),
      );
      expect(idsOf(await state().listIncidents({ limit: 10 }))).toEqual(['newest', 'new', 'old']);
      expect(idsOf(await state().listIncidents({ limit: 2 }))).toEqual(['newest', 'new']);
      expect(idsOf(await state().listIncidents({ open: true, limit: 10 }))).toEqual(['new']);
      expect(idsOf(await state().listIncidents({ open: false, limit: 10 }))).toEqual(['newest', 'old']);
      const open = await state().openIncidents();
      expect(open.map(({ value, version }) => [value.id, version])).toEqual([['new', 1]]);
    });

    it('have their deliveries, newest first, up to a limit', async () => {
      const deliveries = [
        deliveryOf('d1', 'i1', T0 + 1),
        deliveryOf('d2', 'i2', T0 + 2),
        deliveryOf('d3', 'i1', T0 + 3),
      ];
      for (const delivery of deliveries) await state().commitIncidents({ incidents: [], delivery });
      expect(idsOf(await state().listDeliveries({ limit: 10 }))).toEqual(['d3', 'd2', 'd1']);
      expect(idsOf(await state().listDeliveries({ incidentId: 'i1', limit: 10 }))).toEqual(['d3', 'd1']);
      expect(idsOf(await state().listDeliveries({ incidentId: 'i1', limit: 1 }))).toEqual(['d3']);
    });

    it('keep the last write of a delivery, because a picture may follow its message', async () => {
      const delivery = deliveryOf('d1', 'i1', T0 + 1);
      await state().commitIncidents({ incidents: [], delivery: { ...delivery, picture: 'late' } });
      await state().commitIncidents({ incidents: [], delivery: { ...delivery, picture: 'followed' } });
      for (const query of [{ limit: 10 }, { incidentId: 'i1', limit: 10 }]) {
        expect((await state().listDeliveries(query)).map(({ picture }) => picture)).toEqual(['followed']);
      }
    });
  });
}
