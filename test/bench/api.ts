// How long our own API takes for thirty days of one cluster.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axios from 'axios';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import type { BenchOptions } from './benchmark.ts';
import { spreadOf } from './harness.ts';
import { startHistoryService } from './history-service.ts';
import type { BenchmarkReport } from './report.ts';
import { createStoreFixture } from './store-fixture.ts';

const NODES = 100;
const DAY_MS = 86_400_000;
/** One sample for each period of the roll-ups: what is between them does not count for the answer. */
const ROUND_MS = 300_000;
const LIMIT_MS = 30;

export async function benchApi({ dir, quick, log }: BenchOptions): Promise<BenchmarkReport> {
  const days = quick ? 3 : 30;
  const path = join(dir, 'store');
  log(`writing ${days} days of ${NODES} nodes`);
  const toMs = await writeDays(path, days);
  const service = await startHistoryService(path);
  try {
    const params = { metric: 'mem_usage', where: 'cluster=nks-7', from: toMs - days * DAY_MS, to: toMs };
    const times: number[] = [];
    for (let i = 0; i < (quick ? 5 : 21); i++) {
      const startMs = performance.now();
      const { data } = await axios.get(`${service.url}/v1/range`, { params });
      times.push(performance.now() - startMs);
      if (data.series.length !== 5 || data.source !== 'roll-ups')
        throw new Error('not the five nodes of the cluster');
    }
    const value = spreadOf(times.slice(1));
    const what = `GET /v1/range, ${days} days of one cluster`;
    return {
      title: `History API: ${days} days of one cluster of ${NODES / 5}`,
      how: [
        'The range is read from roll-ups of hours into 300 bins, for each node mean and maximum. The time is that of a',
        'client on loopback, from the request to the parsed answer, when the service has answered once.',
      ],
      rows: [{ what, contender: 'bartizan', unit: 'ms', value }],
      goals: [
        { what: '30 days of one cluster', against: 'no contender', value, limit: LIMIT_MS, unit: 'ms' },
      ],
      missing: [],
    };
  } finally {
    await service.stop();
  }
}

/** Returns the time of the last sample. */
async function writeDays(path: string, days: number): Promise<number> {
  mkdirSync(path);
  const store = openSqliteStore({ path });
  const toMs = Math.floor(Date.now() / ROUND_MS) * ROUND_MS - ROUND_MS;
  const fixture = createStoreFixture({ nodes: NODES, full: false });
  for (let timeMs = toMs - days * DAY_MS; timeMs <= toMs; timeMs += ROUND_MS) {
    for (const samples of fixture.round(timeMs)) await store.write(samples);
  }
  await store.rollUp(toMs + ROUND_MS);
  await store.close();
  return toMs;
}
