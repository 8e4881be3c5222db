// Forecasts and rates beside `predict_linear` and `increase` of a real Prometheus, over the same samples.

import axios from 'axios';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPrometheusApi } from '../../adapters/stores/prometheus/api.ts';
import { prometheus } from '../../adapters/stores/prometheus/prometheus.ts';
import { createPrometheusStore } from '../../adapters/stores/prometheus/store.ts';
import { type MetricsServer, startPrometheus } from '../../test/prometheus-servers.ts';
import { ruleOf } from '../../test/shard-fixture.ts';
import type { Point } from '../model/sample.ts';
import { deriveSeries } from './rule-series.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** To the bit, but where Go fuses multiplications with additions. */
const TOLERANCE = process.arch === 'x64' ? 0 : 1e-11;
let server: MetricsServer;
beforeAll(async () => {
  server = await startPrometheus({ windowMs: 100 * 24 * HOUR });
});
afterAll(() => server?.stop());

const startMs = Math.floor(Date.now() / HOUR) * HOUR - 24 * HOUR;

function createStore() {
  const clock = { nowMs: () => Date.now() };
  const secrets = { resolve: async (text: string) => text, redact: (text: string) => text };
  const api = createPrometheusApi(prometheus.options.parse({ url: server.url }), { secrets, clock });
  return createPrometheusStore(api, clock);
}

it('rates are increases, of counters that start anew too (property)', async () => {
  const store = createStore();
  let count = 0;
  const grown = fc.oneof(
    { weight: 4, arbitrary: fc.nat({ max: 1_000 }) },
    { weight: 1, arbitrary: fc.constant('anew' as const) },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.option(grown, { freq: 5 }), { minLength: 2, maxLength: 60 }),
      async (steps) => {
        const labels = { cluster: 'c', node: `c${count++}`, role: 'etcd' };
        let total = 5_000;
        const points = steps.flatMap((step, i): Point[] => {
          if (step === 'anew') total = i;
          else total += step ?? 0;
          return step === null ? [] : [{ timeMs: startMs + i * MINUTE, value: total }];
        });
        const [first, last] = [points[0], points.at(-1)];
        fc.pre(first !== undefined && last !== undefined && first !== last);
        await store.write(points.map((point) => ({ metric: 'oom_kills', labels, ...point })));
        // A range that begins just before a sample and ends on one: next to nothing is left to extrapolate.
        const spanMs = last.timeMs - first.timeMs;
        const rule = ruleOf('r', { window: { lastMs: spanMs + 1, reduce: 'rate' } });
        const series = [{ metric: 'oom_kills', labels, points }];
        const [ours] = deriveSeries({ rule, series, intervalMs: 2 * spanMs }, last.timeMs - 1);
        const answer = await axios.get(`${server.url}/api/v1/query`, {
          params: { query: `increase({node="${labels.node}"}[${spanMs + 1}ms])`, time: last.timeMs / 1000 },
        });
        const theirs = Number(answer.data.data.result[0]?.value[1]);
        const mine = ((ours?.points[0]?.value ?? Number.NaN) * spanMs) / 1000;
        expect(theirs).toBeGreaterThanOrEqual(mine * (1 - 1e-9));
        expect(theirs).toBeLessThanOrEqual(mine * (1 + 1 / spanMs + 1e-9));
      },
    ),
    { numRuns: 40 },
  );
});

it('are those of predict_linear (property)', async () => {
  const store = createStore();
  let count = 0;

  const value = fc.oneof(
    fc.double({ min: 0, max: 100, noNaN: true }),
    fc.constantFrom(0, 90.1, 100, 1e12, -3),
  );
  const samples = fc.oneof(
    fc.array(fc.option(value, { freq: 4 }), { minLength: 2, maxLength: 90 }),
    // What a forecast is for: something that grows, with noise.
    fc
      .tuple(value, fc.double({ min: -1, max: 1, noNaN: true }), fc.integer({ min: 2, max: 90 }))
      .map(([first, slope, length]) => Array.from({ length }, (_, i) => first + slope * i + Math.sin(i))),
  );
  const minutes = fc.integer({ min: 2, max: 120 });
  await fc.assert(
    fc.asyncProperty(samples, minutes, minutes, fc.boolean(), async (drawn, last, ahead, between) => {
      const labels = { cluster: 'c', node: `n${count++}`, role: 'etcd', mount: '/', device: 'd' };
      const points = drawn.flatMap((one, i): Point[] =>
        one === null ? [] : [{ timeMs: startMs + i * MINUTE, value: one }],
      );
      await store.write(points.map((point) => ({ metric: 'disk_usage', labels, ...point })));
      // A window ends on a sample. Whether it begins on one differs: 2.x has that sample, 3.x and we have not.
      const lastMs = last * MINUTE - (between ? MINUTE / 2 : 0);
      const rule = ruleOf('r', { window: { lastMs, reduce: 'forecast', aheadMs: ahead * MINUTE } });
      const series = [{ metric: 'disk_usage', labels, points }];
      // Every window counts here, however few samples it has.
      const [ours] = deriveSeries({ rule, series, intervalMs: 2 * lastMs }, 0);
      for (const { timeMs } of points.slice(-3)) {
        const selector = `bartizan_disk_usage_percent{node="${labels.node}"}[${lastMs - 1}ms]`;
        const answer = await axios.get(`${server.url}/api/v1/query`, {
          params: { query: `predict_linear(${selector}, ${ahead * 60})`, time: timeMs / 1000 },
        });
        const theirs = answer.data.data.result[0]?.value[1];
        const mine = ours?.points.find((point) => point.timeMs === timeMs)?.value;
        expect(mine === undefined).toBe(theirs === undefined);
        const size = Math.max(1, ...points.map((point) => Math.abs(point.value)));
        expect(Math.abs((mine ?? 0) - Number(theirs ?? 0)) / size).toBeLessThanOrEqual(TOLERANCE);
      }
    }),
    { numRuns: 60 },
  );
});
