import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeRollUps } from '../../test/contract/roll-ups.ts';
import { describeSampleStore, type SampleStoreHarness } from '../../test/contract/sample-store.ts';
import { STORES } from './registry.ts';

for (const adapter of STORES) {
  const create = async (): Promise<SampleStoreHarness> => {
    const path = await mkdtemp(join(tmpdir(), 'bartizan-store-'));
    return {
      open: async () => adapter.open({ path, options: adapter.options.parse({}) }),
      remove: () => rm(path, { recursive: true }),
      nowMs: Date.UTC(2026, 10, 24, 12),
    };
  };
  describeSampleStore(adapter.type, create);
  describeRollUps(adapter.type, create);
}
