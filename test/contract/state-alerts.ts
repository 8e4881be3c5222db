import { describe, expect, it } from 'vitest';
import { ConflictError } from '../../core/errors.ts';
import type { StateStore } from '../../core/ports.ts';
import {
  alertOf,
  checkpointOf,
  idsOf,
  outboxIds,
  T0,
  transitionIds,
  transitionOf,
} from './state-fixtures.ts';

/** What evaluate needs: checkpoints, alerts, transitions, outbox. */
export function describeAlertState(state: () => StateStore): void {
  describe('checkpoints', () => {
    it('are stored for each rule and shard, and replaced only from the version that was read', async () => {
      expect(await state().loadCheckpoint('mem', 'local')).toBeUndefined();
      await state().saveCheckpoint('mem', 'local', checkpointOf(1), 0);
      await state().saveCheckpoint('mem', 'other', checkpointOf(2), 0);
      expect(await state().loadCheckpoint('mem', 'local')).toEqual({ value: checkpointOf(1), version: 1 });
      await state().saveCheckpoint('mem', 'local', checkpointOf(3), 1);
      for (const stale of [0, 1, 3]) {
        await expect(state().saveCheckpoint('mem', 'local', checkpointOf(9), stale)).rejects.toThrow(
          ConflictError,
        );
      }
      expect(await state().loadCheckpoint('mem', 'local')).toEqual({ value: checkpointOf(3), version: 2 });
      expect(await state().loadCheckpoint('mem', 'other')).toEqual({ value: checkpointOf(2), version: 1 });
    });

    it('can be deleted, and then start from version 0', async () => {
      await state().saveCheckpoint('mem', 'local', checkpointOf(1), 0);
      await state().deleteCheckpoint('mem', 'local');
      await state().deleteCheckpoint('mem', 'local');
      expect(await state().loadCheckpoint('mem', 'local')).toBeUndefined();
      await expect(state().saveCheckpoint('mem', 'local', checkpointOf(2), 1)).rejects.toThrow(ConflictError);
      await state().saveCheckpoint('mem', 'local', checkpointOf(2), 0);
    });

    it('are listed by the shards that have one of a rule', async () => {
      for (const [rule, shard] of [
        ['mem', '0/2'],
        ['mem', 'fleet'],
        ['mem-2', '1/2'],
      ] as const) {
        await state().saveCheckpoint(rule, shard, checkpointOf(1), 0);
      }
      const alert = alertOf('n', { rule: 'disk' });
      await state().commitAlert({ alert, expectedVersion: 0, transitions: [], dueAtMs: T0 });
      expect((await state().listCheckpoints('mem')).sort()).toEqual(['0/2', 'fleet']);
      expect(await state().listCheckpoints('disk')).toEqual([]);
      await state().deleteCheckpoint('mem', 'fleet');
      expect(await state().listCheckpoints('mem')).toEqual(['0/2']);
    });

    it('list, together with alerts, the names of their rules', async () => {
      expect(await state().listRules()).toEqual([]);
      await state().saveCheckpoint('mem', 'a', checkpointOf(1), 0);
      await state().saveCheckpoint('mem', 'b', checkpointOf(1), 0);
      const alert = alertOf('n', { rule: 'disk' });
      await state().commitAlert({ alert, expectedVersion: 0, transitions: [], dueAtMs: T0 });
      expect((await state().listRules()).sort()).toEqual(['disk', 'mem']);
    });
  });

  describe('alerts', () => {
    it('are stored with transitions, and with an outbox item for each that is sent', async () => {
      const alert = alertOf('n');
      const transitions = (['pending', 'firing', 'resolved', 'cancelled'] as const).map((kind, i) =>
        transitionOf(alert, kind, T0 + i),
      );
      await state().commitAlert({ alert, expectedVersion: 0, transitions, dueAtMs: T0 + 7 });
      expect(await state().listAlerts()).toEqual([{ value: alert, version: 1 }]);
      expect(await state().listTransitions({ fromMs: T0, toMs: T0 + 3, limit: 10 })).toEqual(transitions);
      expect(await state().dueOutbox(T0 + 7, 10)).toEqual(
        transitions.slice(1, 3).map((transition) => ({ id: transition.id, dueAtMs: T0 + 7, transition })),
      );
    });

    it('change only from the version that was read, and a refused change leaves nothing', async () => {
      const alert = alertOf('n');
      const firing = transitionOf(alert, 'firing', T0);
      await state().commitAlert({ alert, expectedVersion: 0, transitions: [], dueAtMs: T0 });
      for (const expectedVersion of [0, 2]) {
        const stale = state().commitAlert({ alert, expectedVersion, transitions: [firing], dueAtMs: T0 });
        await expect(stale).rejects.toThrow(ConflictError);
      }
      expect(await transitionIds(state())).toEqual([]);
      expect(await outboxIds(state())).toEqual([]);
      const changed = { ...alert, clearedAtMs: T0 + 9 };
      await state().commitAlert({ alert: changed, expectedVersion: 1, transitions: [], dueAtMs: T0 });
      expect(await state().listAlerts()).toEqual([{ value: changed, version: 2 }]);
    });

    it('are deleted when they are ok, and start from version 0 again', async () => {
      const alert = alertOf('n');
      const ok = alertOf('n', { status: 'ok', resolvedAtMs: T0 + 9 });
      const resolved = transitionOf(alert, 'resolved', T0 + 9);
      await state().commitAlert({ alert, expectedVersion: 0, transitions: [], dueAtMs: T0 });
      await expect(
        state().commitAlert({ alert: ok, expectedVersion: 0, transitions: [resolved], dueAtMs: T0 }),
      ).rejects.toThrow(ConflictError);
      await state().commitAlert({ alert: ok, expectedVersion: 1, transitions: [resolved], dueAtMs: T0 });
      expect(await state().listAlerts()).toEqual([]);
      expect(await outboxIds(state())).toEqual([resolved.id]);
      await state().commitAlert({ alert, expectedVersion: 0, transitions: [], dueAtMs: T0 });
      expect(await state().listAlerts()).toEqual([{ value: alert, version: 1 }]);
    });

    it('that fired and resolved at once leave only their transitions', async () => {
      const alert = alertOf('n', { status: 'ok' });
      const transitions = [transitionOf(alert, 'firing', T0), transitionOf(alert, 'resolved', T0 + 1)];
      await state().commitAlert({ alert, expectedVersion: 0, transitions, dueAtMs: T0 });
      expect(await state().listAlerts()).toEqual([]);
      expect(await outboxIds(state())).toEqual(idsOf(transitions));
    });

    it('repeated after a crash add nothing to the outbox, whether it was taken or not', async () => {
      const alert = alertOf('n');
      const firing = transitionOf(alert, 'firing', T0);
      const commit = (expectedVersion: number, dueAtMs: number) =>
        state().commitAlert({ alert, expectedVersion, transitions: [firing], dueAtMs });
      await commit(0, T0 + 1);
      await commit(1, T0 + 2);
      expect(await state().dueOutbox(T0 + 1, 10)).toHaveLength(1);
      expect(await state().dueOutbox(Infinity, 10)).toHaveLength(1);
      await state().commitIncidents({ incidents: [], consumed: [firing.id] });
      await commit(2, T0 + 3);
      const other = { ...firing, reason: 'no-data' as const };
      await state().commitAlert({ alert, expectedVersion: 3, transitions: [other], dueAtMs: T0 });
      expect(await outboxIds(state())).toEqual([]);
      expect(await state().listTransitions({ fromMs: T0, toMs: T0, limit: 10 })).toEqual([firing]);
    });

    it('are listed by rule', async () => {
      for (const alert of [alertOf('a'), alertOf('b'), alertOf('c', { rule: 'disk' })]) {
        await state().commitAlert({ alert, expectedVersion: 0, transitions: [], dueAtMs: T0 });
      }
      expect(idsOf(await state().listAlerts()).sort()).toEqual(['mem:a', 'mem:b', 'mem:c']);
      expect(idsOf(await state().listAlerts('mem')).sort()).toEqual(['mem:a', 'mem:b']);
      expect(await state().listAlerts('none')).toEqual([]);
    });

    it('have their transitions by time and by alert, oldest first, up to a limit', async () => {
      const [a, b] = [alertOf('a'), alertOf('b')];
      const of = (alert: typeof a, ...minutes: number[]) =>
        minutes.map((m) => transitionOf(alert, 'firing', T0 + m));
      await state().commitAlert({ alert: a, expectedVersion: 0, transitions: of(a, 5, 1, 3), dueAtMs: T0 });
      await state().commitAlert({ alert: b, expectedVersion: 0, transitions: of(b, 2, 4), dueAtMs: T0 });
      const minutes = async (query: { fromMs: number; toMs: number; alertId?: string; limit?: number }) =>
        (await state().listTransitions({ limit: 10, ...query })).map((transition) => transition.atMs - T0);
      expect(await minutes({ fromMs: T0 + 1, toMs: T0 + 4 })).toEqual([1, 2, 3, 4]);
      expect(await minutes({ fromMs: T0 + 2, toMs: T0 + 9, limit: 2 })).toEqual([2, 3]);
      expect(await minutes({ fromMs: 0, toMs: T0 + 9, alertId: a.id })).toEqual([1, 3, 5]);
    });
  });

  describe('outbox', () => {
    it('returns due items in the order of due time and event, up to a limit', async () => {
      const items = [
        { node: 'a', atMs: T0 + 3, dueAtMs: T0 + 10 },
        { node: 'b', atMs: T0 + 1, dueAtMs: T0 + 10 },
        { node: 'c', atMs: T0 + 2, dueAtMs: T0 + 5 },
        { node: 'd', atMs: T0 + 0, dueAtMs: T0 + 20 },
      ];
      expect(await state().nextDueMs()).toBeUndefined();
      for (const { node, atMs, dueAtMs } of items) {
        const alert = alertOf(node);
        const transitions = [transitionOf(alert, 'firing', atMs)];
        await state().commitAlert({ alert, expectedVersion: 0, transitions, dueAtMs });
      }
      const due = async (nowMs: number, limit = 10) =>
        (await state().dueOutbox(nowMs, limit)).map((item) => item.transition.labels.node);
      expect(await due(T0 + 4)).toEqual([]);
      expect(await due(T0 + 5)).toEqual(['c']);
      expect(await due(T0 + 10)).toEqual(['c', 'b', 'a']);
      expect(await due(T0 + 99, 2)).toEqual(['c', 'b']);
      expect(await state().nextDueMs()).toBe(T0 + 5);
    });
  });
}
