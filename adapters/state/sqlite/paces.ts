import type { Pace } from '../../../core/model/pace.ts';
import type { StateStore } from '../../../core/ports.ts';
import type { Database } from '../../sqlite/database.ts';
import { parseStored } from '../../sqlite/errors.ts';

/** One transaction for each change, so that no other sender comes between. */
export function createPaces(database: Database): Pick<StateStore, 'changePace'> {
  return {
    changePace: async (destination, change) =>
      database.write(() => {
        const row = database
          .prepare('SELECT body FROM pace WHERE destination = ?')
          .get(destination) as unknown as [string] | undefined;
        const { pace, result } = change(row && parseStored<Pace>(row[0]));
        if (pace)
          database
            .prepare('INSERT OR REPLACE INTO pace (destination, changed_ms, body) VALUES (?, ?, ?)')
            .run(destination, pace.changedAtMs, JSON.stringify(pace));
        return result;
      }),
  };
}
