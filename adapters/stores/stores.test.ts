import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeRollUps } from '../../test/contract/roll-ups.ts';
import { describeSampleStore } from '../../test/contract/sample-store.ts';
import type { SampleStoreHarness } from '../../test/contract/store-harness.ts';
import { openSqliteStore } from './sqlite/store.ts';

const create = async (): Promise<SampleStoreHarness> => {
  const path = await mkdtemp(join(tmpdir(), 'bartizan-store-'));
  return {
    open: async () => openSqliteStore({ path }),
    remove: () => rm(path, { recursive: true }),
    nowMs: Date.UTC(2026, 10, 24, 12),
  };
};

describeSampleStore('sqlite', create);
describeRollUps('sqlite', create);
