import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConflictError } from '../../core/errors.ts';
import type { TargetStatus } from '../../core/model/target-status.ts';
import type { StateStore } from '../../core/ports.ts';
import { describeAlertState } from './state-alerts.ts';
import {
  alertOf,
  checkpointOf,
  deliveryOf,
  idsOf,
  incidentOf,
  outboxIds,
  putIncidents,
  T0,
  transitionIds,
  transitionOf,
} from './state-fixtures.ts';
import { describeIncidentState } from './state-incidents.ts';
import { describeLateSamples } from './state-late-samples.ts';
import { describePaceState } from './state-paces.ts';
import { describeSilenceState } from './state-silences.ts';
import { describeTokenState } from './state-tokens.ts';

/** State in a folder or table that is deleted after each test. */
export interface StateStoreHarness {
  /** Each call opens the same state again, as another process would. */
  open(): Promise<StateStore>;
  remove(): Promise<void>;
}

/** The contract of every state store. Registers tests; call it at the top of a test file. */
export function describeStateStore(name: string, create: () => Promise<StateStoreHarness>): void {
  describe(`state store contract: ${name}`, () => {
    let harness: StateStoreHarness;
    let state: StateStore;
    beforeEach(async () => {
      harness = await create();
      state = await harness.open();
    });
    afterEach(async () => {
      await state.close();
      await harness.remove();
    });

    describeAlertState(() => state);
    describePaceState(
      () => state,
      () => harness.open(),
    );
    describeIncidentState(() => state);
    describeLateSamples(() => state);

    describe('records', () => {
      const status = (node: string, roundMs: number, ok = true): TargetStatus => ({
        cluster: 'c',
        node,
        check: 'usage',
        roundMs,
        ok,
        ...(ok ? {} : { reason: 'timeout', detail: 'no answer' }),
      });

      const batch = (index: number) => ({ bastion: 'b', index });
      const listed = async () =>
        (await state.listTargetStatus()).sort((x, y) =>
          `${x.node}${x.check}`.localeCompare(`${y.node}${y.check}`),
        );

      it('keep the newest status of each target and check', async () => {
        await state.putTargetStatus([status('a', T0), status('b', T0, false)], batch(0));
        await state.putTargetStatus([status('a', T0 + 2, false), status('b', T0 - 1)], batch(0));
        await state.putTargetStatus([{ ...status('a', T0, false), check: 'http' }], batch(0));
        await state.putTargetStatus([{ ...status('a', T0), check: 'http' }], batch(0));
        expect(await listed()).toEqual([
          { ...status('a', T0), check: 'http' },
          status('a', T0 + 2, false),
          status('b', T0, false),
        ]);
      });

      it('keep one status, the newest, of a target that moved to another batch', async () => {
        await state.putTargetStatus([status('a', T0, false), status('b', T0)], batch(0));
        await state.putTargetStatus([status('a', T0 + 2)], batch(1));
        await state.putTargetStatus([status('a', T0 + 1, false), status('b', T0 + 1)], batch(0));
        expect(await listed()).toEqual([status('a', T0 + 2), status('b', T0 + 1)]);
      });

      it('keep concurrent writes of messages of one batch and of others', async () => {
        const nodes = ['a', 'b', 'c', 'd'];
        const writes = [3, 0, 4, 1, 2].flatMap((round) => [
          state.putTargetStatus(
            nodes.map((node) => status(node, T0 + round)),
            batch(0),
          ),
          state.putTargetStatus([status(`${round}`, T0), status('a', T0 - round)], batch(1)),
        ]);
        await Promise.all(writes);
        expect(await listed()).toEqual([
          ...['0', '1', '2', '3', '4'].map((node) => status(node, T0)),
          ...nodes.map((node) => status(node, T0 + 4)),
        ]);
      });

      it('keep the last head of each audit writer', async () => {
        await state.putAuditHead('w1', { sequence: 1, hash: 'aa', atMs: T0 });
        await state.putAuditHead('w2', { sequence: 5, hash: 'bb', atMs: T0 });
        await state.putAuditHead('w1', { sequence: 2, hash: 'cc', atMs: T0 + 1 });
        expect(await state.listAuditHeads()).toEqual([
          { writer: 'w1', sequence: 2, hash: 'cc', atMs: T0 + 1 },
          { writer: 'w2', sequence: 5, hash: 'bb', atMs: T0 },
        ]);
      });

      it('keep the last counters that were saved', async () => {
        expect(await state.counters.load('batch-0')).toBeUndefined();
        await state.counters.save('batch-0', { boot: 'x', cpu: [1, 2.5], none: null });
        await state.counters.save('batch-1', 7);
        await state.counters.save('batch-0', { boot: 'y' });
        expect(await state.counters.load('batch-0')).toEqual({ boot: 'y' });
        expect(await state.counters.load('batch-1')).toBe(7);
      });
    });

    describeSilenceState({ state: () => state, reopen: () => harness.open() });
    describeTokenState({ state: () => state, reopen: () => harness.open() });

    it('are pruned when they ended before, except those that are still due', async () => {
      const alert = alertOf('n');
      const old = [transitionOf(alert, 'pending', T0 - 3), transitionOf(alert, 'firing', T0 - 2)];
      const kept = transitionOf(alert, 'resolved', T0);
      await state.commitAlert({ alert, expectedVersion: 0, transitions: [...old, kept], dueAtMs: T0 });
      await putIncidents(
        state,
        incidentOf('open', { openedAtMs: T0 - 9 }),
        incidentOf('closed', { openedAtMs: T0 - 9, closedAtMs: T0 - 1 }),
        incidentOf('closed later', { openedAtMs: T0 - 9, closedAtMs: T0 }),
      );
      for (const delivery of [deliveryOf('d1', 'closed', T0 - 1), deliveryOf('d2', 'open', T0)]) {
        await state.commitIncidents({ incidents: [], consumed: [old[1]?.id ?? ''], delivery });
      }
      await state.saveCheckpoint('mem', 'local', checkpointOf(1), 0);
      expect(await state.prune(T0)).toBe(4);
      expect(await transitionIds(state)).toEqual([kept.id]);
      expect(idsOf(await state.listIncidents({ limit: 10 })).sort()).toEqual(['closed later', 'open']);
      expect(idsOf(await state.listDeliveries({ limit: 10 }))).toEqual(['d2']);
      expect(await outboxIds(state)).toEqual([kept.id]);
      expect(await state.listAlerts()).toHaveLength(1);
      expect(await state.loadCheckpoint('mem', 'local')).toBeDefined();
      expect(await state.prune(T0)).toBe(0);
    });

    it('are never pruned before they were sent', async () => {
      const alert = alertOf('n');
      const firing = transitionOf(alert, 'firing', T0);
      await state.commitAlert({ alert, expectedVersion: 0, transitions: [firing], dueAtMs: T0 });
      await state.prune(T0 + 1e6);
      expect(await state.dueOutbox(T0, 10)).toEqual([{ id: firing.id, dueAtMs: T0, transition: firing }]);
    });

    it('are copies: a caller who changes an answer changes nothing in the store', async () => {
      const alert = alertOf('n');
      await state.commitAlert({ alert, expectedVersion: 0, transitions: [], dueAtMs: T0 });
      const [stored] = await state.listAlerts();
      if (stored) stored.value.status = 'pending';
      alert.status = 'pending';
      expect((await state.listAlerts())[0]?.value.status).toBe('firing');
    });

    it('are all there after the store was closed and opened', async () => {
      const alert = alertOf('n');
      const firing = transitionOf(alert, 'firing', T0);
      await state.commitAlert({ alert, expectedVersion: 0, transitions: [firing], dueAtMs: T0 });
      await putIncidents(state, incidentOf('i1', { dueAtMs: T0 + 5 }));
      await state.close();
      state = await harness.open();
      expect(await state.listAlerts()).toEqual([{ value: alert, version: 1 }]);
      expect(await outboxIds(state)).toEqual([firing.id]);
      expect(idsOf(await state.dueIncidents(T0 + 5, 10))).toEqual(['i1']);
      await expect(putIncidents(state, incidentOf('i1'))).rejects.toThrow(ConflictError);
    });
  });
}
