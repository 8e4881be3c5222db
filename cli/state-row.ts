import { openPool } from '../adapters/postgres/pool.ts';
import { refuseSharedConnections } from '../adapters/postgres/pooler.ts';
import type { Session } from '../adapters/postgres/session.ts';
import { inspectSchema } from '../adapters/state/postgres/migrate.ts';
import { prepare } from '../adapters/state/postgres/state.ts';
import { postgresOptionsOf } from '../adapters/state/registry.ts';
import { ConfigError, describeError } from '../core/errors.ts';
import { formatDateTime } from '../core/format.ts';
import type { Config } from '../core/model/config.ts';
import type { Secrets } from '../core/ports.ts';
import type { ConnectRow } from './connect-row.ts';

/** A row for the server that several machines share state on; none for state in a file. Writes nothing. */
export async function stateRows(config: Config, secrets: Secrets): Promise<ConnectRow[]> {
  const options = postgresOptionsOf(config);
  if (!options) return [];
  const base = { kind: 'data', name: 'state' } as const;
  const at = `${options.host}:${options.port}`;
  try {
    const sessions = await openPool(options, secrets);
    try {
      let detail = '';
      await prepare(sessions, options, async (session: Session) => {
        const { version, leader, mayCreate } = await inspectSchema(session, options);
        if (version === undefined && !mayCreate)
          throw new ConfigError(
            `there is no schema ${options.schema}, and ${options.user} may not create one; GRANT CREATE ON DATABASE`,
          );
        await sessions.use((second) => refuseSharedConnections(session, second, at));
        const since = leader && formatDateTime(leader.sinceMs, config.schedule.timeZone);
        detail = leader ? `${leader.name} took the lead at ${since}` : 'no process has led yet';
      });
      return [{ ...base, state: 'ok', detail: `${at} lets us in; ${detail}` }];
    } finally {
      await sessions.close();
    }
  } catch (error) {
    const detail = secrets.redact(describeError(error));
    const advice =
      error instanceof ConfigError
        ? 'correct the fields of `state`, or what they refer to'
        : 'the server must be reachable from here: without it no alert is evaluated or sent';
    return [{ ...base, state: 'failed', detail, advice }];
  }
}
