import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadConfig, secretsFor } from '../../cli/config-file.ts';
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

it('`maxSize` of the configuration reaches the store', async () => {
  const path = await mkdtemp(join(tmpdir(), 'bartizan-store-'));
  try {
    const file = join(path, 'bartizan.yaml');
    await writeFile(
      file,
      `bastions: [{ name: g, host: g, user: u, agent: "\${env:AGENT}" }]
clusters: [{ name: c, bastion: g, nodes: [{ name: n, role: etcd, host: h }] }]
store: { path: data, maxSize: 32MiB }
`,
    );
    const { config } = await loadConfig(file);
    await mkdir(config.store.path);
    const store = await openStore(config.store, { secrets: secretsFor(file), clock: { nowMs: () => 0 } });
    const size = await store.limitSize?.({ mayGrow: true, keepFromMs: 0, nowMs: 0 });
    expect(size?.maxBytes).toBe(32 * 1024 ** 2);
    await store.close();
  } finally {
    await rm(path, { recursive: true });
  }
});

it('only a store whose readers look back five minutes is given them', () => {
  expect(STORES.filter(repeatsValues).map(({ type }) => type)).toEqual(['prometheus']);
});

it('the embedded store has the limit of the configuration, which 16MiB is the least for', async () => {
  const path = await mkdtemp(join(tmpdir(), 'bartizan-store-'));
  const openLimited = (maxSize: string) =>
    openStore(
      { type: 'sqlite', path, retentionMs: 1, rollUpRetentionMs: 1, options: { maxSize } },
      { secrets: { resolve: async (text) => text, redact: (text) => text }, clock: { nowMs: () => 0 } },
    );
  try {
    const store = await openLimited('20MiB');
    const size = await store.limitSize?.({ mayGrow: true, keepFromMs: 0, nowMs: 0 });
    expect(size).toMatchObject({ maxBytes: 20 * 1024 ** 2 });
    await store.close();
    await expect(openLimited('15MiB')).rejects.toThrow('16MiB');
  } finally {
    await rm(path, { recursive: true });
  }
});
