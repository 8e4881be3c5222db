import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openStore, repeatsValues, STORES } from './registry.ts';

it.each([
  ['sqlite', {}],
  ['prometheus', { url: 'http://127.0.0.1:1' }],
])('%s is given last values again if, and only if, it takes them', async (type, options) => {
  const path = await mkdtemp(join(tmpdir(), 'bartizan-store-'));
  try {
    const secrets = { resolve: async (text: string) => text, redact: (text: string) => text };
    const config = { type, path, retentionMs: 1, rollUpRetentionMs: 1, options };
    const store = await openStore(config, { secrets, clock: { nowMs: () => 0 } });
    expect(store.repeat !== undefined).toBe(repeatsValues(config));
    await store.close();
  } finally {
    await rm(path, { recursive: true });
  }
});

it('only a store whose readers look back five minutes is given them', () => {
  expect(STORES.filter(repeatsValues).map(({ type }) => type)).toEqual(['prometheus']);
});
