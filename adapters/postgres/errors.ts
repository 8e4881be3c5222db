import { ConfigError, ConflictError, PermanentError, RetryableError } from '../../core/errors.ts';
import { connectionError } from '../http/connection-errors.ts';

// SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html
const UNIQUE_VIOLATION = '23505';
const READ_ONLY = '25006';
const NO_DATABASE = '3D000';
const NO_SCHEMA = '3F000';
const NO_TABLE = '42P01';
const NO_PRIVILEGE = '42501';
const UNKNOWN_SETTING = '42704';
const CANCELLED = '57014';
/** The server ended the session because it was silent for too long. */
const IDLE_SESSION = '57P05';
/** A transaction that may work when it is made again: deadlock, serialization. */
const REPEATABLE = /^40/;
/** Disk full, out of memory, too many connections; shutdown; system error. */
const PASSING = /^(08|53|55|57|58)/;
const LOGIN = /^28/;

const SQLSTATE = /^[0-9A-Z]{5}$/;

/** The SQLSTATE of an error of the server, or undefined. */
function sqlStateOf(error: unknown): string | undefined {
  const { code, severity } = (error ?? {}) as { code?: unknown; severity?: unknown };
  return typeof code === 'string' && severity !== undefined && SQLSTATE.test(code) ? code : undefined;
}

/** A row with this key is there already. */
export function isUniqueError(error: unknown): boolean {
  return sqlStateOf(error) === UNIQUE_VIOLATION;
}

/** The whole transaction may be made again at once. */
export function isRepeatable(error: unknown): boolean {
  return REPEATABLE.test(sqlStateOf(error) ?? '');
}

export function isMissingTable(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === NO_TABLE || state === NO_SCHEMA;
}

/** The typed error for one of the driver or the server, which begins with `endpoint`; ours stay as they are. */
export function explainPostgresError(error: unknown, endpoint: string, port: number): unknown {
  if (isTyped(error)) return error;
  const cause = { cause: error };
  const state = sqlStateOf(error);
  if (state === undefined) return explainConnection(error, endpoint, port);
  if (LOGIN.test(state))
    return new ConfigError(
      `${endpoint}: the server refuses the login; check \`user\`, \`password\` and pg_hba.conf`,
      cause,
    );
  switch (state) {
    case NO_DATABASE:
      return new ConfigError(
        `${endpoint}: there is no such database; create it (\`createdb\`), or correct \`database\``,
        cause,
      );
    case NO_PRIVILEGE:
      return new ConfigError(`${endpoint}: the user lacks a right; it must own its schema`, cause);
    case NO_TABLE:
    case NO_SCHEMA:
      return new ConfigError(
        `${endpoint}: there is no state in this schema yet; \`bartizan up\` writes it`,
        cause,
      );
    case UNKNOWN_SETTING:
      return new ConfigError(
        `${endpoint}: the server does not know a setting that we need; it must be PostgreSQL 14 or later`,
        cause,
      );
    case READ_ONLY:
      return new RetryableError(
        `${endpoint}: the database takes no writes; is this a replica? Write the address of the primary`,
        cause,
      );
    case CANCELLED:
      return new RetryableError(`${endpoint}: the database took too long`, cause);
    case IDLE_SESSION:
      return new RetryableError(`${endpoint}: the server ended a session that was silent`, cause);
    default:
      return PASSING.test(state) || REPEATABLE.test(state)
        ? new RetryableError(`${endpoint}: the database is not available (SQLSTATE ${state})`, cause)
        : new PermanentError(`${endpoint}: the database refused a statement (SQLSTATE ${state})`, cause);
  }
}

function isTyped(error: unknown): boolean {
  return (
    error instanceof ConfigError ||
    error instanceof ConflictError ||
    error instanceof PermanentError ||
    error instanceof RetryableError
  );
}

/** Texts of the driver where it gives no code, https://github.com/brianc/node-postgres */
const NO_ANSWER = /timeout/i;
const ENDED = /terminat|not queryable|closed|ended/i;
const NO_TLS = /does not support SSL/i;
const NO_PASSWORD = /password must be a(?: non-empty)? string/i;

function explainConnection(error: unknown, endpoint: string, port: number): unknown {
  const { code, message = '' } = (error ?? {}) as { code?: unknown; message?: string };
  const cause = { cause: error };
  if (typeof code === 'string') return connectionError(endpoint, code, port);
  if (NO_TLS.test(message))
    return new ConfigError(
      `${endpoint}: the server does not speak TLS; turn it on there, or write \`tls: { mode: off }\``,
      cause,
    );
  if (NO_PASSWORD.test(message))
    return new ConfigError(`${endpoint}: the server wants a password; write \`password\``, cause);
  if (NO_ANSWER.test(message)) return new RetryableError(`${endpoint}: it does not answer`, cause);
  if (ENDED.test(message)) return new RetryableError(`${endpoint}: the connection ended`, cause);
  return error;
}
