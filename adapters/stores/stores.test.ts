import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeSampleStore } from '../../test/contract/sample-store.ts';
import { STORES } from './registry.ts';

for (const adapter of STORES) {
  describeSampleStore(adapter.type, async () => {
    const path = await mkdtemp(join(tmpdir(), 'bartizan-store-'));
    return {
      open: async () => adapter.open({ path, options: adapter.options.parse({}) }),
      remove: () => rm(path, { recursive: true }),
      nowMs: Date.UTC(2026, 10, 24, 12),
    };
  });
}
