import type { ClientConfig, Client as PgClient } from 'pg';
import type { Secrets } from '../../core/ports.ts';
import type { PostgresOptions } from './options.ts';

export type Value = string | number | null | readonly string[] | readonly number[];
/** A row with its columns in order. */
export type Row = readonly (string | number | boolean | null)[];

export interface Result {
  rows: Row[];
  /** How many rows a write changed. */
  count: number;
}

/** One connection of the database. */
export interface Session {
  /** Several statements in one text take no values; the result is that of the last. */
  query(sql: string, values?: readonly Value[]): Promise<Result>;
}

/** Where sessions come from. */
export interface Sessions {
  /** `run` has a session for itself. One that `run` failed on is not used again. */
  use<T>(run: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat */
const INT8 = 20;
/** The end of a connection waits no longer for its server. */
const END_MS = 1_000;
/** A client waits a little longer than the server, whose own error says more. */
const CLIENT_EXTRA_MS = 2_000;

/** What the driver needs to connect. The password is resolved for each connection, since it may change. */
export async function clientConfig(options: PostgresOptions, secrets: Secrets): Promise<ClientConfig> {
  const { getTypeParser } = (await import('pg')).default.types;
  const { host, port, database, user, timeout } = options;
  const resolved = async (text: string | undefined) =>
    text === undefined ? undefined : await secrets.resolve(text);
  return {
    host,
    port,
    database,
    user,
    // A function, or the driver would read ~/.pgpass.
    password: async () => (await resolved(options.password)) ?? '',
    ssl: await tlsOptions(options, resolved),
    connectionTimeoutMillis: timeout,
    query_timeout: timeout + CLIENT_EXTRA_MS,
    keepAlive: true,
    application_name: 'bartizan',
    // Times in milliseconds and versions: far below 2^53.
    types: {
      getTypeParser: ((id: number, format: 'text') =>
        id === INT8 ? Number : getTypeParser(id, format)) as typeof getTypeParser,
    },
  };
}

async function tlsOptions(
  { host, tls }: PostgresOptions,
  resolved: (text: string | undefined) => Promise<string | undefined>,
): Promise<ClientConfig['ssl']> {
  if (host.startsWith('/') || tls.mode === 'off') return false;
  const [ca, cert, key] = await Promise.all(
    [tls.ca, tls.clientCertificate, tls.clientKey].map((text) => resolved(text)),
  );
  const { checkServerIdentity, rootCertificates } = await import('node:tls');
  return {
    rejectUnauthorized: true,
    // The driver has names of its own for this check, such as `localhost` for any address.
    checkServerIdentity: (_, certificate) => checkServerIdentity(tls.servername ?? host, certificate),
    ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
    ...(cert !== undefined && { cert, key: key ?? '' }),
  };
}

/** A session over a client of the driver. */
export function sessionOf(client: Pick<PgClient, 'query'>): Session {
  return {
    async query(sql, values) {
      const found: unknown = await (values === undefined
        ? client.query({ text: sql, rowMode: 'array' })
        : client.query({ text: sql, values: values.map(storable), rowMode: 'array' }));
      // Several statements give a list of results.
      const last = (Array.isArray(found) ? found.at(-1) : found) as { rows: Row[]; rowCount: number | null };
      return { rows: last.rows, count: last.rowCount ?? 0 };
    },
  };
}

/** A server that does not answer would keep us waiting for the end of a connection. */
export async function endWithin(connection: { end(): Promise<void> }, ms = END_MS): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, ms);
  await Promise.race([connection.end().catch(() => {}), limit.promise]);
  clearTimeout(timer);
}

const NUL = '\0';
const NUL_SIGN = '\u2400';

/**
 * Texts of PostgreSQL hold no NUL, which a label of a node may have; values of JSON have it escaped. Its integers know neither
 * "for ever" nor fractions, with which times are compared.
 */
function storable(value: Value): Value {
  if (typeof value === 'number')
    return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Math.floor(value)));
  if (typeof value === 'string') return value.replaceAll(NUL, NUL_SIGN);
  if (!Array.isArray(value)) return value;
  return value.map((one) => (typeof one === 'string' ? one.replaceAll(NUL, NUL_SIGN) : one)) as Value;
}

/**
 * The first statements on a connection. The server ends statements that take too long, and earlier a transaction whose
 * process stopped in its middle, so that nobody waits for it in vain.
 */
export function settingsOf({ schema, timeout }: PostgresOptions): string {
  return `SET search_path TO "${schema}"; SET statement_timeout = ${timeout}; SET lock_timeout = ${timeout};
    SET idle_in_transaction_session_timeout = ${Math.floor(timeout / 2)}; SET synchronous_commit = on`;
}
