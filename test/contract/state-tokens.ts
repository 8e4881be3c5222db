import { describe, expect, it } from 'vitest';
import type { StoredToken } from '../../core/model/token.ts';
import type { StateStore } from '../../core/ports.ts';
import { idsOf, T0 } from './state-fixtures.ts';

export function tokenOf(id: string, change: Partial<StoredToken> = {}): StoredToken {
  return {
    id,
    name: `dashboards ${id}`,
    hash: 'ab'.repeat(32),
    scope: 'read',
    createdAtMs: T0,
    author: 'ann',
    ...change,
  };
}

/** What the command line writes and the history service reads: tokens. */
export function describeTokenState({
  state,
  reopen,
}: {
  state: () => StateStore;
  /** The same state, opened by another process. */
  reopen: () => Promise<StateStore>;
}): void {
  describe('tokens', () => {
    it('are stored completely, in order of their creation, and visible at once to another process', async () => {
      const selector = [{ name: 'cluster', op: '=~', value: 'prod-.*|감시'.repeat(200) }] as const;
      const later = tokenOf('a', { createdAtMs: T0 + 1, expiresAtMs: T0 + 9, selector, scope: 'silence' });
      await state().putToken(later);
      await state().putToken(tokenOf('b'));
      const other = await reopen();
      expect(await other.listTokens()).toEqual([tokenOf('b'), later]);
      expect(await other.findToken('a')).toEqual(later);
      expect(await other.findToken('c')).toBeUndefined();
      await other.putToken(tokenOf('b', { name: 'other' }));
      await other.close();
      expect(await state().findToken('b')).toEqual(tokenOf('b', { name: 'other' }));
    });

    it('are revoked once, and stay listed', async () => {
      await state().putToken(tokenOf('a'));
      expect(await state().revokeToken('unknown', T0 + 5)).toBe(false);
      expect(await state().revokeToken('a', T0 + 5)).toBe(true);
      expect(await state().revokeToken('a', T0 + 6)).toBe(false);
      expect(await state().listTokens()).toEqual([tokenOf('a', { revokedAtMs: T0 + 5 })]);
    });

    it('keep their last use, which never undoes that they were revoked', async () => {
      for (const id of ['a', 'b']) await state().putToken(tokenOf(id));
      await state().markTokenUsed('a', T0 + 7);
      await state().markTokenUsed('a', T0 + 6);
      await state().markTokenUsed('unknown', T0 + 7);
      const other = await reopen();
      await Promise.all([
        ...[1, 2, 3].map((i) => state().markTokenUsed('b', T0 + i)),
        other.revokeToken('b', T0 + 2),
        ...[4, 5, 6].map((i) => state().markTokenUsed('b', T0 + i)),
      ]);
      await other.close();
      const [a, b] = await state().listTokens();
      expect(a).toEqual(tokenOf('a', { lastUsedAtMs: T0 + 7 }));
      expect(b?.revokedAtMs).toBe(T0 + 2);
    });

    it('are pruned some time after they were revoked or have expired', async () => {
      await state().putToken(tokenOf('expired', { expiresAtMs: T0 - 1 }));
      await state().putToken(tokenOf('expires', { expiresAtMs: T0 }));
      await state().putToken(tokenOf('revoked', { expiresAtMs: T0 + 9 }));
      await state().putToken(tokenOf('valid', { createdAtMs: T0 + 1 }));
      await state().revokeToken('revoked', T0 - 1);
      expect(await state().prune(T0)).toBe(2);
      expect(idsOf(await state().listTokens())).toEqual(['expires', 'valid']);
    });
  });
}
