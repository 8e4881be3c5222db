import type { StoredSilence } from '../../../core/model/silence.ts';
import { endedAt } from '../../../core/notify/silences.ts';
import type { StateStore } from '../../../core/ports.ts';
import type { Database } from '../../sqlite/database.ts';
import { parseStored } from '../../sqlite/errors.ts';
import { readValues } from './table.ts';

type Silences = Pick<StateStore, 'putSilence' | 'listSilences' | 'expireSilence'>;

/** Silences added at run time: the command line writes them while `up` reads. */
export function createSilences(database: Database): Silences {
  const put = (silence: StoredSilence) =>
    database
      .prepare('INSERT OR REPLACE INTO silence (id, until_ms, body) VALUES (?, ?, ?)')
      .run(silence.id, silence.untilMs, JSON.stringify(silence));
  return {
    putSilence: async (silence) => database.write(() => void put(silence)),
    async listSilences({ endedAfterMs }) {
      const sql = 'SELECT body FROM silence WHERE until_ms > ? ORDER BY until_ms, id';
      return readValues<StoredSilence>(database, sql, endedAfterMs);
    },
    expireSilence: async (id, atMs) =>
      database.write(() => {
        const row = database
          .prepare('SELECT body FROM silence WHERE id = ? AND until_ms > ?')
          .get(id, atMs) as unknown as [string] | undefined;
        if (row) put(endedAt(parseStored<StoredSilence>(row[0]), atMs));
        return row !== undefined;
      }),
  };
}
