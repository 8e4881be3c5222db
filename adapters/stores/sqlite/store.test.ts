import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { METRICS } from '../../../core/catalogue.ts';
import { ConfigError, RetryableError } from '../../../core/errors.ts';
import type { Sample } from '../../../core/model/sample.ts';
import { PERIOD_MS, periodOf } from '../../../core/numbers/roll-up.ts';
import { TooManySamplesError } from '../../../core/sample-store.ts';
import { MIGRATIONS } from './schema.ts';
import { openSqliteStore, type SqliteStoreOptions } from './store.ts';

const HOUR_MS = 3_600_000;
const T0 = Date.UTC(2026, 10, 24);

describe('sqlite store', () => {
  let path: string;
  const open = (options: Partial<SqliteStoreOptions> = {}) =>
    openSqliteStore({ path, busyTimeoutMs: 20, ...options });
  const raw = <T>(use: (db: DatabaseSync) => T): T => {
    const db = new DatabaseSync(join(path, 'samples.db'));
    try {
      return use(db);
    } finally {
      db.close();
    }
  };
  const all = (sql: string) =>
    raw((db) => db.prepare(sql, { returnArrays: true }).all()) as unknown as unknown[][];
  const sample = (timeMs: number, node = 'n', metric = 'mem_usage', value = 1): Sample => ({
    metric,
    labels: { cluster: 'c', node, role: 'etcd' },
    timeMs,
    value,
  });

  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'bartizan-store-'));
  });
  afterEach(() => rmSync(path, { recursive: true }));

  it('keeps one row for the metrics of a group, label set and time', async () => {
    const store = open();
    const node = METRICS.filter((metric) => metric.group === 'node');
    await store.write(node.map((metric, i) => sample(T0, 'n', metric.name, i)));
    await store.close();
    expect(all('SELECT count(*), max(mem_usage) FROM samples_node')).toEqual([
      [1, node.findIndex(({ name }) => name === 'mem_usage')],
    ]);
    expect(all('SELECT labels FROM label_set')).toEqual([['[["cluster","c"],["node","n"],["role","etcd"]]']]);
  });

  it('reads more rounds than one statement returns, all of them or half of the nodes', async () => {
    const store = open();
    const [nodes, rounds] = [150, 160];
    const values = (n: number) =>
      Array.from({ length: rounds }, (_, i) => ({ timeMs: T0 + i * 1000, value: i * nodes + n }));
    for (let i = 0; i < rounds; i++) {
      await store.write(
        Array.from({ length: nodes }, (_, n) => sample(T0 + i * 1000, `n${n}`, 'mem_usage', i * nodes + n)),
      );
    }
    const range = { metric: 'mem_usage', fromMs: T0, toMs: T0 + rounds * 1000 };
    const everything = await store.query(range);
    expect(everything.map(({ labels, points }) => [labels.node, points])).toEqual(
      Array.from({ length: nodes }, (_, n) => [`n${n}`, values(n)]),
    );
    const half = await store.query({ ...range, where: { node: ['n?', 'n??'] } });
    expect(half.map(({ points }) => points)).toEqual(Array.from({ length: 100 }, (_, n) => values(n)));
    const minutely = values(120).filter(({ timeMs }) => timeMs % 60_000 === 0);
    for (const node of [['*'], ['n120']]) {
      const found = await store.query({ ...range, where: { node }, everyMs: 60_000 });
      expect(found.find(({ labels }) => labels.node === 'n120')?.points).toEqual(minutely);
      expect(found.every(({ points }) => points.length === 3)).toBe(true);
    }
    await store.close();
  });

  it('refuses to read more samples, or roll-ups, than the caller wants at once', async () => {
    const store = open();
    const times = [0, 1, 2, 3].map((i) => T0 + i * 300_000);
    for (const timeMs of times) await store.write([sample(timeMs, 'a'), sample(timeMs, 'b')]);
    const range = { metric: 'mem_usage', fromMs: T0, toMs: T0 + HOUR_MS };
    const mostSamples = 7;
    await expect(store.query({ ...range, mostSamples })).rejects.toThrow(TooManySamplesError);
    await expect(store.rollUps({ ...range, mostSamples })).rejects.toThrow(TooManySamplesError);
    await store.rollUp(T0 + 2 * 300_000);
    await expect(store.rollUps({ ...range, mostSamples: 3 })).rejects.toThrow(TooManySamplesError);
    for (const node of [['*'], ['a']]) {
      const where = { node };
      const [series] = await store.query({ ...range, where, mostSamples: 8 });
      expect(series?.points).toHaveLength(4);
      expect((await store.rollUps({ ...range, where, mostSamples: 8 }))[0]?.points).toHaveLength(4);
    }
    await store.close();
  });

  /** A file of some schema version, of a program that knew fewer metrics and groups. */
  function writeOlder(version: number): void {
    raw((db) => {
      db.exec('PRAGMA journal_mode = WAL');
      for (const ddl of MIGRATIONS.slice(0, version)) db.exec(ddl);
      db.exec(`PRAGMA user_version = ${version};
        CREATE TABLE samples_node (time_ms INTEGER NOT NULL, label_set INTEGER NOT NULL, up REAL, retired REAL,
          PRIMARY KEY (time_ms, label_set)) WITHOUT ROWID, STRICT;
        INSERT INTO label_set (metric_group, labels, bound_ms)
          VALUES ('node', '[["cluster","c"],["node","n"],["role","etcd"]]', ${T0 + HOUR_MS});
        INSERT INTO samples_node VALUES (${T0}, 1, 1, 7)`);
    });
  }

  it('opens the file of each earlier release, and rolls up what it holds', async () => {
    writeOlder(1);
    expect(() => open({ readOnly: true })).toThrow(
      /belongs to an older bartizan \(schema 1, this program writes 3\)/,
    );
    const store = open();
    const range = { metric: 'up', fromMs: T0 - HOUR_MS, toMs: T0 };
    expect((await store.query(range))[0]?.points).toEqual([{ timeMs: T0, value: 1 }]);
    await store.rollUp(T0 + HOUR_MS);
    await store.prune(T0 + HOUR_MS, 0);
    expect((await store.rollUps(range))[0]?.points).toEqual([
      { timeMs: periodOf(T0), avg: 1, max: 1, p95: 1 },
    ]);
    await store.close();
  });

  it('opens a file that knows fewer metrics and groups, and takes the new ones', async () => {
    writeOlder(MIGRATIONS.length);
    const reader = open({ readOnly: true });
    expect(await reader.query({ metric: 'mem_usage', fromMs: T0, toMs: T0 })).toEqual([]);
    expect(await reader.latest({ metric: 'bastion_up', sinceMs: 0 })).toEqual([]);

    const store = open();
    expect(await store.write([sample(T0, 'n', 'up', 0), sample(T0, 'n', 'mem_usage', 5)])).toMatchObject({
      written: 1,
      duplicates: 1,
    });
    await store.write([{ metric: 'bastion_up', labels: { bastion: 'b', batch: '0' }, timeMs: T0, value: 1 }]);
    for (const one of [store, reader]) {
      const points = async (metric: string) => (await one.query({ metric, fromMs: T0, toMs: T0 }))[0]?.points;
      expect(await points('up')).toEqual([{ timeMs: T0, value: 1 }]);
      expect(await points('mem_usage')).toEqual([{ timeMs: T0, value: 5 }]);
      expect(await points('bastion_up')).toEqual([{ timeMs: T0, value: 1 }]);
      await one.close();
    }
    expect(all('SELECT retired FROM samples_node')).toEqual([[7]]);
  });

  it('writes nothing of a call that fails, and the same call can succeed later', async () => {
    const store = open();
    await store.write([sample(T0)]);
    const blocker = new DatabaseSync(join(path, 'samples.db'));
    blocker.exec('BEGIN IMMEDIATE');
    const late = [sample(T0 + 1, 'n'), sample(T0 + 1, 'new')];
    await expect(store.write(late)).rejects.toThrow(RetryableError);
    blocker.exec('ROLLBACK');
    blocker.close();
    expect(await store.query({ metric: 'mem_usage', fromMs: T0, toMs: T0 + 1 })).toHaveLength(1);
    expect(await store.write(late)).toMatchObject({ written: 2, duplicates: 0 });
    const found = await store.query({ metric: 'mem_usage', fromMs: T0, toMs: T0 + 1 });
    expect(found.map((series) => [series.labels.node, series.points.length])).toEqual([
      ['n', 2],
      ['new', 1],
    ]);
    await store.close();
  });

  it('remembers no label set of a write that failed', async () => {
    const store = open();
    raw((db) =>
      db.exec(`CREATE TRIGGER refuse BEFORE INSERT ON samples_node WHEN NEW.mem_usage = 13
        BEGIN SELECT RAISE(ABORT, 'no'); END`),
    );
    await store.write([sample(T0, 'a')]);
    await expect(store.write([sample(T0, 'b', 'mem_usage', 13)])).rejects.toThrow(/refused a statement/);
    expect(await store.write([sample(T0, 'b')])).toMatchObject({ written: 1 });
    await store.close();
    const nodes = all('SELECT labels FROM samples_node JOIN label_set ON id = label_set').map(
      ([labels]) => labels,
    );
    expect(nodes).toEqual(['a', 'b'].map((node) => `[["cluster","c"],["node","${node}"],["role","etcd"]]`));
  });

  it('prunes in chunks, lets writes in between, and drops label sets without samples', async () => {
    const store = open({ pruneChunkRows: 10 });
    for (let i = 0; i < 30; i++) await store.write([sample(T0 + i, `old-${i}`), sample(T0 + i, 'n')]);
    await store.write([sample(T0 + 6 * HOUR_MS, 'n')]);
    const pruned = store.prune(T0 + 5 * HOUR_MS);
    // The first chunk is gone when this runs; a late sample for a label set that is about to go.
    await store.write([sample(T0, 'old-0'), sample(T0 + 6 * HOUR_MS, 'old-1')]);
    expect(await pruned).toBe(61);
    const found = await store.query({ metric: 'mem_usage', fromMs: 0, toMs: T0 + 9 * HOUR_MS });
    expect(found.map((series) => series.labels.node)).toEqual(['n', 'old-1']);
    await store.write([sample(T0 + 7 * HOUR_MS, 'old-0')]);
    await store.close();
    expect(
      all('SELECT count(*) FROM samples_node WHERE label_set NOT IN (SELECT id FROM label_set)'),
    ).toEqual([[0]]);
    const stored = all('SELECT labels FROM label_set ORDER BY id').map(
      ([labels]) => JSON.parse(String(labels))[1][1],
    );
    expect(stored).toEqual(['n', 'old-1', 'old-0']);
    expect(all('SELECT max(id) FROM label_set')).toEqual([[32]]);
  });

  it('leaves no sample without its labels when a late one comes while it prunes', async () => {
    const store = open();
    await store.write([sample(T0)]);
    const pruned = store.prune(T0 + 5 * HOUR_MS);
    await store.write([sample(T0 + 1)]);
    expect(await pruned).toBe(2);
    await store.close();
    expect(all('SELECT count(*) FROM samples_node')).toEqual([[0]]);
    expect(all('SELECT count(*) FROM label_set')).toEqual([[0]]);
  });

  it('ends a prune that is under way when it is closed', async () => {
    const store = open({ pruneChunkRows: 10 });
    await store.write(Array.from({ length: 50 }, (_, i) => sample(T0 + i)));
    const pruned = store.prune(T0 + HOUR_MS);
    await store.close();
    expect(await pruned).toBe(10);
    expect(all('SELECT count(*) FROM samples_node')).toEqual([[40]]);
  });

  it('notices label sets that another process has removed', async () => {
    const store = open();
    await store.write([sample(T0, 'a'), sample(T0, 'b')]);
    const other = open();
    await other.prune(T0 + HOUR_MS);
    await other.close();
    await store.write([sample(T0 + 2 * HOUR_MS, 'a')]);
    const found = await store.query({
      metric: 'mem_usage',
      where: { node: ['a'] },
      fromMs: 0,
      toMs: T0 + 3 * HOUR_MS,
    });
    expect(found).toHaveLength(1);
    await store.close();
    expect(all('SELECT id FROM label_set')).toEqual([[3]]);
  });

  it('answers as the same series whether few or many of them are asked for', async () => {
    const store = open();
    const nodes = Array.from({ length: 20 }, (_, i) => `n-${String(i).padStart(2, '0')}`);
    for (let round = 0; round < 10; round++)
      await store.write(nodes.map((node, i) => sample(T0 + round, node, 'up', i)));
    const range = { metric: 'up', fromMs: T0 + 2, toMs: T0 + 7 };
    const every = await store.query(range);
    for (let count = 1; count <= nodes.length; count++) {
      const found = await store.query({ ...range, where: { node: nodes.slice(0, count) } });
      expect(found).toEqual(every.slice(0, count));
    }
    await store.close();
  });

  it('has the same roll-ups whether few or many series are asked for, with gaps, at the bounds of the range', async () => {
    const store = open();
    const nodes = Array.from({ length: 20 }, (_, i) => `n-${String(i).padStart(2, '0')}`);
    const periods = [0, 1, 2, 5, 6, 30, 31];
    for (const period of periods) {
      const timeMs = T0 + period * PERIOD_MS + 60_000;
      await store.write(nodes.slice(period % 3).map((node, i) => sample(timeMs, node, 'up', period + i)));
    }
    // The last period is rolled up as it is read.
    await store.rollUp(T0 + 31 * PERIOD_MS);
    for (const [first, last] of [
      [0, 31],
      [1, 30],
      [2, 5],
      [3, 4],
      [6, 6],
      [-1000, 1000],
    ] as const) {
      const range = { metric: 'up', fromMs: T0 + first * PERIOD_MS, toMs: T0 + (last + 1) * PERIOD_MS - 1 };
      const every = await store.rollUps(range);
      const times = new Set(every.flatMap(({ points }) => points.map(({ timeMs }) => timeMs)));
      const inside = periods.filter((period) => first <= period && period <= last);
      expect([...times].sort()).toEqual(inside.map((period) => T0 + period * PERIOD_MS));
      for (const count of [1, 3, 5, 6, 20]) {
        const some = new Set(nodes.slice(0, count));
        const found = await store.rollUps({ ...range, where: { node: [...some] } });
        expect(found).toEqual(every.filter(({ labels }) => some.has(labels.node as string)));
      }
    }
    await store.close();
  });

  it('says who must act: no data yet, or not writable', async () => {
    expect(() => open({ readOnly: true })).toThrow(ConfigError);
    await open().close();
    const reader = open({ readOnly: true });
    expect(await reader.query({ metric: 'up', fromMs: 0, toMs: T0 })).toEqual([]);
    await expect(reader.write([sample(T0)])).rejects.toThrow(ConfigError);
    await reader.close();
  });
});
