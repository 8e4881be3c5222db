// The stand-in for a strict server, beside the real one.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sample } from '../../../core/model/sample.ts';
import { type MetricsServer, startPrometheus } from '../../../test/prometheus-servers.ts';
import { createStrictPrometheus } from '../../../test/strict-prometheus.ts';
import { createPrometheusApi } from './api.ts';
import { prometheus } from './prometheus.ts';
import { createPrometheusStore } from './store.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const secrets = { resolve: async (text: string) => text, redact: (text: string) => text };

describe.each([0, 60, 600])('a window of %i s', (seconds) => {
  let server: MetricsServer;
  beforeAll(async () => {
    server = await startPrometheus({ windowMs: seconds * 1000 });
  });
  afterAll(() => server?.stop());

  it('the stand-in takes and refuses what Prometheus does, in its words (property)', async () => {
    let day = Math.floor(Date.now() / DAY) - 300;
    const strict = createStrictPrometheus(seconds * 1000);
    const minute = fc.oneof(fc.integer({ min: -75, max: 0 }), fc.integer({ min: -130, max: 0 }));
    const one = fc.record({ node: fc.constantFrom('a', 'b', 'c'), minute, forward: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(one, { minLength: 1, maxLength: 6 }), { maxLength: 14 }),
        async (writes) => {
          const startMs = ++day * DAY;
          const clock = { nowMs: () => startMs };
          const options = prometheus.options.parse({ url: server.url });
          const stores = [createPrometheusApi(options, { secrets, clock }), strict].map((api) =>
            createPrometheusStore(api, clock),
          );
          let newest = 0;
          for (const write of writes) {
            const samples = write.map(({ node, minute: ago, forward }): Sample => {
              if (forward) newest++;
              const timeMs = startMs + (newest + ago) * MINUTE;
              return { metric: 'mem_usage', labels: { cluster: 'c', node }, timeMs, value: timeMs / 7 };
            });
            const [real, ours] = await Promise.all(stores.map((store) => store.write(samples)));
            const shown = (result: typeof real) =>
              result?.rejected.map(({ sample, cause, reason }) => [
                sample,
                cause,
                reason.replace(/^.*\d: /, ''),
              ]);
            expect(shown(ours)).toEqual(shown(real));
            expect(ours?.written).toBe(real?.written);
          }
          const range = { metric: 'mem_usage', fromMs: startMs - DAY / 4, toMs: startMs + DAY / 4 };
          const [there, here] = await Promise.all(stores.map((store) => store.query(range)));
          const sorted = (found: typeof there) =>
            found?.toSorted((a, b) => ((a.labels.node ?? '') < (b.labels.node ?? '') ? -1 : 1));
          expect(sorted(here)).toEqual(sorted(there));
        },
      ),
      { numRuns: 25 },
    );
  });
});
