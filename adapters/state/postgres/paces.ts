import type { Pace } from '../../../core/model/pace.ts';
import type { StateStore } from '../../../core/ports.ts';
import type { PostgresDatabase } from '../../postgres/database.ts';
import { lockDestination } from './table.ts';

/** One transaction for each change, so that no other sender comes between. */
export function createPaces(database: PostgresDatabase): Pick<StateStore, 'changePace'> {
  return {
    changePace: (destination, change) =>
      database.write(async (session) => {
        await lockDestination(session, destination);
        const { rows } = await session.query('SELECT body FROM pace WHERE destination = $1', [destination]);
        const body = rows[0]?.[0];
        const before = body === undefined ? undefined : (JSON.parse(String(body)) as Pace);
        const { pace, result } = change(before);
        if (pace)
          await session.query(
            `INSERT INTO pace (destination, changed_ms, body) VALUES ($1, $2, $3)
             ON CONFLICT (destination) DO UPDATE SET changed_ms = excluded.changed_ms, body = excluded.body`,
            [destination, pace.changedAtMs, JSON.stringify(pace)],
          );
        return result;
      }),
  };
}
