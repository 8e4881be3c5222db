import type { StoredSilence } from '../../../core/model/silence.ts';
import { endedAt } from '../../../core/notify/silences.ts';
import type { StateStore } from '../../../core/ports.ts';
import type { PostgresDatabase } from '../../postgres/database.ts';
import type { Session } from '../../postgres/session.ts';
import { readValues } from './table.ts';

type Silences = Pick<StateStore, 'putSilence' | 'listSilences' | 'expireSilence'>;

/** Silences added at run time: the command line writes them while `up` reads. */
export function createSilences(database: PostgresDatabase): Silences {
  const put = (session: Session, silence: StoredSilence) =>
    session.query(
      `INSERT INTO silence (id, until_ms, body) VALUES ($1, $2, $3)
       ON CONFLICT (id) DO UPDATE SET until_ms = excluded.until_ms, body = excluded.body`,
      [silence.id, silence.untilMs, JSON.stringify(silence)],
    );
  return {
    putSilence: (silence) => database.write(async (session) => void (await put(session, silence))),
    listSilences({ endedAfterMs }) {
      const sql = 'SELECT body FROM silence WHERE until_ms > $1 ORDER BY until_ms, id';
      return readValues<StoredSilence>(database, sql, [endedAfterMs]);
    },
    expireSilence: (id, atMs) =>
      database.write(async (session) => {
        const sql = 'SELECT body FROM silence WHERE id = $1 AND until_ms > $2 FOR UPDATE';
        const { rows } = await session.query(sql, [id, atMs]);
        const body = rows[0]?.[0];
        if (body === undefined) return false;
        await put(session, endedAt(JSON.parse(String(body)) as StoredSilence, atMs));
        return true;
      }),
  };
}
