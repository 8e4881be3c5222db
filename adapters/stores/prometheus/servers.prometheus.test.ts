// The store contract over real servers. Each test has days of its own on one server.
import { afterAll, beforeAll } from 'vitest';
import { describeRollUps } from '../../../test/contract/roll-ups.ts';
import { describeSampleStore } from '../../../test/contract/sample-store.ts';
import type { SampleStoreHarness, StoreTraits } from '../../../test/contract/store-harness.ts';
import {
  type MetricsServer,
  startPrometheus,
  startVictoriaMetrics,
} from '../../../test/prometheus-servers.ts';
import { createPrometheusApi } from './api.ts';
import { prometheus } from './prometheus.ts';
import { createPrometheusStore } from './store.ts';

const DAY_MS = 24 * 3_600_000;
const HOUR_MS = 3_600_000;
/** Room for the days of all tests, which go forward: what is behind them is too late for the server. */
const DAYS_BACK = 300;
const TRAITS: StoreTraits = {
  countsRepeats: false,
  exact: true,
  lateMs: Infinity,
  prunes: false,
  nearestRank: false,
};
/** Off; what Amazon Managed Prometheus has by default, and the most that it can have. */
const WINDOWS_S = [0, 60, 600];
const secrets = { resolve: async (text: string) => text, redact: (text: string) => text };

const SERVERS = [
  ...WINDOWS_S.map((seconds) => ({
    name: `prometheus, window of ${seconds} s`,
    start: () => startPrometheus({ windowMs: seconds * 1000 }),
    traits: { ...TRAITS, lateMs: seconds * 1000 },
  })),
  {
    name: 'victoria-metrics',
    start: () => startVictoriaMetrics(),
    traits: { ...TRAITS, exact: false },
  },
];

for (const { name, start, traits } of SERVERS) {
  let server: MetricsServer;
  let tests = 0;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.stop());

  const create = async (): Promise<SampleStoreHarness> => {
    const nowMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - (DAYS_BACK - 2 * tests++) * DAY_MS;
    const clock = { nowMs: () => nowMs + HOUR_MS };
    return {
      nowMs,
      async open() {
        const options = prometheus.options.parse({ url: server.url });
        const store = createPrometheusStore(createPrometheusApi(options, { secrets, clock }), clock);
        return {
          ...store,
          async write(samples) {
            const result = await store.write(samples);
            await server.settle();
            return result;
          },
        };
      },
      remove: async () => {},
    };
  };
  describeSampleStore(name, create, traits);
  describeRollUps(name, create, traits);
}
