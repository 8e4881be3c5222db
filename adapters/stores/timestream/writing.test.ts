import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { RetryableError } from '../../../core/errors.ts';
import type { Labels } from '../../../core/model/labels.ts';
import type { Sample } from '../../../core/model/sample.ts';
import type { SampleStore } from '../../../core/ports.ts';
import { startTimestreamTables, type TimestreamTables } from '../../../test/timestream-tables.ts';
import type { Connection } from './api.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const LABELS = { cluster: 'c', node: 'n', role: 'etcd' };
const READ_DELAY_MS = 500;

let nowMs = NOW;
let tables: TimestreamTables;
let slow: TimestreamTables;
let connection: Connection;
let store: SampleStore;
beforeAll(async () => {
  tables = await startTimestreamTables({ nowMs: () => NOW });
  slow = await startTimestreamTables({ nowMs: () => nowMs, readDelayMs: READ_DELAY_MS });
});
afterAll(async () => {
  await tables.stop();
  await slow.stop();
});
beforeEach(async () => {
  nowMs = NOW;
  connection = await tables.create();
  store = await tables.open(connection);
});
afterEach(() => store.close());

const of = (metric: string, value: number, labels: Labels = LABELS, timeMs = NOW): Sample => ({
  metric,
  labels,
  timeMs,
  value,
});
async function storedOf(metric: string, from: SampleStore = store): Promise<number[]> {
  const series = await from.query({ metric, fromMs: 0, toMs: NOW + 60_000 });
  return series.flatMap((one) => one.points.map((point) => point.value));
}

describe('timestream: versions', () => {
  it('let the first write win; what differs is a duplicate', async () => {
    expect(await store.write([of('up', 1), of('up', 2)])).toEqual({
      written: 1,
      duplicates: 1,
      rejected: [],
    });
    expect(await store.write([of('up', 9)])).toEqual({ written: 0, duplicates: 1, rejected: [] });
    expect(await store.write([of('up', 9), of('up', 1, LABELS, NOW - 1)])).toEqual({
      written: 1,
      duplicates: 1,
      rejected: [],
    });
    expect(await storedOf('up')).toEqual([1, 1]);
  });

  it('add metrics to a record, however often, and change none', async () => {
    const metrics = ['up', 'cpu_usage', 'mem_usage', 'load1', 'load5'];
    for (const [i, metric] of metrics.entries()) {
      const result = await store.write([
        of(metric, i),
        ...metrics.slice(0, i).map((earlier) => of(earlier, 99)),
      ]);
      expect(result).toEqual({ written: 1, duplicates: i, rejected: [] });
    }
    const stored = await Promise.all(metrics.map((metric) => storedOf(metric)));
    expect(stored).toEqual(metrics.map((_, i) => [i]));
    // A repeat of the whole is older than what is there.
    expect(await store.write(metrics.map((metric, i) => of(metric, i)))).toMatchObject({
      written: 0,
      duplicates: 5,
    });
  });

  it('let writers add to the same record at the same time', async () => {
    const other = await tables.open(connection);
    await store.write([of('up', 1)]);
    const results = await Promise.all([
      store.write([of('cpu_usage', 2), of('load1', 3)]),
      other.write([of('mem_usage', 4), of('load1', 5)]),
      store.write([of('load5', 6)]),
    ]);
    const sum = (pick: 'written' | 'duplicates') => results.reduce((total, one) => total + one[pick], 0);
    expect([sum('written'), sum('duplicates')]).toEqual([4, 1]);
    expect(
      await Promise.all(['up', 'cpu_usage', 'mem_usage', 'load5'].map((metric) => storedOf(metric))),
    ).toEqual([[1], [2], [4], [6]]);
    expect([[3], [5]]).toContainEqual(await storedOf('load1'));
    await other.close();
  });

  it('are never added to by a stale read', async () => {
    const table = await slow.create();
    const late = await slow.open(table);
    await late.write([of('up', 1)]);
    // Not there yet, to a reader.
    const error = await late.write([of('load1', 2)]).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(RetryableError);
    expect(error).toMatchObject({ retryAfterMs: 1000 });
    nowMs += READ_DELAY_MS;
    expect(await late.write([of('load1', 2)])).toMatchObject({ written: 1 });
    // There, but as it was before.
    await expect(late.write([of('load5', 3)])).rejects.toThrow(/version 2 of a record cannot be read yet/);
    nowMs += READ_DELAY_MS;
    expect(await late.write([of('load5', 3)])).toMatchObject({ written: 1 });
    nowMs += READ_DELAY_MS;
    expect(await Promise.all(['up', 'load1', 'load5'].map((metric) => storedOf(metric, late)))).toEqual([
      [1],
      [2],
      [3],
    ]);
    await late.close();
  });

  it('are looked up in parts, however many records differ', async () => {
    const nodes = Array.from({ length: 230 }, (_, i) => ({ ...LABELS, node: `${"'".repeat(800)} "${i}"` }));
    await store.write(nodes.map((labels) => of('up', 1, labels)));
    const result = await store.write(
      nodes.flatMap((labels) => [of('up', 0, labels), of('load1', 2, labels)]),
    );
    expect(result).toEqual({ written: 230, duplicates: 230, rejected: [] });
    expect(await storedOf('up')).toEqual(nodes.map(() => 1));
    expect(await storedOf('load1')).toEqual(nodes.map(() => 2));
  });
});

