import { ConfigError, type RetryableError } from '../../core/errors.ts';
import { explainPostgresError, isRepeatable } from './errors.ts';
import type { Row, Session, Sessions, Value } from './session.ts';

/** The tables of one schema. Everything here throws the errors of core/errors.ts. */
export interface PostgresDatabase {
  /** Rows of one statement, which see one moment. */
  rows<R extends Row>(sql: string, values?: readonly Value[]): Promise<R[]>;
  /**
   * All of `run` or nothing, on disk when it resolves. `run` is called again after a deadlock. A connection that ends
   * during the commit leaves open whether it happened. @throws RetryableError when another process leads
   */
  write<T>(run: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  sessions: Sessions;
  /** For messages: which server, database and schema. */
  endpoint: string;
  port: number;
  /** The term of the process that leads. Absent: a command, whose writes suit any leader. */
  term?: number;
  /** Called when another term is found, with why; its result is thrown. */
  onFenced?: () => RetryableError;
}

const TRIES = 5;
const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE';

export function createDatabase(options: DatabaseOptions): PostgresDatabase {
  const { sessions, endpoint, port, term, onFenced } = options;
  const explain = (error: unknown) => explainPostgresError(error, endpoint, port);

  /** The lock of the row lets a new leader wait for this transaction, and later ones meet its term. */
  async function begin(session: Session): Promise<void> {
    if (term === undefined) return void (await session.query(BEGIN));
    const { rows } = await session.query(`${BEGIN}; SELECT term FROM leader FOR SHARE`);
    if (rows[0]?.[0] !== term) throw onFenced?.() ?? new ConfigError(`${endpoint}: another process leads`);
  }

  async function attempt<T>(run: (session: Session) => Promise<T>): Promise<T> {
    const outcome = await sessions.use(async (session): Promise<{ value: T } | { refused: unknown }> => {
      try {
        await begin(session);
        const value = await run(session);
        await session.query('COMMIT');
        return { value };
      } catch (refused) {
        // Where this fails too, the connection is lost, and the transaction with it.
        await session.query('ROLLBACK').catch(() => Promise.reject(refused));
        return { refused };
      }
    });
    if ('refused' in outcome) throw outcome.refused;
    return outcome.value;
  }

  return {
    async rows<R extends Row>(sql: string, values: readonly Value[] = []) {
      try {
        return (await sessions.use((session) => session.query(sql, values))).rows as unknown as R[];
      } catch (error) {
        throw explain(error);
      }
    },
    async write(run) {
      for (let tried = 1; ; tried++) {
        try {
          return await attempt(run);
        } catch (error) {
          if (!isRepeatable(error) || tried === TRIES) throw explain(error);
        }
      }
    },
    close: () => sessions.close(),
  };
}
