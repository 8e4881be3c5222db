import { endOfToken, revokedAt, type StoredToken, usedAt } from '../../../core/model/token.ts';
import type { TokenState } from '../../../core/ports.ts';
import type { PostgresDatabase } from '../../postgres/database.ts';
import type { Session } from '../../postgres/session.ts';
import { readValues } from './table.ts';

/** Tokens of the history service: the command line writes them while the service reads. */
export function createTokens(database: PostgresDatabase): TokenState {
  const put = (session: Session, token: StoredToken) =>
    session.query(
      `INSERT INTO token (id, created_ms, ended_ms, body) VALUES ($1, $2, $3, $4)
       ON CONFLICT (id) DO UPDATE SET created_ms = excluded.created_ms, ended_ms = excluded.ended_ms,
         body = excluded.body`,
      [token.id, token.createdAtMs, endOfToken(token) ?? null, JSON.stringify(token)],
    );

  /** Writes what `make` makes of the token, in one transaction; returns whether it made something. */
  const change = (id: string, make: (token: StoredToken) => StoredToken | undefined) =>
    database.write(async (session) => {
      const { rows } = await session.query('SELECT body FROM token WHERE id = $1 FOR UPDATE', [id]);
      const body = rows[0]?.[0];
      const changed = body === undefined ? undefined : make(JSON.parse(String(body)) as StoredToken);
      if (changed) await put(session, changed);
      return changed !== undefined;
    });

  return {
    putToken: (token) => database.write(async (session) => void (await put(session, token))),
    findToken: async (id) =>
      (await readValues<StoredToken>(database, 'SELECT body FROM token WHERE id = $1', [id]))[0],
    listTokens: () => readValues<StoredToken>(database, 'SELECT body FROM token ORDER BY created_ms, id'),
    revokeToken: (id, atMs) => change(id, (token) => revokedAt(token, atMs)),
    markTokenUsed: async (id, atMs) => void (await change(id, (token) => usedAt(token, atMs))),
  };
}
