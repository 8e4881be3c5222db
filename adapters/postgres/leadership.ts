import { describeError, RetryableError } from '../../core/errors.ts';
import { differenceOf } from '../../core/health-clock.ts';
import type { Secrets } from '../../core/ports.ts';
import { explainPostgresError } from './errors.ts';
import type { PostgresOptions } from './options.ts';
import { refusePooler } from './pooler.ts';
import { clientConfig, endWithin, type Row, type Session, sessionOf, settingsOf } from './session.ts';

/** Who leads, as the database keeps it. */
export interface Leader {
  term: number;
  name: string;
  sinceMs: number;
}

/** One process that leads or wants to. It holds one session for as long as it lives. */
export interface Contender {
  /** Tries to lead. Undefined while another process does. @throws ConfigError | RetryableError after which it is over */
  tryToLead(): Promise<Leadership | undefined>;
  /** The process that leads, or led last. */
  leader(): Promise<Leader | undefined>;
  /** By how much the clock of the database is ahead of ours, at the last answer; negative: behind. */
  clockDifferenceMs(): number | undefined;
  /** Ends the session: the database gives the lead to another. */
  close(): Promise<void>;
}

export interface Leadership {
  /** Grows with each leader; each write of state proves it. */
  term: number;
  /** Resolves with the reason when it is over. */
  lost: Promise<string>;
  isLost(): boolean;
  /** Ends it here, since a write met another term; returns the error for that write. */
  fenced(): RetryableError;
  /** @throws RetryableError when it is over, or the database has not confirmed it lately */
  assertLeads(): void;
  /** Other sessions that wait for the lead, when the database was last asked. */
  standbys(): number;
  /** As of the contender. */
  clockDifferenceMs(): number | undefined;
}

export interface ContenderOptions {
  options: PostgresOptions;
  secrets: Secrets;
  /** Name of this process for people: that of the machine. */
  name: string;
  /** Makes the tables that say who leads. */
  layFoundation: (session: Session, options: PostgresOptions) => Promise<void>;
  /** Brings all tables up to date, once this process leads. */
  migrate: (session: Session, options: PostgresOptions) => Promise<void>;
  endpoint: string;
  nowMs: () => number;
}

/** The lead is given up when this share of the lease went by without an answer: before the database may give it to another. */
const TRUSTED_SHARE = 0.75;
/** The database is asked this often in a lease. */
const CONFIRMS = 5;

/** A lock of the session, for this schema: https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS */
const LOCK = `pg_try_advisory_lock(hashtextextended('bartizan ' || $1, 0))`;
const CLOCK = `(extract(epoch FROM clock_timestamp()) * 1000)::bigint`;
const CONFIRM = `SELECT pg_backend_pid(), (SELECT term FROM leader),
  EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted),
  (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1
   AND pid <> pg_backend_pid()), ${CLOCK}`;

/** @throws ConfigError | RetryableError */
export async function openContender(input: ContenderOptions): Promise<Contender> {
  const { options, secrets, endpoint, layFoundation } = input;
  const { Client } = (await import('pg')).default;
  const application = applicationOf(options);
  const config = { ...(await clientConfig(options, secrets)), application_name: application };
  const client = new Client(config);
  const ended = Promise.withResolvers<string>();
  client.on('error', (error) => ended.resolve(describeError(explain(error))));
  client.on('end', () => ended.resolve('the connection to the database ended'));
  const session = sessionOf(client);
  const clock = createComparison(input.nowMs);
  const explain = (error: unknown) => explainPostgresError(error, endpoint, options.port);
  const close = () => endWithin(client);
  const guarded = async <T>(run: () => Promise<T>): Promise<T> => {
    try {
      return await run();
    } catch (error) {
      await close();
      throw explain(error);
    }
  };

  await guarded(async () => {
    await client.connect().catch((error: unknown) => {
      secrets.forget?.();
      throw error;
    });
    await session.query(`${settingsOf(options)}; ${leaseSettings(options)}`);
    await layFoundation(session, options);
  });
  return {
    tryToLead: () =>
      guarded(async () => {
        const { rows } = await session.query(`SELECT ${LOCK}`, [options.schema]);
        if (rows[0]?.[0] !== true) return undefined;
        await refusePooler(session, config, endpoint);
        const term = await nextTerm(session, input);
        await input.migrate(session, options);
        return lead({ session, term, application, ended: ended.promise, close, lease: options.lease, clock });
      }),
    leader: () =>
      guarded(async () => {
        const text = `SELECT term, name, since_ms, ${CLOCK} FROM leader`;
        const [row] = await clock.during(async () => (await session.query(text)).rows, 3);
        return row && { term: Number(row[0]), name: String(row[1]), sinceMs: Number(row[2]) };
      }),
    clockDifferenceMs: clock.differenceMs,
    close,
  };
}