describe('timestream: late samples', () => {
  const late = of('up', 1, LABELS, NOW - 5 * 3_600_000);

  it('are rejected where the table takes none', async () => {
    const plain = await tables.open(await tables.create({ memoryHours: 1 }));
    const result = await plain.write([late, of('up', 0)]);
    expect(result).toMatchObject({ written: 1, rejected: [{ sample: late }] });
    expect(result.rejected[0]?.reason).toMatch(/outside the time range/);
    await plain.close();
  });

  it('go into the magnetic store where the table allows it', async () => {
    const magnetic = await tables.open(await tables.create({ memoryHours: 1, magneticWrites: true }));
    expect(await magnetic.write([late, of('up', 0)])).toEqual({ written: 2, duplicates: 0, rejected: [] });
    await magnetic.write([{ ...late, value: 9 }]);
    expect(await storedOf('up', magnetic)).toEqual([1, 0]);
    const tooLate = { ...late, timeMs: NOW - 500 * 86_400_000 };
    const [rejected] = (await magnetic.write([tooLate])).rejected;
    expect(rejected?.reason).toMatch(/of the data ingestion window/);
    await magnetic.close();
  });
});

describe('timestream: labels', () => {
  it('may have any names and values: they come back and can be selected by', async () => {
    const odd: Labels = {
      node: '감시-0 "\'\\%_',
      time: 'noon',
      measure_name: 'm',
      'measure_value::double': 'v',
      ts_x: 't',
      series: 's',
      record_version: '7',
      cpu_usage: 'busy',
      select: 'from',
      Node: 'N',
      'a:b': 'c',
      라벨: '값',
      ['x'.repeat(61)]: 'long',
      '': 'nameless',
      empty: '',
    };
    // A column cannot be both a label and a metric.
    await store.write([of('cpu_usage', 3)]);
    expect(await store.write([of('up', 1, odd), of('up', 2)])).toEqual({
      written: 2,
      duplicates: 0,
      rejected: [],
    });
    for (const [label, value] of Object.entries(odd)) {
      for (const glob of [value, '*', value === '' ? '**' : `?${[...value].slice(1).join('')}`]) {
        const where = { [label]: [glob], select: ['from'] };
        const found = await store.query({ metric: 'up', where, fromMs: NOW, toMs: NOW });
        expect(found.map((one) => one.labels)).toEqual([odd]);
        expect(await store.latest({ metric: 'up', where, sinceMs: 0 })).toEqual(found);
      }
    }
  });

  it('that are too long are rejected with the reason, and hold up no other', async () => {
    const long = of('up', 1, { ...LABELS, node: '노'.repeat(500) });
    const broken = of('up', 1, { ...LABELS, node: 'a\ud800' });
    const result = await store.write([long, broken, of('up', 2)]);
    expect(result.written).toBe(1);
    expect(result.rejected.map((one) => one.sample)).toEqual([long, broken]);
    expect(result.rejected[0]?.reason).toMatch(
      /its labels are \d{4} bytes as dimensions, Timestream takes 2048/,
    );
    expect(result.rejected[1]?.reason).toMatch(/not valid Unicode/);
  });

  it('that fit but for the measures are rejected by the service, alone', async () => {
    const tight = of('up', 1, { ...LABELS, node: 'x'.repeat(970) });
    const metrics = [
      'up',
      'cpu_usage',
      'mem_usage',
      'load1',
      'load5',
      'load15',
      'processes',
      'uptime',
      'psi_cpu',
    ];
    const result = await store.write([...metrics.map((metric) => ({ ...tight, metric })), of('up', 2)]);
    expect(result.written).toBe(1);
    expect(result.rejected).toHaveLength(metrics.length);
    expect(result.rejected[0]?.reason).toMatch(/size of the record, \d{4} bytes, exceeds 2048/);
  });
});

it('finds the service by its own variables, too', async () => {
  vi.stubEnv('AWS_ENDPOINT_URL_TIMESTREAM_WRITE', tables.timestream.url);
  vi.stubEnv('AWS_ENDPOINT_URL_TIMESTREAM_QUERY', tables.timestream.url);
  const { endpoint: _, ...discovering } = connection;
  const discovered = await tables.open(discovering);
  await discovered.write([of('up', 1)]);
  expect(await storedOf('up', discovered)).toEqual([1]);
  expect(tables.timestream.requests.map(({ operation }) => operation)).toContain('DescribeEndpoints');
  await discovered.close();
});
