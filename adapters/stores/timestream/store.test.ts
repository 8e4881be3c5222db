// The store contract, with the real SDK against the stand-in; each test has a table of its own.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeRollUps } from '../../../test/contract/roll-ups.ts';
import { describeSampleStore } from '../../../test/contract/sample-store.ts';
import type { SampleStoreHarness, StoreTraits } from '../../../test/contract/store-harness.ts';
import { startTimestreamTables, type TimestreamTables } from '../../../test/timestream-tables.ts';
import { openStore } from '../registry.ts';
import { timestream } from './timestream.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const HOUR_MS = 3_600_000;
/** A repeat of the same record is taken like a first one. Roll-ups take the nearest rank, exactly. */
const TRAITS: StoreTraits = {
  countsRepeats: false,
  exact: true,
  lateMs: Infinity,
  prunes: false,
  nearestRank: true,
};

let tables: TimestreamTables;

beforeAll(async () => {
  tables = await startTimestreamTables({ nowMs: () => NOW + HOUR_MS, pageRows: 7, emptyPages: true });
});
afterAll(() => tables.stop());

const create = async (): Promise<SampleStoreHarness> => {
  const connection = await tables.create();
  return { nowMs: NOW, open: () => tables.open(connection), remove: async () => {} };
};

describeSampleStore('timestream', create, TRAITS);
describeRollUps('timestream', create, TRAITS);

it('opens as the configuration says', async () => {
  const { timeout: _, ...options } = await tables.create();
  const store = await openStore(
    { type: 'timestream', path: '', retentionMs: 0, rollUpRetentionMs: 0, options },
    { secrets: { resolve: async (text) => text, redact: (text) => text }, clock: { nowMs: () => NOW } },
  );
  const sample = { metric: 'up', labels: { node: 'n' }, timeMs: NOW, value: 1 };
  expect(await store.write([sample])).toEqual({ written: 1, duplicates: 0, rejected: [] });
  expect(await store.latest({ metric: 'up', sinceMs: NOW })).toHaveLength(1);
  await store.close();
});

it.each([
  [{}, ['database', 'region', 'table']],
  [{ database: 'b', table: 'samples', region: 'eu-west-1' }, ['database']],
  [{ database: 'bartizan', table: 'a"b', region: 'Frankfurt' }, ['region', 'table']],
  [{ database: 'bartizan', table: 'samples', region: 'us-gov-west-1', endpoint: 'ftp://x' }, ['endpoint']],
  [{ database: 'bartizan', table: 'samples', region: 'eu-west-1', retention: '1d' }, ['']],
])('refuses the options %j', (options, paths) => {
  const { error } = timestream.options.safeParse(options);
  expect(error?.issues.map((issue) => issue.path.join('.')).sort()).toEqual(paths);
});
