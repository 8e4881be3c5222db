// An hourly value in real servers: people who look back five minutes see it, and what rules read is the sample alone.
import axios from 'axios';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { currentForMs } from '../../../core/current.ts';
import type { Check } from '../../../core/model/check.ts';
import type { Observation } from '../../../core/model/observation.ts';
import { type LastValues, repeatsOf, takeLastValues } from '../../../core/parse/last-values.ts';
import {
  type MetricsServer,
  startPrometheus,
  startVictoriaMetrics,
} from '../../../test/prometheus-servers.ts';
import { createPrometheusApi } from './api.ts';
import { prometheus } from './prometheus.ts';
import { createPrometheusStore } from './store.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const secrets = { resolve: async (text: string) => text, redact: (text: string) => text };
const pki: Check = { name: 'pki', probe: 'pki', everyMs: HOUR, where: {}, options: {} };
const target = {
  cluster: 'c',
  node: 'n',
  role: 'etcd' as const,
  host: 'h',
  port: 22,
  user: 'u',
  bastion: 'b',
  hostKeys: [],
};
const labels = { cluster: 'c', node: 'n', role: 'etcd', file: '/ca.crt' };

describe.each([
  ['prometheus', () => startPrometheus({ windowMs: 0 })],
  ['victoria-metrics', startVictoriaMetrics],
] as const)('%s', (_, start) => {
  let server: MetricsServer;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.stop());

  it('an hourly value is seen each minute while it is current, and is one sample for rules', async () => {
    const startMs = Math.floor(Date.now() / HOUR) * HOUR - 48 * HOUR;
    const clock = { nowMs: () => startMs + 3 * HOUR };
    const options = prometheus.options.parse({ url: server.url });
    const store = createPrometheusStore(createPrometheusApi(options, { secrets, clock }), clock);
    const samples = [{ metric: 'cert_expiry', labels, timeMs: startMs, value: 86_400 }];
    const seen: Observation = {
      check: 'pki',
      probe: 'pki',
      target,
      roundMs: startMs,
      observedAtMs: startMs,
      durationMs: 100,
      result: { ok: true, samples, notes: [] },
    };
    const known = takeLastValues(new Map<string, LastValues>(), [pki], [seen]);
    expect(await store.write(samples)).toMatchObject({ written: 1 });
    let repeated = 0;
    for (let minute = 1; minute <= 150; minute++) {
      const batch = { roundMs: startMs + minute * MINUTE, targets: [target] };
      const values = repeatsOf(batch, known, [pki], []).filter(({ metric }) => metric === 'cert_expiry');
      repeated += (await store.repeat?.(values)) ?? 0;
    }
    // From 1m to 2h, without the two rounds in which the second run is due or may be under way.
    expect(repeated).toBe(117);
    await server.settle();
    /** What PromQL finds at a time, as Grafana asks for it. */
    const at = async (ms: number) => {
      const params = { query: 'bartizan_cert_expiry_seconds', time: (startMs + ms) / 1000 };
      const { data } = await axios.get(`${server.url}/api/v1/query`, { params });
      return data.data.result.map(({ value }: { value: [number, string] }) => Number(value[1]));
    };
    const minutes = [0, 3, 17, 59, 60, 61, 64, 90, 120, 124];
    expect(await Promise.all(minutes.map((minute) => at(minute * MINUTE)))).toEqual(
      minutes.map(() => [86_400]),
    );
    expect(await at(currentForMs(HOUR) + 6 * MINUTE)).toEqual([]);
    const range = { metric: 'cert_expiry', fromMs: startMs - HOUR, toMs: startMs + 3 * HOUR };
    const original = [{ metric: 'cert_expiry', labels, points: [{ timeMs: startMs, value: 86_400 }] }];
    expect(await store.query(range)).toEqual(original);
    expect(await store.latest({ metric: 'cert_expiry', sinceMs: startMs - HOUR })).toEqual(original);
    // The next sample finds its place behind what was repeated.
    const next = { metric: 'cert_expiry', labels, timeMs: startMs + 3 * HOUR, value: 75_600 };
    expect(await store.write([next])).toMatchObject({ written: 1, rejected: [] });
  });
});