/** Compares the clock of the database, which a column of the first row has, with ours. */
function createComparison(nowMs: () => number) {
  let differenceMs: number | undefined;
  return {
    async during(ask: () => Promise<Row[]>, column: number): Promise<Row[]> {
      const askedMs = nowMs();
      const rows = await ask();
      if (rows[0]) differenceMs = differenceOf(Number(rows[0][column]), { askedMs, answeredMs: nowMs() });
      return rows;
    },
    differenceMs: () => differenceMs,
  };
}

/** What standbys and the leader are called in `pg_stat_activity`, which cuts names at 63 bytes. */
function applicationOf({ schema }: PostgresOptions): string {
  return `bartizan up ${schema}`.slice(0, 63);
}

/** The server ends the session of a process that is frozen or cut off: its own kernel would keep the connection for hours. */
function leaseSettings({ lease, host }: PostgresOptions): string {
  const idle = `SET idle_session_timeout = ${lease}`;
  return host.startsWith('/') ? idle : `${idle}; SET tcp_user_timeout = ${lease}`;
}

/** The row waits for writes of the leader before, which meet the new term from now on. */
async function nextTerm(session: Session, { name, nowMs }: ContenderOptions): Promise<number> {
  const { rows } = await session.query(
    `INSERT INTO leader (term, name, since_ms) VALUES (1, $1, $2)
     ON CONFLICT (is_only) DO UPDATE SET term = leader.term + 1, name = excluded.name, since_ms = excluded.since_ms
     RETURNING term`,
    [name, nowMs()],
  );
  return Number(rows[0]?.[0]);
}

/** The clock that a frozen process cannot stop, and that nobody sets: the later of the two counts. */
function stopwatch(): () => number {
  const [steady, wall] = [performance.now(), Date.now()];
  return () => Math.max(performance.now() - steady, Date.now() - wall);
}

function lead(input: {
  session: Session;
  term: number;
  application: string;
  ended: Promise<string>;
  close: () => Promise<void>;
  lease: number;
  clock: ReturnType<typeof createComparison>;
}): Leadership {
  const { session, term, application, lease, clock } = input;
  const trustedMs = lease * TRUSTED_SHARE;
  const lost = Promise.withResolvers<string>();
  let reason: string | undefined;
  let sinceConfirmed = stopwatch();
  let standbys = 0;
  let timer: NodeJS.Timeout;

  function lose(why: string): void {
    if (reason !== undefined) return;
    reason = why;
    clearTimeout(timer);
    lost.resolve(why);
    void input.close();
  }
  async function confirm(): Promise<void> {
    const began = stopwatch();
    const limit = setTimeout(
      () => lose(`the database has not answered for ${Math.round(trustedMs / 1000)} s`),
      Math.max(0, trustedMs - sinceConfirmed()),
    );
    try {
      const ask = async () => (await session.query(CONFIRM, [application])).rows;
      const [row = []] = await clock.during(ask, 4);
      if (row[1] !== term) return lose('another process leads');
      if (row[2] !== true) return lose('the database no longer has the lock of this process');
      standbys = Number(row[3]);
      if (sinceConfirmed() > trustedMs) return lose('this process was frozen, or the database too slow');
      sinceConfirmed = began;
      timer = setTimeout(confirm, lease / CONFIRMS);
    } catch (error) {
      lose(describeError(error));
    } finally {
      clearTimeout(limit);
    }
  }

  void input.ended.then(lose);
  timer = setTimeout(confirm, 0);
  const over = () => new RetryableError(`this process does not lead any more: ${reason}`);
  return {
    term,
    lost: lost.promise,
    isLost: () => reason !== undefined,
    fenced() {
      lose('another process leads');
      return over();
    },
    assertLeads() {
      if (reason === undefined && sinceConfirmed() > trustedMs)
        lose('this process was frozen, or the database too slow');
      if (reason !== undefined) throw over();
    },
    standbys: () => standbys,
    clockDifferenceMs: clock.differenceMs,
  };
}
