import type { Secrets } from '../../core/ports.ts';
import type { PostgresOptions } from './options.ts';
import { clientConfig, endWithin, type Sessions, sessionOf, settingsOf } from './session.ts';

/** Senders of a storm wait for one of these; the server pays a process for each. */
const MOST_CONNECTIONS = 6;
const IDLE_MS = 60_000;
/** Statements that a silent server does not answer are left to their time-out. */
const CLOSE_MS = 3_000;

/** Opens connections when they are needed. Nothing is connected yet when it resolves. @throws ConfigError for a secret */
export async function openPool(options: PostgresOptions, secrets: Secrets): Promise<Sessions> {
  const { Pool } = (await import('pg')).default;
  const config = await clientConfig(options, secrets);
  const pool = new Pool({
    ...config,
    max: MOST_CONNECTIONS,
    idleTimeoutMillis: IDLE_MS,
    onConnect: async (client: Parameters<typeof sessionOf>[0]) => {
      await sessionOf(client).query(settingsOf(options));
    },
  } as ConstructorParameters<typeof Pool>[0]);
  // An idle connection that ends is replaced at the next use, which meets the error if there is one.
  pool.on('error', () => {});
  return {
    async use(run) {
      const client = await pool.connect().catch((error: unknown) => {
        // A password that was changed is asked for anew.
        secrets.forget?.();
        throw error;
      });
      // A connection may end between two statements; the next one fails then.
      const ignore = () => {};
      client.on('error', ignore);
      let failure: Error | undefined;
      try {
        return await run(sessionOf(client));
      } catch (error) {
        failure = error instanceof Error ? error : new Error(String(error));
        throw error;
      } finally {
        client.off('error', ignore);
        client.release(failure);
      }
    },
    close: () => endWithin(pool, CLOSE_MS),
  };
}
