// How long Prometheus' read API takes for a thousand series over six hours, beside Debian's Prometheus with the same samples.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axios from 'axios';
import { createPrometheusApi } from '../../adapters/stores/prometheus/api.ts';
import { prometheus } from '../../adapters/stores/prometheus/prometheus.ts';
import { createPrometheusStore } from '../../adapters/stores/prometheus/store.ts';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import type { SampleStore } from '../../core/ports.ts';
import { findProgram } from '../program-path.ts';
import { type MetricsServer, startPrometheus } from '../prometheus-servers.ts';
import type { BenchOptions } from './benchmark.ts';
import { type Contender, compare, type Readings, ratioOf, spreadOf, warmUp } from './harness.ts';
import { type HistoryService, startHistoryService } from './history-service.ts';
import { type BenchmarkReport, type Goal, rowsOf } from './report.ts';
import { createStoreFixture, ROUND_MS } from './store-fixture.ts';

const NODES = 1_000;
const HOURS = 6;
const ROUNDS = HOURS * 60 + 1;
/** Samples before the range, for windows at its begin. */
const BEFORE = 5;
const [OURS, THEIRS] = ['bartizan', 'prometheus'];
const SERIES = 'bartizan_mem_usage_percent';
const QUERIES: Readonly<Record<string, string>> = {
  'all series': SERIES,
  'average of 5 min of each': `avg_over_time(${SERIES}[5m])`,
  'rate of each': `rate(${SERIES}[5m])`,
  'maximum of each cluster': `max by (cluster) (${SERIES})`,
  'the ten highest': `topk(10, ${SERIES})`,
};
const LIMIT = 3;

export async function benchPromql({ dir, quick, log }: BenchOptions): Promise<BenchmarkReport> {
  const title = `Query API: query_range of ${NODES} series × ${HOURS} h, a step a minute`;
  const how = [
    'Both servers have the same samples and answer over HTTP on loopback. The time is that of the client, from the request',
    'to the last byte of the answer. Before, the answers are compared: they have the same series and points.',
  ];
  if (!findProgram('prometheus')) {
    const missing = [{ name: THEIRS, get: 'apt-get install prometheus' }];
    return { title, how, rows: [], goals: Object.keys(QUERIES).map((what) => goalOf(what)), missing };
  }
  const toMs = Math.floor(Date.now() / ROUND_MS) * ROUND_MS - ROUND_MS;
  const fromMs = toMs - (ROUNDS - 1) * ROUND_MS;
  const server = await startPrometheus({ windowMs: 12 * 3_600_000 });
  let ours: HistoryService | undefined;
  try {
    log(`writing ${NODES * (ROUNDS + BEFORE)} samples into both`);
    const path = join(dir, 'store');
    await writeBoth(path, server, fromMs - BEFORE * ROUND_MS, toMs);
    ours = await startHistoryService(path);
    const rows: BenchmarkReport['rows'][number][] = [];
    const goals: Goal[] = [];
    for (const [what, query] of Object.entries(QUERIES)) {
      log(what);
      const ask = (url: string) => askRange(url, { query, fromMs, toMs });
      await expectSame(await ask(ours.url), await ask(server.url));
      const contenders = [contender(OURS, () => ask(ours!.url)), contender(THEIRS, () => ask(server.url))];
      await warmUp(contenders);
      const comparison = await compare(contenders, quick ? 5 : 15);
      rows.push(...rowsOf(comparison, 'wallMs', { what, unit: 'ms' }));
      goals.push({ ...goalOf(what), value: ratioOf(comparison, 'wallMs', OURS, THEIRS) });
    }
    const { peakMb } = await ours.usage();
    rows.push({ what: 'peak of the process', contender: OURS, unit: 'MB', value: spreadOf([peakMb]) });
    return { title, how, rows, goals, missing: [] };
  } finally {
    await ours?.stop();
    await server.stop();
  }
}

const goalOf = (what: string): Goal => ({
  what: `query_range, ${what}`,
  against: THEIRS,
  value: undefined,
  limit: LIMIT,
  unit: '',
});

const contender = (name: string, ask: () => Promise<unknown>): Contender => ({
  name,
  async run(): Promise<Readings> {
    const startMs = performance.now();
    await ask();
    return { wallMs: performance.now() - startMs };
  },
});

async function writeBoth(path: string, server: MetricsServer, fromMs: number, toMs: number): Promise<void> {
  mkdirSync(path);
  const clock = { nowMs: () => Date.now() };
  const secrets = { resolve: async (text: string) => text, redact: (text: string) => text };
  const api = createPrometheusApi(prometheus.options.parse({ url: server.url }), { secrets, clock });
  const stores: SampleStore[] = [openSqliteStore({ path }), createPrometheusStore(api, clock)];
  const fixture = createStoreFixture({ nodes: NODES, full: false });
  for (let timeMs = fromMs; timeMs <= toMs; timeMs += ROUND_MS) {
    const round = [...fixture.round(timeMs)].flat().filter(({ metric }) => metric === 'mem_usage');
    for (const store of stores) await store.write(round);
  }
  for (const store of stores) await store.close();
  await server.settle();
}

/** The answer's text, as a client reads it. */
async function askRange(
  url: string,
  { query, fromMs, toMs }: { query: string; fromMs: number; toMs: number },
): Promise<string> {
  const params = { query, start: fromMs / 1000, end: toMs / 1000, step: ROUND_MS / 1000 };
  const { data } = await axios.get<string>(`${url}/api/v1/query_range`, {
    params,
    responseType: 'text',
    transformResponse: (text: string) => text,
  });
  return data;
}

/** Values are compared by the proof (test/promql); the semantics of 2.42 at the edges of windows are others. */
function expectSame(ours: string, theirs: string): void {
  const [a, b] = [ours, theirs].map((text) => {
    const { result } = JSON.parse(text).data as { result: { values: unknown[] }[] };
    return { series: result.length, points: result.reduce((sum, { values }) => sum + values.length, 0) };
  });
  if (a?.series !== b?.series || a?.points !== b?.points)
    throw new Error(`the answers differ: ${JSON.stringify(a)}, ${JSON.stringify(b)}`);
}
