// The store contract, with the real SDK against the stand-in; each test has a table of its own.
import { afterAll, beforeAll } from 'vitest';
import { describeRollUps } from '../../../test/contract/roll-ups.ts';
import { describeSampleStore } from '../../../test/contract/sample-store.ts';
import type { SampleStoreHarness, StoreTraits } from '../../../test/contract/store-harness.ts';
import { startTimestreamTables, type TimestreamTables } from '../../../test/timestream-tables.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const HOUR_MS = 3_600_000;
/** A repeat of the same record is taken like a first one. Roll-ups take the nearest rank, exactly. */
const TRAITS: StoreTraits = { countsRepeats: false, exact: true, prunes: false, nearestRank: true };

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
