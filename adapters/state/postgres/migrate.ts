import { ConfigError } from '../../../core/errors.ts';
import { explainPostgresError, isMissingTable } from '../../postgres/errors.ts';
import type { PostgresOptions } from '../../postgres/options.ts';
import type { Session } from '../../postgres/session.ts';
import { FOUNDATION, MIGRATIONS } from './schema.ts';

/** One process makes tables at a time: our own number, and the digest of the schema's name. */
const MIGRATION_LOCKS = 0x62_61_72_6d;

/** The name of the server, database and schema in messages. */
export function endpointOf({ host, port, database, schema }: PostgresOptions): string {
  const at = host.includes(':') ? `[${host}]` : host;
  return `state: PostgreSQL ${at}:${port}, database ${database}, schema ${schema}`;
}

/** Makes the schema and the tables that say who leads, where they are missing. @throws ConfigError when the state is newer than this program */
export async function layFoundation(session: Session, options: PostgresOptions): Promise<void> {
  const encoding = (await session.query('SHOW server_encoding')).rows[0]?.[0];
  if (encoding !== 'UTF8')
    throw new ConfigError(
      `${endpointOf(options)}: the encoding of the database is ${encoding}; create it with UTF8 (\`createdb -E UTF8 -T template0\`)`,
    );
  if ((await versionOf(session, options)) === undefined) {
    await inLock(session, options, async () => {
      await session.query(`CREATE SCHEMA IF NOT EXISTS "${options.schema}"`);
      await session.query(FOUNDATION);
      await session.query(
        'INSERT INTO schema_version SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM schema_version)',
      );
    });
  }
}

/** Brings the tables up to date. Only who leads calls it, so that no older program still writes. @throws ConfigError when they are newer */
export async function migrate(session: Session, options: PostgresOptions): Promise<void> {
  await inLock(session, options, async () => {
    const version = (await versionOf(session, options)) ?? 0;
    for (const ddl of MIGRATIONS.slice(version)) await session.query(ddl);
    if (version < MIGRATIONS.length) {
      await session.query('UPDATE schema_version SET version = $1', [MIGRATIONS.length]);
    }
  });
}

/** @throws ConfigError unless the tables are those of this program */
export async function checkVersion(session: Session, options: PostgresOptions): Promise<void> {
  const version = (await versionOf(session, options)) ?? 0;
  if (version === 0)
    throw new ConfigError(`${endpointOf(options)}: there is no state yet; \`bartizan up\` writes it`);
  if (version < MIGRATIONS.length)
    throw new ConfigError(
      `${endpointOf(options)}: the state belongs to an older bartizan (schema ${version}, this program writes ${MIGRATIONS.length}); ` +
        'start `bartizan up` once with this version to bring it up to date',
    );
}

/** What is there, without a change. @throws ConfigError when the tables are newer than this program */
export async function inspectSchema(session: Session, options: PostgresOptions) {
  const version = await versionOf(session, options);
  const may = await session.query(`SELECT has_database_privilege(current_database(), 'CREATE')`);
  const found = version === undefined ? undefined : await session.query('SELECT name, since_ms FROM leader');
  const [row] = found?.rows ?? [];
  return {
    version,
    mayCreate: may.rows[0]?.[0] === true,
    leader: row && { name: String(row[0]), sinceMs: Number(row[1]) },
  };
}

/** Undefined where there is none. @throws ConfigError when it is newer than this program */
async function versionOf(session: Session, options: PostgresOptions): Promise<number | undefined> {
  const found = await session.query('SELECT version FROM schema_version').catch((error: unknown) => {
    if (isMissingTable(error)) return undefined;
    throw explainPostgresError(error, endpointOf(options), options.port);
  });
  const version = found?.rows[0]?.[0];
  if (version === undefined) return undefined;
  if (Number(version) > MIGRATIONS.length)
    throw new ConfigError(
      `${endpointOf(options)}: the state was written by a newer bartizan (schema ${version}, this program knows ${MIGRATIONS.length}); ` +
        'update bartizan, or choose another `state.schema`',
    );
  return Number(version);
}

async function inLock(
  session: Session,
  { schema }: PostgresOptions,
  run: () => Promise<void>,
): Promise<void> {
  await session.query('BEGIN');
  try {
    await session.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [MIGRATION_LOCKS, schema]);
    await run();
    await session.query('COMMIT');
  } catch (error) {
    await session.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
