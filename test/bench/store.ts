// How long the embedded store takes to append a round and to answer queries, with a thousand and with thirty thousand
// nodes.

import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import type { Series } from '../../core/model/sample.ts';
import type { SampleStore } from '../../core/ports.ts';
import type { BenchOptions } from './benchmark.ts';
import { spreadOf } from './harness.ts';
import type { BenchmarkReport, Row } from './report.ts';
import { createStoreFixture, ROUND_MS } from './store-fixture.ts';

const START_MS = Date.UTC(2026, 10, 1);
const HOUR_MS = 3_600_000;

export async function benchStore({ dir, quick, log }: BenchOptions): Promise<BenchmarkReport> {
  const fleets = [
    { nodes: 1_000, rounds: (quick ? 2 : 24) * 60 },
    { nodes: 30_000, rounds: quick ? 32 : 60 },
  ];
  const asked = quick ? 3 : 7;
  const rows: Row[] = [];
  for (const { nodes, rounds } of fleets) {
    log(`${nodes} nodes, ${rounds} rounds`);
    rows.push(...(await measureFleet(join(dir, String(nodes)), nodes, rounds, asked)));
  }
  return {
    title: 'Embedded store',
    how: [
      'A node has three mounts, two interfaces and two disks: 40 samples a round. As the product does, it writes batches',
      'of a hundred nodes, each of them on disk before the next one starts.',
    ],
    rows,
    goals: [],
    missing: [],
  };
}

async function measureFleet(path: string, nodes: number, rounds: number, asked: number): Promise<Row[]> {
  mkdirSync(path);
  const fixture = createStoreFixture({ nodes, full: true });
  const store = openSqliteStore({ path });
  const rows: Row[] = [];
  const contender = `${nodes} nodes`;
  const add = (what: string, unit: string, values: readonly number[]) =>
    rows.push({ what, contender, unit, value: spreadOf(values) });
  try {
    const [sizeBefore, writtenBefore] = [fileSize(path), writtenBytes()];
    const appends: number[] = [];
    for (let r = 0; r < rounds; r++) {
      let tookMs = 0;
      for (const samples of fixture.round(START_MS + r * ROUND_MS))
        tookMs += await timeOf(() => store.write(samples));
      appends.push(tookMs);
    }
    add(`append of a round, ${fixture.samplesInRound} samples`, 'ms', appends);
    const toMs = START_MS + (rounds - 1) * ROUND_MS;
    const range = (hours: number) => ({ fromMs: toMs - hours * HOUR_MS + ROUND_MS, toMs });
    const metric = 'mem_usage';
    const three = { node: ['node-1', `node-${nodes >> 1}`, `node-${nodes - 1}`] };
    const queries: [string, () => Promise<Series[]>][] = [
      ['one metric of all nodes, 30 min', () => store.query({ metric, ...range(0.5) })],
      ['one of a role, 30 min', () => store.query({ metric, where: { role: ['etcd'] }, ...range(0.5) })],
      ['one of all mounts, 30 min', () => store.query({ metric: 'disk_usage', ...range(0.5) })],
      ['one of a cluster, 2 h', () => store.query({ metric, where: { cluster: ['nks-7'] }, ...range(2) })],
      ['one of three nodes, all there is', () => store.query({ metric, where: three, fromMs: 0, toMs })],
      ['newest of all nodes', () => store.latest({ metric, sinceMs: toMs - HOUR_MS })],
    ];
    for (const [what, ask] of queries) add(what, 'ms', await askRepeatedly(ask, asked));
    add('removal of half an hour', 'ms', [await timeOf(() => store.prune(START_MS + HOUR_MS / 2))]);
    await store.close();
    const perDay = (bytes: number) => (bytes / rounds / 1e6) * 1440;
    add('growth', 'MB a day', [perDay(fileSize(path) - sizeBefore)]);
    add('written to disk', 'MB a day', [perDay(writtenBytes() - writtenBefore)]);
    return rows;
  } finally {
    await closeQuietly(store);
  }
}

async function askRepeatedly(ask: () => Promise<Series[]>, asked: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < asked; i++) {
    times.push(
      await timeOf(async () => {
        if ((await ask()).length === 0) throw new Error('the store has no such series');
      }),
    );
  }
  return times;
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

async function closeQuietly(store: SampleStore): Promise<void> {
  try {
    await store.close();
  } catch {
    // The store is already closed.
  }
}

const fileSize = (path: string) => statSync(join(path, 'samples.db')).size;
const writtenBytes = () => Number(/^write_bytes: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
