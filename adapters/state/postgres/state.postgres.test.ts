import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, RetryableError } from '../../../core/errors.ts';
import type { StateStore } from '../../../core/ports.ts';
import { killRepeatedly } from '../../../test/contract/kill-loop.ts';
import {
  alertOf,
  incidentOf,
  putIncidents,
  T0,
  transitionOf,
} from '../../../test/contract/state-fixtures.ts';
import { describeStateStore } from '../../../test/contract/state-store.ts';
import { examineStory } from '../../../test/contract/state-story.ts';
import { scaledMs } from '../../../test/machine-speed.ts';
import { POSTGRES_PASSWORD, type PostgresServer, startPostgres } from '../../../test/postgres-server.ts';
import type { PostgresOptions } from '../../postgres/options.ts';
import { openPool } from '../../postgres/pool.ts';
import { layFoundation, migrate } from './migrate.ts';
import { openPostgresState, prepare } from './state.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

/** The options of a schema with empty tables. */
async function emptySchema(more: Record<string, unknown> = {}): Promise<PostgresOptions> {
  const options = server.options(`s_${randomUUID().replaceAll('-', '')}`, more);
  const sessions = await openPool(options, server.secrets);
  await prepare(sessions, options, layFoundation);
  await prepare(sessions, options, migrate);
  await sessions.close();
  return options;
}

const open = (options: PostgresOptions) => openPostgresState(options, { secrets: server.secrets });

describeStateStore('postgres', async () => {
  const options = await emptySchema();
  const drop = async () => void (await server.query(`DROP SCHEMA ${options.schema} CASCADE`, [], 'bartizan'));
  return { open: () => open(options), remove: drop };
});

const fire = (state: StateStore, node: string) => {
  const alert = alertOf(node);
  const transitions = [transitionOf(alert, 'firing', T0)];
  return state.commitAlert({ alert, expectedVersion: 0, transitions, dueAtMs: T0 });
};

describe('postgres state', () => {
  let options: PostgresOptions;
  let state: StateStore;
  beforeEach(async () => {
    options = await emptySchema({ timeout: '3s' });
    state = await open(options);
  });
  afterEach(() => state.close());

  it('a row that somebody else wrote is named with its table', async () => {
    await fire(state, 'n1');
    await server.query(`UPDATE ${options.schema}.alert SET body = 'oops'`, [], 'bartizan');
    await expect(state.listAlerts()).rejects.toThrow(/a row of the table alert is not what bartizan wrote/);
  });

  it('goes on after the server was restarted, and keeps what it acknowledged', async () => {
    await fire(state, 'a');
    await server.restart();
    // The first call may meet a connection of before.
    await state.listAlerts().catch(() => {});
    expect(await state.listAlerts()).toHaveLength(1);
    await fire(state, 'b');
    expect((await state.dueOutbox(T0, 10)).map(({ transition }) => transition.labels.node)).toEqual([
      'a',
      'b',
    ]);
  });

  it('has every step that it acknowledged, and no half of one, after each of 5 kills', async () => {
    let steps = 0;
    await killRepeatedly({
      script: join(import.meta.dirname, '../../../test/contract/postgres-state-writer.ts'),
      args: [JSON.stringify(options)],
      times: 5,
      maxLifeMs: scaledMs(600),
      async onKilled(lines) {
        const stored = await examineStory(state);
        for (const line of lines.slice(1)) {
          const [what, id] = line.split(' ') as [keyof typeof stored, string];
          expect(stored[what], line).toContain(id);
          steps++;
        }
      },
    });
    expect(steps).toBeGreaterThan(20);
  });

  it('writes nothing of a commit that fails in its middle', async () => {
    await putIncidents(state, incidentOf('i1', { groupKey: 'g' }));
    const both = [incidentOf('i0', { groupKey: 'f' }), incidentOf('i2', { groupKey: 'g' })];
    await expect(putIncidents(state, ...both)).rejects.toThrow('this group is open');
    expect((await state.openIncidents()).map(({ value }) => value.id)).toEqual(['i1']);
  });

  it('takes long group keys, and labels with characters that SQL knows', async () => {
    const groupKey = `'";--\\ ${'ü'.repeat(20_000)}`;
    await putIncidents(state, incidentOf('i1', { groupKey }));
    expect((await state.findIncident('default', 'chat', groupKey))?.value.id).toBe('i1');
    expect(await state.findIncident('default', 'chat', `${groupKey}.`)).toBeUndefined();
    await fire(state, 'n\u0000\ud800');
    expect((await state.listAlerts())[0]?.value.labels.node).toBe('n\u0000\ud800');
  });

  it('waits for a transaction whose process stopped, until the server ends that one', async () => {
    const other = await openPool(options, server.secrets);
    await fire(state, 'a');
    const held = other.use(async (session) => {
      await session.query('BEGIN');
      await session.query('DELETE FROM alert');
      const alert = alertOf('a', { status: 'firing' });
      // This process says nothing more meanwhile.
      await state.commitAlert({ alert, expectedVersion: 1, transitions: [], dueAtMs: T0 });
      await session.query('COMMIT');
    });
    await expect(held).rejects.toThrow(/terminat|queryable/);
    expect(await state.listAlerts()).toHaveLength(1);
    await other.close();
  });

  it('is retryable while another transaction holds a row for long', async () => {
    const slow = await open({ ...options, timeout: 1_000 });
    const other = await openPool(options, server.secrets);
    await fire(state, 'a');
    await other.use(async (session) => {
      await session.query('BEGIN');
      await session.query('DELETE FROM alert');
      const alert = alertOf('a', { status: 'firing' });
      const update = slow.commitAlert({ alert, expectedVersion: 1, transitions: [], dueAtMs: T0 });
      await expect(update).rejects.toThrow(RetryableError);
      await session.query('ROLLBACK');
    });
    await slow.close();
    await other.close();
  });

  it('repeats transactions that wait for each other', async () => {
    const incident = (id: string) => incidentOf(id, { groupKey: id });
    await putIncidents(state, incident('i0'), incident('i1'));
    // Those that close are written first, so the two meet in the middle.
    const write = (closing: string, staying: string) =>
      state.commitIncidents({
        incidents: [
          { value: { ...incident(closing), closedAtMs: T0 }, version: 1 },
          { value: incident(staying), version: 1 },
        ],
      });
    const outcomes = await Promise.allSettled([write('i0', 'i1'), write('i1', 'i0')]);
    const failed = outcomes.filter(({ status }) => status === 'rejected');
    expect(failed.map((one) => (one as PromiseRejectedResult).reason.name)).toEqual(['ConflictError']);
  });
});

