import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPool } from '../../adapters/postgres/pool.ts';
import { layFoundation, migrate } from '../../adapters/state/postgres/migrate.ts';
import { postgresState, prepare } from '../../adapters/state/postgres/state.ts';
import { type PostgresServer, startPostgres } from '../postgres-server.ts';
import { openBlockingSessions } from './blocking-sessions.ts';
import { add, emptyTally, reportOf } from './report.ts';
import { simulate } from './simulate.ts';

/** Even seeds have one process and its faults. Their schedules take the longer the more statements they make. */
const SEEDS = [2, 4];

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

it.each(SEEDS)('every invariant holds over PostgreSQL, seed %i', async (seed) => {
  const options = server.options(`seed_${seed}`, { timeout: '60s' });
  const pool = await openPool(options, server.secrets);
  await prepare(pool, options, layFoundation);
  await prepare(pool, options, migrate);
  await pool.close();
  const startMs = performance.now();
  const outcome = await simulate(seed, undefined, () =>
    postgresState(openBlockingSessions(options), options),
  );
  const tally = emptyTally();
  add(tally, outcome);
  expect(Object.fromEntries(tally.failed), reportOf(tally, performance.now() - startMs)).toEqual({});
  // The schedule took place over this state.
  const { rows } = await server.query(`SELECT count(*) FROM ${options.schema}.transition`, [], 'bartizan');
  expect(Number(rows[0].count)).toBeGreaterThan(10);
});
