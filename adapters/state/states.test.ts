import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeStateStore } from '../../test/contract/state-store.ts';
import { createMemoryState } from '../../test/memory-state.ts';
import { openSqliteState } from './sqlite/state.ts';

describeStateStore('sqlite', async () => {
  const path = await mkdtemp(join(tmpdir(), 'bartizan-state-'));
  return { open: async () => openSqliteState({ path }), remove: () => rm(path, { recursive: true }) };
});

// Tests of other parts stand on it: it must behave like the real ones.
describeStateStore('memory', async () => {
  const state = createMemoryState();
  return { open: async () => state, remove: async () => undefined };
});
