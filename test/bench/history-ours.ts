// A history service of its own process over the embedded store in the folder that is its argument. Messages: its port, then on each
// question what it took so far.
import { serve } from '@hono/node-server';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import type { Config } from '../../core/model/config.ts';
import { createApiRoutes } from '../../history/api/routes.ts';
import { createPrometheusRoutes } from '../../history/prometheus/routes.ts';
import { createHistoryFixture } from '../history-fixture.ts';
import { createMemoryState } from '../memory-state.ts';

const checks = [{ name: 'usage', probe: 'usage', everyMs: 60_000, where: {}, options: {} }];
const config = { checks, rules: [], store: { retentionMs: 14 * 86_400_000 } } as unknown as Config;

const store = openSqliteStore({ path: process.argv[2] as string });
const { app } = createHistoryFixture({
  routes: [createPrometheusRoutes(), createApiRoutes()],
  state: createMemoryState(),
  store,
  config,
  clock: { nowMs: () => Date.now() },
});
const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) =>
  process.send?.({ port }),
);
process.on('message', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  process.send?.({ cpuMs: (userCPUTime + systemCPUTime) / 1000, peakMb: maxRSS / 1024 });
});
process.on('disconnect', () => {
  server.close();
  void store.close();
});
