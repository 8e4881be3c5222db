import { retryConflicts } from '../../../core/conflicts.ts';
import { ConflictError, RetryableError } from '../../../core/errors.ts';
import { endOfToken, revokedAt, type StoredToken, usedAt } from '../../../core/model/token.ts';
import type { TokenState } from '../../../core/ports.ts';
import type { StateContext } from './context.ts';
import { keys } from './layout.ts';
import { loadRecord, openRecords, recordRemoval, recordWrites, type Stored } from './record.ts';
import { atVersion } from './table.ts';

const PAUSE_MS = 20;

/** Tokens of the history service: the command line writes them while functions read. */
export function createTokens(context: StateContext): TokenState {
  const { table } = context;
  const load = (id: string) => loadRecord<StoredToken>(table, keys.token(id));

  /** @throws ConflictError when another has written since `before` was read */
  async function replace(token: StoredToken, before: Stored<StoredToken> | undefined): Promise<void> {
    const version = Number(before?.head.version ?? 0);
    const endMs = endOfToken(token);
    const writes = await recordWrites({
      key: keys.token(token.id),
      kind: 'token',
      value: token,
      attributes: {
        version: version + 1,
        ...(endMs !== undefined && { expiresAt: context.expiresAt(endMs) }),
      },
      if: atVersion(version),
      before: before?.head,
    });
    if ((await table.write(writes)).length > 0)
      throw new ConflictError(`token ${token.id} was changed by another`);
  }

  /** Writes what `make` makes of the token as it is now; returns whether it made something. */
  const change = (
    id: string,
    make: (token: StoredToken | undefined) => StoredToken | undefined,
  ): Promise<boolean> =>
    retryConflicts(
      async () => {
        const stored = await load(id);
        const changed = make(stored?.value);
        if (changed) await replace(changed, stored);
        return changed !== undefined;
      },
      {
        pause: () => context.sleep(PAUSE_MS),
        gaveUp: (cause) => new RetryableError(`token ${id} was always written by others first`, { cause }),
      },
    );

  return {
    putToken: async (token) => void (await change(token.id, () => token)),
    findToken: async (id) => (await load(id))?.value,
    async listTokens() {
      const tokens = await openRecords<StoredToken>(table, await table.query({ pk: keys.tokens }));
      return tokens.map(({ value }) => value).sort((a, b) => a.createdAtMs - b.createdAtMs);
    },
    revokeToken: (id, atMs) => change(id, (token) => token && revokedAt(token, atMs)),
    markTokenUsed: async (id, atMs) => void (await change(id, (token) => token && usedAt(token, atMs))),
  };
}

/** Removes tokens that ended before, as `StateStore.prune` says; returns how many. */
export async function pruneTokens({ table }: StateContext, olderThanMs: number): Promise<number> {
  const tokens = await openRecords<StoredToken>(table, await table.query({ pk: keys.tokens }));
  const ended = tokens.filter(({ value }) => (endOfToken(value) ?? Infinity) < olderThanMs);
  for (const { head } of ended) await table.write(recordRemoval(head));
  return ended.length;
}
