// Measures the embedded sample store: `npx node test/bench/store.ts [--nodes 1000] [--hours 24] [--json]`.
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import { METRICS, type Metric } from '../../core/catalogue.ts';
import type { Labels, Sample } from '../../core/model.ts';
import type { SampleStore } from '../../core/ports.ts';

const { values: args } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1000' },
    hours: { type: 'string', default: '24' },
    json: { type: 'boolean', default: false },
  },
});
const NODES = Number(args.nodes);
const ROUNDS = Number(args.hours) * 60;
const ROUND_MS = 60_000;
const START_MS = Date.UTC(2026, 10, 1);
const END_MS = START_MS + (ROUNDS - 1) * ROUND_MS;
const HOUR_MS = 3_600_000;

const things: { group: Metric['group']; labels: Labels; metrics: readonly Metric[] }[] = [];
for (let n = 0; n < NODES; n++) {
  const node = {
    cluster: `nks-${Math.floor(n / 5)}`,
    node: `node-${n}`,
    role: n % 5 < 3 ? 'apiserver' : 'etcd',
  };
  const add = (group: Metric['group'], extra: Labels) =>
    things.push({ group, labels: { ...node, ...extra }, metrics: METRICS.filter((m) => m.group === group) });
  add('node', {});
  for (const mount of ['/', '/var', '/var/lib/etcd']) add('mount', { mount, device: '/dev/vda1' });
  for (const device of ['eth0', 'eth1']) add('interface', { device });
  for (const device of ['vda', 'vdb']) add('disk', { device });
  add('check', { check: 'usage' });
}

/** Values with as many digits as real ones have; what is constant on a node is constant here. */
function sampleValue(metric: Metric): number {
  if (metric.unit === 'bool' || metric.name === 'oom_kills') return 1;
  if (metric.unit === 'bytes') return 8_340_000_768;
  if (metric.name === 'cores') return 4;
  if (metric.name.startsWith('load') || metric.name.startsWith('psi'))
    return Math.round(Math.random() * 400) / 100;
  return Math.random() * 100;
}

function round(timeMs: number): Sample[] {
  const samples: Sample[] = [];
  for (const { labels, metrics } of things) {
    for (const metric of metrics)
      samples.push({ metric: metric.name, labels, timeMs, value: sampleValue(metric) });
  }
  return samples;
}

const results: { what: string; ms: number; note: string }[] = [];
const quantile = (list: readonly number[], q: number) =>
  list.toSorted((a, b) => a - b)[Math.floor(q * list.length)] ?? 0;

async function measure(what: string, run: () => Promise<{ points: readonly unknown[] }[]>): Promise<void> {
  const times: number[] = [];
  let note = '';
  for (let i = 0; i < 7; i++) {
    const startMs = performance.now();
    const series = await run();
    times.push(performance.now() - startMs);
    note = `${series.length} series, ${series.reduce((sum, one) => sum + one.points.length, 0)} points`;
  }
  results.push({ what, ms: quantile(times, 0.5), note });
}

async function append(store: SampleStore): Promise<void> {
  const times: number[] = [];
  for (let r = 0; r < ROUNDS; r++) {
    const samples = round(START_MS + r * ROUND_MS);
    const startMs = performance.now();
    await store.write(samples);
    times.push(performance.now() - startMs);
  }
  const count = things.reduce((sum, thing) => sum + thing.metrics.length, 0);
  results.push({
    what: 'write a round, median',
    ms: quantile(times, 0.5),
    note: `${count} samples, durable`,
  });
  results.push({ what: 'write a round, p99', ms: quantile(times, 0.99), note: '' });
}

const path = mkdtempSync(join(tmpdir(), 'bartizan-bench-'));
try {
  const store = openSqliteStore({ path });
  await append(store);
  const replay = round(END_MS);
  const replayMs = performance.now();
  const { duplicates } = await store.write(replay);
  results.push({
    what: 'write it again',
    ms: performance.now() - replayMs,
    note: `${duplicates} duplicates`,
  });
  const range = (hours: number) => ({ fromMs: END_MS - hours * HOUR_MS + ROUND_MS, toMs: END_MS });
  const some = { node: ['node-1', `node-${NODES >> 1}`, `node-${NODES - 1}`] };
  await measure('all nodes, 20 min', () => store.query({ metric: 'mem_usage', ...range(1 / 3) }));
  await measure('all nodes, 30 min', () => store.query({ metric: 'mem_usage', ...range(0.5) }));
  await measure('60 % of nodes, 30 min', () =>
    store.query({ metric: 'mem_usage', where: { role: ['apiserver'] }, ...range(0.5) }),
  );
  await measure('all mounts, 30 min', () => store.query({ metric: 'disk_usage', ...range(0.5) }));
  await measure('3 nodes, 24 h', () => store.query({ metric: 'mem_usage', where: some, ...range(24) }));
  await measure('one cluster, 2 h', () =>
    store.query({ metric: 'mem_usage', where: { cluster: ['nks-7'] }, ...range(2) }),
  );
  await measure('newest of all nodes', () =>
    store.latest({ metric: 'mem_usage', sinceMs: END_MS - HOUR_MS }),
  );
  const openMs = performance.now();
  const reader = openSqliteStore({ path, readOnly: true });
  await reader.latest({ metric: 'up', sinceMs: END_MS - HOUR_MS });
  results.push({ what: 'open beside it and ask for newest', ms: performance.now() - openMs, note: '' });
  await reader.close();
  const pruneMs = performance.now();
  const rows = await store.prune(START_MS + HOUR_MS);
  results.push({ what: 'remove an hour', ms: performance.now() - pruneMs, note: `${rows} rows` });
  const closeMs = performance.now();
  await store.close();
  results.push({ what: 'close', ms: performance.now() - closeMs, note: '' });
  const bytes = statSync(join(path, 'samples.db')).size;
  const written = Number(/^write_bytes: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
  const perDay = (value: number) => Math.round((value / ROUNDS / 1e6) * 1440);
  const disk = { sizeMbPerDay: perDay(bytes), writtenMbPerDay: perDay(written) };
  if (args.json) process.stdout.write(`${JSON.stringify({ nodes: NODES, rounds: ROUNDS, results, disk })}\n`);
  else {
    for (const { what, ms, note } of results) {
      process.stdout.write(`${what.padEnd(36)}${ms.toFixed(1).padStart(8)} ms  ${note}\n`);
    }
    process.stdout.write(`size ${disk.sizeMbPerDay} MB a day, written ${disk.writtenMbPerDay} MB a day\n`);
  }
} finally {
  rmSync(path, { recursive: true });
}
