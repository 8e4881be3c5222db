// Debian's PostgreSQL on loopback. Each file of tests has a server of its own; they share what initdb made.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type PostgresOptions, postgresOptionsSchema } from '../adapters/postgres/options.ts';
import type { Secrets } from '../core/ports.ts';
import { freePort } from '../localstack/free-port.ts';
import { scaledMs } from './machine-speed.ts';
import { findPostgres } from './postgres-programs.ts';

const PASSWORD = 'pw-7Fa1c0n';
const UP_WITHIN_MS = scaledMs(30_000);

export interface PostgresServer {
  port: number;
  /** Options of a schema of its own. */
  options(schema: string, more?: Record<string, unknown>): PostgresOptions;
  secrets: Secrets;
  /** Statements of an administrator. */
  query(sql: string, values?: unknown[], database?: string): Promise<pg.QueryResult>;
  /** Stops it as `immediate` does, and starts it on the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** PostgreSQL refuses to run as root; its package brings a user. */
export function asServer(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((each) => each.startsWith('postgres:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

export function ownByServer(path: string): void {
  const user = asServer();
  if (user) chownSync(path, user.uid, user.gid);
}

/** Secrets whose one reference is the password. */
export const POSTGRES_SECRETS: Secrets = {
  resolve: async (text) => (text === '${env:PG_PASSWORD}' ? PASSWORD : text),
  redact: (text) => text.replaceAll(PASSWORD, '<secret>'),
};

export const POSTGRES_PASSWORD = PASSWORD;

/** Starts a server; `user` has its password, and owns the database. */
export async function startPostgres(settings: readonly string[] = []): Promise<PostgresServer> {
  const bin = findPostgres();
  if (bin === undefined) throw new Error('there is no PostgreSQL here: apt-get install postgresql');
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-postgres-'));
  ownByServer(dir);
  const data = join(dir, 'data');
  initialise(bin, data, dir);
  const port = await freePort();
  const run = async () => {
    const args = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', dir];
    // The tests kill clients, not the machine: no write of theirs waits for the disk.
    const fixed = [
      'fsync=off',
      'full_page_writes=off',
      'max_connections=60',
      'deadlock_timeout=50ms',
      ...settings,
    ];
    const child = spawn(join(bin, 'postgres'), [...args, ...fixed.flatMap((one) => ['-c', one])], {
      stdio: ['ignore', 'ignore', process.env.POSTGRES_LOG ? 'inherit' : 'ignore'],
      ...asServer(),
    });
    await untilReady(child, port);
    return child;
  };
  let child = await run();
  const client = { host: '127.0.0.1', port, user: 'postgres', password: PASSWORD, database: 'postgres' };
  const query = async (sql: string, values: unknown[] = [], database = 'postgres') => {
    const one = new pg.Client({ ...client, database });
    await one.connect();
    try {
      return await one.query(sql, values);
    } finally {
      await one.end();
    }
  };
  await query(`CREATE ROLE bartizan LOGIN PASSWORD '${PASSWORD}'`);
  await query('CREATE DATABASE bartizan OWNER bartizan');
  return {
    port,
    secrets: POSTGRES_SECRETS,
    query,
    options: (schema, more) =>
      postgresOptionsSchema.parse({
        host: '127.0.0.1',
        port,
        schema,
        password: '${env:PG_PASSWORD}',
        tls: { mode: 'off' },
        ...more,
      }),
    async restart() {
      await end(child, 'SIGQUIT');
      child = await run();
    },
    async stop() {
      await end(child, 'SIGQUIT');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** initdb takes seconds, so its result is kept in the user's folder of temporary files. */
function initialise(bin: string, data: string, dir: string): void {
  const kept = join(tmpdir(), `bartizan-initdb-${bin.split('/')[4]}-${process.getuid?.() ?? 0}`);
  const copy = (from: string, to: string) => {
    // As the user of the server, who must own all files.
    execFileSync('cp', ['-a', from, to], { ...asServer(), cwd: tmpdir() });
  };
  if (!existsSync(kept)) {
    const made = join(dir, 'made');
    const passwordFile = join(dir, 'password');
    writeFileSync(passwordFile, PASSWORD);
    ownByServer(passwordFile);
    execFileSync(
      join(bin, 'initdb'),
      [
        '-D',
        made,
        '-U',
        'postgres',
        '-A',
        'scram-sha-256',
        '-E',
        'UTF8',
        '--no-locale',
        '--no-sync',
        `--pwfile=${passwordFile}`,
      ],
      { ...asServer(), cwd: tmpdir(), stdio: ['ignore', 'ignore', 'inherit'] },
    );
    copy(made, `${kept}.${process.pid}`);
    try {
      renameSync(`${kept}.${process.pid}`, kept);
    } catch {
      // Another file was first.
      rmSync(`${kept}.${process.pid}`, { recursive: true, force: true });
    }
    rmSync(made, { recursive: true });
  }
  copy(kept, data);
}

async function untilReady(child: ChildProcess, port: number): Promise<void> {
  for (const endMs = Date.now() + UP_WITHIN_MS; ; await sleep(30)) {
    if (child.exitCode !== null) throw new Error(`PostgreSQL ended with exit code ${child.exitCode}`);
    const client = new pg.Client({
      host: '127.0.0.1',
      port,
      user: 'postgres',
      password: PASSWORD,
      database: 'postgres',
    });
    const connected = await client.connect().then(
      () => true,
      () => false,
    );
    await client.end().catch(() => {});
    if (connected) return;
    if (Date.now() > endMs) {
      child.kill('SIGKILL');
      throw new Error(`PostgreSQL was not ready within ${UP_WITHIN_MS / 1000} s`);
    }
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}
