// Runs statements for a thread that waits: `blocking-sessions.ts`.
import { type MessagePort, workerData } from 'node:worker_threads';
import pg from 'pg';
import type { PostgresOptions } from '../../adapters/postgres/options.ts';
import { clientConfig, sessionOf, settingsOf, type Value } from '../../adapters/postgres/session.ts';
import { POSTGRES_SECRETS } from '../postgres-server.ts';

const { options, signal, port } = workerData as {
  options: PostgresOptions;
  signal: Int32Array;
  port: MessagePort;
};
const client = new pg.Client(await clientConfig(options, POSTGRES_SECRETS));
await client.connect();
const session = sessionOf(client);
// The process that waits keeps a transaction open for as long as it likes.
await session.query(`${settingsOf(options)}; SET idle_in_transaction_session_timeout = 0`);

port.on('message', async ({ sql, values }: { sql: string; values?: Value[] }) => {
  const answer = await session
    .query(sql, values)
    .catch((error: Error & { code?: string; severity?: string }) => ({
      refused: { message: error.message, code: error.code, severity: error.severity },
    }));
  port.postMessage(answer);
  Atomics.store(signal, 0, 1);
  Atomics.notify(signal, 0);
});
