import { endOfToken, revokedAt, type StoredToken, usedAt } from '../../../core/model/token.ts';
import type { TokenState } from '../../../core/ports.ts';
import type { Database } from '../../sqlite/database.ts';
import { parseStored } from '../../sqlite/errors.ts';
import { readValues } from './table.ts';

/** Tokens of the history service: the command line writes them while the service reads. */
export function createTokens(database: Database): TokenState {
  const put = (token: StoredToken) =>
    database
      .prepare('INSERT OR REPLACE INTO token (id, created_ms, ended_ms, body) VALUES (?, ?, ?, ?)')
      .run(token.id, token.createdAtMs, endOfToken(token) ?? null, JSON.stringify(token));

  /** Writes what `make` makes of the token, in one transaction; returns whether it made something. */
  const change = (id: string, make: (token: StoredToken) => StoredToken | undefined) =>
    database.write(() => {
      const row = database.prepare('SELECT body FROM token WHERE id = ?').get(id) as unknown as
        | [string]
        | undefined;
      const changed = row && make(parseStored<StoredToken>(row[0]));
      if (changed) put(changed);
      return changed !== undefined;
    });

  return {
    putToken: async (token) => database.write(() => void put(token)),
    findToken: async (id) => readValues<StoredToken>(database, 'SELECT body FROM token WHERE id = ?', id)[0],
    listTokens: async () =>
      readValues<StoredToken>(database, 'SELECT body FROM token ORDER BY created_ms, id'),
    revokeToken: async (id, atMs) => change(id, (token) => revokedAt(token, atMs)),
    markTokenUsed: async (id, atMs) => void change(id, (token) => usedAt(token, atMs)),
  };
}
