// Debian's promtool and Prometheus as clients of ours, over a real port and the embedded store.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import axios from 'axios';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import type { Config } from '../../core/model/config.ts';
import type { SampleStore } from '../../core/ports.ts';
import { createHistoryFixture } from '../../test/history-fixture.ts';
import { createMemoryState } from '../../test/memory-state.ts';
import { findProgram } from '../../test/program-path.ts';
import { startPrometheus } from '../../test/prometheus-servers.ts';
import { until } from '../../test/until.ts';
import { createPrometheusRoutes } from './routes.ts';

const MINUTE_MS = 60_000;
const checks = [{ name: 'usage', probe: 'usage', everyMs: MINUTE_MS, where: {}, options: {} }];
const config = { checks, rules: [], store: { retentionMs: 14 * 86_400_000 } } as unknown as Config;
const NODES = ['node-1', 'node-2'];
/** What a label can contain, a file system can be called. */
const MOUNT = '/a "b" \\c\nd é';

let dir: string;
let store: SampleStore;
let server: Server;
let url: string;
/** Whole minutes: the newest round, and one half an hour before. */
let [fromMs, toMs] = [0, 0];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-clients-'));
  store = openSqliteStore({ path: dir });
  toMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  fromMs = toMs - 30 * MINUTE_MS;
  for (let timeMs = fromMs; timeMs <= toMs; timeMs += MINUTE_MS) await writeRound(timeMs);
  const { app } = createHistoryFixture({
    routes: [createPrometheusRoutes()],
    state: createMemoryState(),
    store,
    config,
    clock: { nowMs: () => Math.max(Date.now(), toMs) },
  });
  server = createServer(getRequestListener((request) => app.fetch(request, {}))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await store.close();
  rmSync(dir, { recursive: true });
});

/** Of minute `m` the nodes have `m` and `m + 0.25` percent of memory, and all the same disk. */
async function writeRound(timeMs: number): Promise<void> {
  const samples = NODES.flatMap((node, n) => {
    const labels = { cluster: 'c', node, role: 'etcd' };
    const value = ((timeMs / MINUTE_MS) % 60) + n / 4;
    return [
      { metric: 'mem_usage', labels, timeMs, value },
      { metric: 'up', labels, timeMs, value: 1 },
      { metric: 'disk_usage', labels: { ...labels, mount: MOUNT, device: '/dev/vda1' }, timeMs, value: 1e-7 },
    ];
  });
  await store.write(samples);
}

interface Result {
  metric: Record<string, string>;
  value: [number, string];
}

describe('promtool', () => {
  const minuteOf = (timeMs: number) => (timeMs / MINUTE_MS) % 60;

  function promtool(...args: string[]): Promise<{ code: number; out: string; err: string }> {
    const { promise, resolve } = Promise.withResolvers<{ code: number; out: string; err: string }>();
    execFile(findProgram('promtool') ?? '', args, { timeout: 60_000 }, (error, out, err) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, out: out.trim(), err: err.trim() }),
    );
    return promise;
  }

  async function promtoolLines(...args: string[]): Promise<string[]> {
    const { code, out, err } = await promtool(...args);
    expect([code, err]).toEqual([0, '']);
    return out.split('\n').sort();
  }

  it('queries an instant', async () => {
    const at = `--time=${toMs / 1000}`;
    const series = (node: string, value: number) =>
      `bartizan_mem_usage_percent{cluster="c", node="${node}", role="etcd"} => ${value} @[${toMs / 1000}]`;
    expect(await promtoolLines('query', 'instant', at, url, 'bartizan_mem_usage_percent')).toEqual([
      series('node-1', minuteOf(toMs)),
      series('node-2', minuteOf(toMs) + 0.25),
    ]);
    expect(await promtoolLines('query', 'instant', at, url, 'sum(up) + 1')).toEqual([
      `{} => 3 @[${toMs / 1000}]`,
    ]);
    expect(await promtoolLines('query', 'instant', at, url, '1 + 1')).toEqual([
      `scalar: 2 @[${toMs / 1000}]`,
    ]);
  });

  it('queries a range', async () => {
    const lines = await promtoolLines(
      ...['query', 'range', `--start=${fromMs / 1000}`, `--end=${toMs / 1000}`, '--step=10m'],
      ...[url, 'max by (node) (bartizan_mem_usage_percent{node=~".*-2"})'],
    );
    const times = [0, 10, 20, 30].map((minutes) => fromMs + minutes * MINUTE_MS);
    const values = times.map((timeMs) => `${minuteOf(timeMs) + 0.25} @[${timeMs / 1000}]`);
    expect(lines).toEqual(['{node="node-2"} =>', ...values].sort());
  });

  it('lists series and values of labels', async () => {
    const [disk] = await promtoolLines(
      'query',
      'series',
      '--match=bartizan_disk_usage_percent{node="node-1"}',
      url,
    );
    expect(disk).toBe(
      `{__name__="bartizan_disk_usage_percent", cluster="c", device="/dev/vda1", mount=${JSON.stringify(MOUNT)}, node="node-1", role="etcd"}`,
    );
    expect(await promtoolLines('query', 'labels', url, 'node')).toEqual(NODES);
    expect(await promtoolLines('query', 'labels', url, '__name__')).toContain('bartizan_mem_usage_percent');
  });

  it('shows the error of a query, with its place', async () => {
    const { code, err } = await promtool('query', 'instant', url, 'rate(up)');
    expect(code).toBe(1);
    expect(err).toMatch(/bad_data: invalid parameter "query": 1:6: rate\(\) needs a range vector/);
  });
});

it('Prometheus federates from us, and answers as we do', async () => {
  const prometheus = await startPrometheus({
    windowMs: 3_600_000,
    scrape: [
      {
        job_name: 'bartizan',
        scrape_interval: '1s',
        honor_labels: true,
        metrics_path: '/federate',
        params: { 'match[]': ['{__name__=~"bartizan_.+"}', 'up{node!=""}'] },
        static_configs: [{ targets: [new URL(url).host] }],
      },
    ],
  });
  const ask = async (base: string, query: string): Promise<Result[]> => {
    const { data } = await axios.get(`${base}/api/v1/query`, { params: { query, time: toMs / 1000 } });
    return data.data.result;
  };
  const withJob = ({ metric, value }: Result) => ({ metric: { ...metric, job: 'bartizan' }, value });
  const countOfSamples = async () =>
    (await ask(prometheus.url, 'count_over_time(bartizan_mem_usage_percent[10m])'))[0]?.value[1];
  try {
    await until('the newest round is federated', async () => (await countOfSamples()) === '1');
    for (const query of ['bartizan_mem_usage_percent', 'bartizan_disk_usage_percent', 'up{node!=""}']) {
      const ours = await ask(url, query);
      expect(ours).toHaveLength(NODES.length);
      expect(await ask(prometheus.url, query)).toEqual(ours.map(withJob));
    }

    toMs += MINUTE_MS;
    await writeRound(toMs);
    await until('a round later has a second sample', async () => (await countOfSamples()) === '2');
    const ours = await ask(url, 'bartizan_mem_usage_percent');
    expect(await ask(prometheus.url, 'bartizan_mem_usage_percent')).toEqual(ours.map(withJob));
  } finally {
    await prometheus.stop();
  }
});
