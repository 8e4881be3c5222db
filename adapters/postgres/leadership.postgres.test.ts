import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../localstack/free-port.ts';
import { alertOf, T0, transitionOf } from '../../test/contract/state-fixtures.ts';
import {
  asServer,
  ownByServer,
  POSTGRES_PASSWORD,
  type PostgresServer,
  startPostgres,
} from '../../test/postgres-server.ts';
import { findProgram } from '../../test/program-path.ts';
import { startTcpRelay, type TcpRelay } from '../../test/tcp-relay.ts';
import { until } from '../../test/until.ts';
import { endpointOf, layFoundation, migrate } from '../state/postgres/migrate.ts';
import { openPostgresState } from '../state/postgres/state.ts';
import { createDatabase } from './database.ts';
import { type Contender, type Leadership, openContender } from './leadership.ts';
import type { PostgresOptions } from './options.ts';
import { openPool } from './pool.ts';

let server: PostgresServer;
let schemas = 0;
const closing: (() => unknown)[] = [];
beforeAll(async () => {
  server = await startPostgres();
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => server.stop());

const fresh = (more: Record<string, unknown> = {}) =>
  server.options(`leading_${++schemas}`, { lease: '3s', timeout: '3s', ...more });

async function contend(options: PostgresOptions, name: string, nowMs = () => T0): Promise<Contender> {
  const contender = await openContender({
    ...{ options, secrets: server.secrets, name, layFoundation, migrate, endpoint: endpointOf(options) },
    nowMs,
  });
  closing.push(() => contender.close());
  return contender;
}

async function stateOf(options: PostgresOptions, { term, fenced: onFenced }: Leadership) {
  const state = await openPostgresState(options, { secrets: server.secrets, fence: { term, onFenced } });
  closing.push(() => state.close());
  return state;
}

async function leads(contender: Contender): Promise<Leadership> {
  let leadership: Leadership | undefined;
  await until('it leads', async () => {
    leadership = await contender.tryToLead();
    return leadership !== undefined;
  });
  return leadership as Leadership;
}

const fire = (node: string) => {
  const alert = alertOf(node);
  return { alert, expectedVersion: 0, transitions: [transitionOf(alert, 'firing', T0)], dueAtMs: T0 };
};

it('one process leads, and the next when it has ended', async () => {
  const options = fresh();
  const [a, b] = [await contend(options, 'a'), await contend(options, 'b')];
  const first = await leads(a);
  expect(first.term).toBe(1);
  expect(await b.tryToLead()).toBeUndefined();
  expect(await b.leader()).toEqual({ term: 1, name: 'a', sinceMs: T0 });
  await until('the leader knows of the standby', () => first.standbys() === 1);
  first.assertLeads();
  const state = await stateOf(options, first);
  await state.commitAlert(fire('n1'));
  await a.close();
  const second = await leads(b);
  expect(second.term).toBe(2);
  expect(await first.lost).toContain('ended');
  expect(() => first.assertLeads()).toThrow('does not lead any more');
  await expect(state.commitAlert(fire('n2'))).rejects.toThrow('does not lead any more');
  await expect(state.counters.save('x', 1)).rejects.toThrow('does not lead any more');
  const next = await stateOf(options, second);
  expect(await next.listAlerts()).toHaveLength(1);
  await next.commitAlert(fire('n2'));
});

it.each([
  ['agree', 0],
  ['differ by a minute', -60_000],
])('leader and standby know that clocks %s', async (_what, differenceMs) => {
  const options = fresh();
  const nowMs = () => Date.now() - differenceMs;
  const [a, b] = [await contend(options, 'a', nowMs), await contend(options, 'b', nowMs)];
  const first = await leads(a);
  expect(await b.tryToLead()).toBeUndefined();
  await b.leader();
  await until('the leader has asked', () => first.clockDifferenceMs() !== undefined);
  for (const found of [first.clockDifferenceMs(), b.clockDifferenceMs()])
    expect(Math.abs((found ?? Number.NaN) - differenceMs)).toBeLessThan(5_000);
});

it('two schemas of a database have a leader each', async () => {
  const both = [await contend(fresh(), 'a'), await contend(fresh(), 'b')];
  for (const contender of both) expect((await leads(contender)).term).toBe(1);
});

it('a write of the former leader that is under way counts before the new term begins', async () => {
  const options = fresh();
  const [a, b] = [await contend(options, 'a'), await contend(options, 'b')];
  const first = await leads(a);
  const sessions = await openPool(options, server.secrets);
  closing.push(() => sessions.close());
  const database = createDatabase({ sessions, endpoint: 'here', port: options.port, term: first.term });
  const order: string[] = [];
  let next: Promise<unknown> = Promise.resolve();
  await database.write(async (session) => {
    await a.close();
    next = leads(b).then(() => order.push('new term'));
    const waiting = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO leader%'`;
    await until('the new leader waits, or does not', async () => {
      return order.length > 0 || (await server.query(waiting)).rows.length > 0;
    });
    await session.query(`INSERT INTO counters (key, body) VALUES ('k', '1')`);
    order.push('written');
  });
  await next;
  expect(order).toEqual(['written', 'new term']);
});

it.each([
  [
    'its session is ended',
    () =>
      server.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'bartizan up leading_${schemas}'`),
  ],
  ['the server is restarted', () => server.restart()],
])('a leader knows that it is none when %s', async (_what, end) => {
  const options = fresh();
  const first = await leads(await contend(options, 'a'));
  await end();
  await first.lost;
  expect(() => first.assertLeads()).toThrow('does not lead any more');
  expect((await leads(await contend(options, 'b'))).term).toBe(2);
});

it('a leader whose network is cut gives up before another may lead', async () => {
  const options = fresh();
  const relay: TcpRelay = await startTcpRelay(server.port);
  closing.push(() => relay.close());
  const first = await leads(await contend({ ...options, port: relay.port }, 'a'));
  const state = await stateOf({ ...options, port: relay.port }, first);
  const b = await contend(options, 'b');
  relay.cut();
  let lostAtMs = Number.POSITIVE_INFINITY;
  void first.lost.then(() => {
    lostAtMs = performance.now();
  });
  const second = await leads(b);
  expect(lostAtMs).toBeLessThan(performance.now());
  expect(() => first.assertLeads()).toThrow('does not lead any more');
  expect(second.term).toBe(2);
  relay.mend();
  await expect(state.commitAlert(fire('n1'))).rejects.toThrow();
  await expect(state.commitAlert(fire('n1'))).rejects.toThrow('does not lead any more');
  expect(await (await stateOf(options, second)).listAlerts()).toEqual([]);
});

async function startPooler(mode: 'transaction' | 'session'): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-pgbouncer-'));
  const port = await freePort();
  writeFileSync(join(dir, 'users'), `"bartizan" "${POSTGRES_PASSWORD}"\n`);
  writeFileSync(
    join(dir, 'pgbouncer.ini'),
    `[databases]
bartizan = host=127.0.0.1 port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${join(dir, 'users')}
pool_mode = ${mode}
`,
  );
  const program = findProgram('pgbouncer') ?? 'pgbouncer';
  const user = asServer();
  for (const name of ['', 'users', 'pgbouncer.ini']) ownByServer(join(dir, name));
  const child: ChildProcess = spawn(program, ['-q', join(dir, 'pgbouncer.ini')], {
    stdio: 'ignore',
    ...user,
  });
  closing.push(async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    rmSync(dir, { recursive: true });
  });
  const options = server.options('none', { port });
  await until('the pooler answers', () =>
    openPostgresState(options, { secrets: server.secrets }).then(
      () => true,
      (error: Error) => error.message.includes('no state yet'),
    ),
  );
  return port;
}

it('a pooler that shares connections is refused, and one that keeps sessions works', async () => {
  const shared = await contend(fresh({ port: await startPooler('transaction') }), 'a');
  await expect(shared.tryToLead()).rejects.toThrow('a pooler such as pgbouncer shares connections');
  const kept = await contend(fresh({ port: await startPooler('session') }), 'a');
  expect((await leads(kept)).term).toBe(1);
});
