// Commands on state that several machines share: they ask the database, from any machine, and write no file.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { openPool } from '../adapters/postgres/pool.ts';
import { layFoundation, migrate } from '../adapters/state/postgres/migrate.ts';
import { openPostgresState, prepare } from '../adapters/state/postgres/state.ts';
import { alertOf, T0, transitionOf } from '../test/contract/state-fixtures.ts';
import { POSTGRES_PASSWORD, type PostgresServer, startPostgres } from '../test/postgres-server.ts';
import { capturePrinted, type Printed } from './printed.fixture.ts';
import { run } from './program.ts';
import { stateRows } from './state-row.ts';

let server: PostgresServer;
let dir: string;
let printed: Printed;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-shared-'));
  writeFileSync(join(dir, 'password'), POSTGRES_PASSWORD, { mode: 0o600 });
  writeFileSync(join(dir, 'key'), 'k', { mode: 0o600 });
  writeFileSync(
    join(dir, 'b.yaml'),
    `
bastions: [{ name: b, host: 127.0.0.1, port: 1, user: probe, privateKey: "\${file:key}" }]
clusters: [{ name: prod, bastion: b, nodes: [{ name: n, role: etcd, host: 10.0.0.1 }] }]
store: { type: prometheus, url: "http://127.0.0.1:1" }
state: { type: postgres, host: 127.0.0.1, port: ${server.port}, password: "\${file:password}", tls: { mode: "off" } }
`,
  );
  printed = capturePrinted();
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  rmSync(dir, { recursive: true });
});

async function bartizan(...args: string[]): Promise<number> {
  process.exitCode = undefined;
  Object.assign(printed, { out: '', err: '' });
  await run(['node', 'bartizan', ...args, '-c', join(dir, 'b.yaml')]);
  expect(printed.out + printed.err).not.toContain(POSTGRES_PASSWORD);
  return Number(process.exitCode ?? 0);
}

it('without tables each says that `up` writes them; then alerts are listed, silences added and ended', async () => {
  expect(await bartizan('alerts')).toBe(1);
  expect(printed.err).toContain('there is no state yet; `bartizan up` writes it');

  const options = server.options('bartizan');
  const pool = await openPool(options, server.secrets);
  await prepare(pool, options, layFoundation);
  await prepare(pool, options, migrate);
  await pool.close();
  const state = await openPostgresState(options, { secrets: server.secrets });
  const alert = alertOf('n');
  await state.commitAlert({
    ...{ alert, expectedVersion: 0, dueAtMs: T0 },
    transitions: [transitionOf(alert, 'firing', T0)],
  });
  await state.close();

  expect(await bartizan('alerts', '--json')).toBe(1);
  expect(JSON.parse(printed.out)).toMatchObject([{ id: alert.id, status: 'firing' }]);
  expect(await bartizan('silence', 'add', '-w', 'node=n', '--for', '2h', '--comment', 'swap', '--json')).toBe(
    0,
  );
  const { silence } = JSON.parse(printed.out) as { silence: { id: string } };
  expect(await bartizan('silence', 'list')).toBe(0);
  expect(printed.out).toContain('swap');
  expect(await bartizan('silence', 'expire', silence.id.slice(0, 8))).toBe(0);
  expect(await bartizan('token', 'add', 'grafana')).toBe(0);
  expect(await bartizan('token', 'revoke', printed.out.trim())).toBe(0);
  expect(await bartizan('token', 'list', '--ended')).toBe(0);
  expect(printed.out).toMatch(/ grafana +revoked /);
  expect(await bartizan('silence', 'list', '--json')).toBe(0);
  expect(JSON.parse(printed.out)).toEqual([]);
  expect(existsSync(join(dir, 'data', 'state.db'))).toBe(false);
});

it('`check --connect` has a row with who led last, or why not', async () => {
  const config = (options: object) => ({
    state: { type: 'postgres', options },
    schedule: { timeZone: 'UTC' },
  });
  const rowsOf = (more: object) => {
    const { port, schema } = server.options('rows');
    const options = { host: '127.0.0.1', port, schema, password: 'x', tls: { mode: 'off' }, ...more };
    return stateRows(config({ ...options, password: '${env:PG_PASSWORD}' }) as never, server.secrets);
  };
  expect(await rowsOf({})).toEqual([
    {
      ...{ kind: 'data', name: 'state', state: 'ok' },
      detail: `127.0.0.1:${server.port} lets us in; no process has led yet`,
    },
  ]);
  expect(await rowsOf({ port: 1 })).toMatchObject([
    { state: 'failed', detail: expect.stringContaining('nothing listens on port 1') },
  ]);
  expect(await rowsOf({ user: 'nobody' })).toMatchObject([
    { state: 'failed', advice: 'correct the fields of `state`, or what they refer to' },
  ]);
  await server.query('REVOKE ALL ON DATABASE bartizan FROM PUBLIC; CREATE ROLE guest LOGIN', [], 'bartizan');
  await server.query(
    `ALTER ROLE guest PASSWORD '${POSTGRES_PASSWORD}'; GRANT CONNECT ON DATABASE bartizan TO guest`,
  );
  expect(await rowsOf({ user: 'guest' })).toMatchObject([
    { state: 'failed', detail: expect.stringContaining('GRANT CREATE ON DATABASE') },
  ]);
});
