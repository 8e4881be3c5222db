import { describe, expect, it } from 'vitest';
import type { Pace } from '../../core/model/pace.ts';
import { takeSlot } from '../../core/notify/pace.ts';
import type { StateStore } from '../../core/ports.ts';
import { T0 } from './state-fixtures.ts';

/** The contract for the paces of destinations; `another` opens the same state as another process. */
export function describePaceState(state: () => StateStore, another: () => Promise<StateStore>): void {
  const take = (store: StateStore, key: string, nowMs = T0) =>
    store.changePace(key, (before) => {
      const input = { destination: { key, everyMs: 1_000 }, slot: undefined, lane: 'normal', nowMs } as const;
      const { pace, atMs } = takeSlot(before, input);
      return { pace, result: atMs - nowMs };
    });
  const read = (store: StateStore, key: string) =>
    store.changePace<Pace | undefined>(key, (pace) => ({ pace: undefined, result: pace }));

  describe('paces', () => {
    it('exist after their first change, independent of each other', async () => {
      expect(await read(state(), 'a')).toBeUndefined();
      expect([await take(state(), 'a'), await take(state(), 'a'), await take(state(), 'b')]).toEqual([
        0, 1_000, 0,
      ]);
      const kept = await read(state(), 'a');
      expect(kept).toMatchObject({ refusals: 0, changedAtMs: T0, lanes: { normal: { endMs: T0 + 2_000 } } });
      expect(await read(state(), 'a')).toEqual(kept);
    });

    it('give each slot once to many senders in two processes', async () => {
      const other = await another();
      const both = [state(), other];
      const taken = await Promise.all(
        Array.from({ length: 12 }, (_, i) => take(both[i % 2] as StateStore, 'a')),
      );
      expect(taken.sort((x, y) => x - y)).toEqual(Array.from({ length: 12 }, (_, i) => i * 1_000));
      await other.close();
    });

    it('stay unchanged when the change fails', async () => {
      await take(state(), 'a');
      const failing = state().changePace('a', () => {
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      expect(await take(state(), 'a')).toBe(1_000);
    });

    it('are kept while they are used', async () => {
      await take(state(), 'a', T0);
      await state().prune(T0 - 1);
      expect(await read(state(), 'a')).toBeDefined();
    });
  });
}
