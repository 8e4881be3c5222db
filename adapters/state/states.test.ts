import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { T0 } from '../../test/contract/state-fixtures.ts';
import { describeStateStore } from '../../test/contract/state-store.ts';
import { createMemoryState } from '../../test/memory-state.ts';
import { createMemoryTable } from '../../test/memory-table.ts';
import { createTableState } from './dynamodb/state.ts';
import { openSqliteState } from './sqlite/state.ts';

describeStateStore('sqlite', async () => {
  const path = await mkdtemp(join(tmpdir(), 'bartizan-state-'));
  return { open: async () => openSqliteState({ path }), remove: () => rm(path, { recursive: true }) };
});

describeStateStore('dynamodb, over a table in memory', async () => {
  const table = createMemoryTable();
  const options = { clock: { nowMs: () => T0 }, historyMs: 1000 };
  return { open: async () => createTableState(table, options), remove: async () => undefined };
});

// Tests of other parts stand on it: it must behave like the real ones.
describeStateStore('memory', async () => {
  const state = createMemoryState();
  return { open: async () => state, remove: async () => undefined };
});
