// The API over ports in memory or a store in a file, for its tests.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import type { Config } from '../../core/model/config.ts';
import type { Sample } from '../../core/model/sample.ts';
import type { Target } from '../../core/model/target.ts';
import type { SampleStore } from '../../core/ports.ts';
import { createHistoryFixture, type HistoryFixtureOptions } from '../../test/history-fixture.ts';
import { createStageFixture, MINUTE, START } from '../../test/stage-fixture.ts';
import { createApiRoutes } from './routes.ts';

export const DAY = 86_400_000;
const routes = [createApiRoutes()];
const opened: { dir: string; store: SampleStore }[] = [];

/** A store in a file, for tests that read what they wrote. */
export function openStore(): SampleStore {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-api-'));
  const store = openSqliteStore({ path: dir });
  opened.push({ dir, store });
  return store;
}
export async function closeStores(): Promise<void> {
  for (const { dir, store } of opened.splice(0)) {
    await store.close();
    rmSync(dir, { recursive: true });
  }
}

const targets = ['n1', 'n2', 'n10'].map(
  (node): Target => ({
    cluster: 'prod',
    node,
    role: 'etcd',
    host: '192.0.2.1',
    port: 22,
    user: 'probe',
    bastion: 'seoul',
    hostKeys: [],
    labels: { tenant: node === 'n1' ? 'blue' : 'green' },
  }),
);

export function setup(
  options: Partial<HistoryFixtureOptions> & { stage?: Parameters<typeof createStageFixture>[0] } = {},
) {
  const stage = createStageFixture(options.stage);
  const config = {
    ...stage.config,
    store: {
      type: 'sqlite',
      path: '/nowhere',
      retentionMs: 14 * DAY,
      rollUpRetentionMs: 400 * DAY,
      options: {},
    },
  } as unknown as Config;
  const { clock } = stage.time;
  const history = createHistoryFixture({
    routes,
    state: stage.state,
    store: { ...stage.ports.store, rollUps: async () => [] },
    config,
    targets,
    clock,
    ...options,
  });
  return { stage, ...history };
}

export function samplesOf(
  node: string,
  values: readonly number[],
  fromMs = START,
  stepMs = MINUTE,
): Sample[] {
  const labels = { cluster: 'prod', node, role: 'etcd' };
  return values.map((value, i) => ({ metric: 'mem_usage', labels, timeMs: fromMs + i * stepMs, value }));
}
