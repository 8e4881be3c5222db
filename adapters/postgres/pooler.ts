import { ConfigError } from '../../core/errors.ts';
import { type clientConfig, endWithin, type Session, sessionOf } from './session.ts';

/**
 * A pooler that gives each transaction any connection would leave our lock with a connection of others. Then two connections of
 * ours have one process of the server. @throws ConfigError
 */
export async function refuseSharedConnections(
  first: Session,
  second: Session,
  endpoint: string,
): Promise<void> {
  const pids: unknown[] = [];
  for (const session of [first, second, first])
    pids.push((await session.query('SELECT pg_backend_pid()')).rows[0]?.[0]);
  const [own, other, again] = pids;
  if (own !== other && own === again) return;
  throw new ConfigError(
    `${endpoint}: a pooler such as pgbouncer shares connections there, which breaks the lock of the leader; ` +
      'write the address of the server itself, or let the pooler use `pool_mode = session`',
  );
}

/** The same with a second connection of its own. @throws ConfigError */
export async function refusePooler(
  session: Session,
  config: Awaited<ReturnType<typeof clientConfig>>,
  endpoint: string,
): Promise<void> {
  const { Client } = (await import('pg')).default;
  const second = new Client({ ...config, application_name: 'bartizan' });
  second.on('error', () => {});
  try {
    await second.connect();
    await refuseSharedConnections(session, sessionOf(second), endpoint);
  } finally {
    await endWithin(second);
  }
}
