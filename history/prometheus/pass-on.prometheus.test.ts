// The same samples in Debian's Prometheus, which answers queries itself, and in our store: clients cannot tell them apart.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPrometheusApi } from '../../adapters/stores/prometheus/api.ts';
import { prometheus } from '../../adapters/stores/prometheus/prometheus.ts';
import { createPrometheusStore } from '../../adapters/stores/prometheus/store.ts';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import type { Config } from '../../core/model/config.ts';
import type { SampleStore } from '../../core/ports.ts';
import { createHistoryFixture } from '../../test/history-fixture.ts';
import { createMemoryState } from '../../test/memory-state.ts';
import { type MetricsServer, startPrometheus } from '../../test/prometheus-servers.ts';
import { createPrometheusRoutes } from './routes.ts';

const MINUTE = 60_000;
const START = Math.floor(Date.now() / 3_600_000 - 2) * 3_600_000;
const NOW = START + 60 * MINUTE;
const checks = [{ name: 'usage', probe: 'usage', everyMs: MINUTE, where: {}, options: {} }];
const config = { checks, rules: [], store: { retentionMs: 7 * 86_400_000 } } as unknown as Config;
const secrets = { resolve: async (text: string) => text, redact: (text: string) => text };

let server: MetricsServer;
let path: string;
let stores: SampleStore[];
let fixtures: ReturnType<typeof createHistoryFixture>[];

beforeAll(async () => {
  server = await startPrometheus({ windowMs: 0 });
  path = mkdtempSync(join(tmpdir(), 'pass-on-'));
  const clock = { nowMs: () => NOW };
  const options = prometheus.options.parse({ url: server.url });
  stores = [
    createPrometheusStore(createPrometheusApi(options, { secrets, clock }), clock),
    openSqliteStore({ path }),
  ];
  const rounds = Array.from({ length: 60 }, (_, i) => i);
  const samples = rounds.flatMap((i) =>
    ['a', 'b'].flatMap((node, n) => {
      const sample = {
        labels: { cluster: 'c', node, role: 'etcd' },
        timeMs: START + i * MINUTE,
        value: (n + 1) * i + 0.1,
      };
      return [
        { ...sample, metric: 'mem_usage' },
        { ...sample, metric: 'up', value: 1 },
      ];
    }),
  );
  for (const store of stores) await store.write(samples);
  await server.settle();
  fixtures = stores.map((store) =>
    createHistoryFixture({
      routes: [createPrometheusRoutes()],
      state: createMemoryState(),
      store,
      config,
      clock,
    }),
  );
});

afterAll(async () => {
  await server?.stop();
  for (const store of stores ?? []) await store.close();
  rmSync(path, { recursive: true });
});

const both = (path: string) => Promise.all(fixtures.map((fixture) => fixture.json(path)));
const range = `start=${START / 1000}&end=${NOW / 1000}`;

describe('both answer alike', () => {
  it.each([
    `query?query=bartizan_mem_usage_percent&time=${(START + 30 * MINUTE) / 1000}`,
    `query?query=sum(bartizan_mem_usage_percent)&time=${(START + 30.5 * MINUTE) / 1000}`,
    `query?query=up&time=${(START + 30 * MINUTE) / 1000}`,
    `query?query=1%2B1&time=4`,
    `query_range?query=bartizan_mem_usage_percent%20%3E%2050&${range}&step=150`,
    `query_range?query=max%20by%20(node)%20(bartizan_mem_usage_percent)&${range}&step=60`,
    `series?match[]=bartizan_mem_usage_percent{node="a"}&${range}`,
    `labels?match[]=bartizan_mem_usage_percent&${range}`,
    `label/node/values?match[]=bartizan_mem_usage_percent&${range}`,
    `label/node/values?${range}`,
  ])('%s', async (path) => {
    const [theirs, ours] = await both(`/api/v1/${path}`);
    expect(theirs).toEqual(ours);
    expect(ours).toMatchObject({ status: 200, body: { status: 'success' } });
    expect(JSON.stringify(ours?.body)).toMatch(/node|scalar|"[ab]"|"value"/);
  });
});

it('an error of the server reaches the asker', async () => {
  const query = encodeURIComponent('bartizan_up + on(cluster) bartizan_up');
  const [theirs] = await both(`/api/v1/query?query=${query}&time=${(START + 30 * MINUTE) / 1000}`);
  expect(theirs).toMatchObject({
    status: 422,
    body: { errorType: 'execution', error: expect.stringMatching(/duplicate series/) },
  });
});
