import { describe, expect, it } from 'vitest';
import type { StoredSilence } from '../../core/model/silence.ts';
import type { StateStore } from '../../core/ports.ts';
import { idsOf, T0 } from './state-fixtures.ts';

export function silenceOf(id: string, untilMs: number, change: Partial<StoredSilence> = {}): StoredSilence {
  return {
    id,
    matchers: [{ name: 'node', op: '=~', value: 'n.*|감시' }],
    fromMs: T0,
    untilMs,
    createdAtMs: T0,
    author: 'ann',
    comment: '디스크 교체',
    ...change,
  };
}

/** What the command line writes and notify reads: silences added at run time. */
export function describeSilenceState({
  state,
  reopen,
}: {
  state: () => StateStore;
  /** The same state, opened by another process. */
  reopen: () => Promise<StateStore>;
}): void {
  describe('silences', () => {
    const listed = async (endedAfterMs: number) => idsOf(await state().listSilences({ endedAfterMs }));

    it('are stored completely, and visible at once to another process', async () => {
      const acknowledged = silenceOf('s2', T0 + 9, { alertId: 'mem:n', matchers: [] });
      await state().putSilence(silenceOf('s1', T0 + 10));
      await state().putSilence(acknowledged);
      const other = await reopen();
      expect(await other.listSilences({ endedAfterMs: T0 })).toEqual([
        acknowledged,
        silenceOf('s1', T0 + 10),
      ]);
      await other.close();
    });

    it('are listed until they end, also future ones, ordered by their end', async () => {
      await state().putSilence(silenceOf('later', T0 + 30, { fromMs: T0 + 20 }));
      await state().putSilence(silenceOf('b', T0 + 10));
      await state().putSilence(silenceOf('a', T0 + 10));
      expect(await listed(T0)).toEqual(['a', 'b', 'later']);
      expect(await listed(T0 + 9)).toEqual(['a', 'b', 'later']);
      expect(await listed(T0 + 10)).toEqual(['later']);
      expect(await listed(T0 + 30)).toEqual([]);
    });

    it('are replaced by one with the same id', async () => {
      await state().putSilence(silenceOf('s1', T0 + 10));
      await state().putSilence(silenceOf('s1', T0 + 20, { comment: 'longer' }));
      await state().putSilence(silenceOf('s1', T0 + 20, { comment: 'other words' }));
      expect(await state().listSilences({ endedAfterMs: T0 })).toEqual([
        silenceOf('s1', T0 + 20, { comment: 'other words' }),
      ]);
    });

    it('are ended once, and the result says whether there was one to end', async () => {
      await state().putSilence(silenceOf('s1', T0 + 10));
      await state().putSilence(silenceOf('future', T0 + 30, { fromMs: T0 + 20 }));
      expect(await state().expireSilence('unknown', T0 + 5)).toBe(false);
      expect(await state().expireSilence('s1', T0 + 10)).toBe(false);
      expect(await state().expireSilence('s1', T0 + 5)).toBe(true);
      expect(await state().expireSilence('s1', T0 + 5)).toBe(false);
      expect(await state().expireSilence('future', T0 + 6)).toBe(true);
      expect(await listed(T0 + 6)).toEqual([]);
      expect(await state().listSilences({ endedAfterMs: T0 })).toEqual([
        silenceOf('s1', T0 + 5),
        silenceOf('future', T0 + 6, { fromMs: T0 + 6 }),
      ]);
    });

    it('are pruned some time after their end', async () => {
      await state().putSilence(silenceOf('old', T0 - 1));
      await state().putSilence(silenceOf('s1', T0));
      expect(await state().prune(T0)).toBe(1);
      expect(await listed(0)).toEqual(['s1']);
    });
  });
}