describe('postgres state that cannot be used', () => {
  const refusal = async (options: PostgresOptions) => {
    const error: unknown = await open(options).then(
      async (state) => {
        await state.close();
        return 'it opened';
      },
      (reason: unknown) => reason,
    );
    expect(String((error as Error).stack)).not.toContain(POSTGRES_PASSWORD);
    return error as Error;
  };

  it.each([
    ['a wrong password', { password: '${env:OTHER}' }, ConfigError, 'the server refuses the login'],
    ['no password', { password: undefined }, ConfigError, 'the server wants a password'],
    ['another user', { user: 'nobody' }, ConfigError, 'the server refuses the login'],
    ['a database that is missing', { database: 'other' }, ConfigError, 'there is no such database'],
    ['a schema without tables', {}, ConfigError, 'there is no state yet'],
    ['TLS where the server has none', { tls: { mode: 'verify' } }, ConfigError, 'does not speak TLS'],
    ['a port where nobody listens', { port: 1 }, RetryableError, 'nothing listens on port 1'],
    ['a socket that is missing', { host: '/nowhere' }, RetryableError, 'ENOENT'],
  ] as const)('says so: %s', async (_what, more, type, text) => {
    const error = await refusal(server.options('missing', more));
    expect(error.message).toContain(text);
    expect(error).toBeInstanceOf(type);
    expect(error.message).toContain('state: PostgreSQL');
  });

  it('says so: a server that accepts connections and is silent', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const error = await refusal(server.options('s', { port, timeout: '1s' }));
    expect(error).toBeInstanceOf(RetryableError);
    expect(error.message).toContain('it does not answer');
    silent.close();
  });

  it('says so: tables of a newer or an older release', async () => {
    const options = await emptySchema();
    const set = (version: number) =>
      server.query(`UPDATE ${options.schema}.schema_version SET version = ${version}`, [], 'bartizan');
    await set(99);
    expect((await refusal(options)).message).toContain('written by a newer bartizan (schema 99');
    const sessions = await openPool(options, server.secrets);
    await expect(prepare(sessions, options, layFoundation)).rejects.toThrow('newer bartizan');
    await expect(prepare(sessions, options, migrate)).rejects.toThrow('newer bartizan');
    await sessions.close();
    await set(0);
    expect((await refusal(options)).message).toContain('there is no state yet');
  });

  it('says so: a database that takes no writes, and later takes them', async () => {
    const options = await emptySchema();
    const state = await open(options);
    const readOnly = (value: string) =>
      server.query(`ALTER SYSTEM SET default_transaction_read_only = ${value}`).then(async () => {
        await server.query('SELECT pg_reload_conf()');
      });
    await fire(state, 'a');
    await state.close();
    await readOnly('on');
    const sessions = await openPool(options, server.secrets);
    const again = prepare(sessions, options, (session) => session.query('DELETE FROM alert').then(() => {}));
    await expect(again).rejects.toThrow('the database takes no writes');
    await sessions.close();
    await readOnly('off');
  });

  it('says so: an encoding that lacks letters', async () => {
    await server.query(`CREATE DATABASE ascii OWNER bartizan ENCODING 'SQL_ASCII' TEMPLATE template0`);
    const options = server.options('s', { database: 'ascii' });
    const sessions = await openPool(options, server.secrets);
    await expect(prepare(sessions, options, layFoundation)).rejects.toThrow('create it with UTF8');
    await sessions.close();
  });
});
