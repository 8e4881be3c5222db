import { describe, expect, it } from 'vitest';
import { findMetric, type Metric } from '../../../core/catalogue.ts';
import { columnsOf, describeQuery, latestQuery, rawQuery, recordsQuery, rollUpQuery } from './sql.ts';

const table = { database: 'bartizan', table: 'samples' };
const metric = findMetric('mem_usage') as Metric;
const [fromMs, toMs] = [1_795_521_600_000, 1_795_521_900_000];

describe('queries of Timestream', () => {
  it('push down time, metric and globs', () => {
    const where = { cluster: ['prod', "o'neil"], node: ['etcd-?', 'a.b*', 'x'], role: ['*'], 'a:b': ['c'] };
    expect(rawQuery(table, { metric, where, fromMs: fromMs + 0.5, toMs: toMs + 0.5 })).toBe(
      'SELECT time, series, "mem_usage" AS value FROM "bartizan"."samples" ' +
        `WHERE measure_name = 'node' AND "mem_usage" IS NOT NULL AND ("cluster" IN ('prod', 'o''neil')) ` +
        `AND ("node" IN ('x') OR regexp_like("node", '(?s)\\A(?:etcd-.|a\\.b.*)\\z')) ` +
        'AND time BETWEEN from_milliseconds(1795521600001) AND from_milliseconds(1795521900000)',
    );
  });

  it('ask for the newest of each series', () => {
    expect(latestQuery(table, { metric, sinceMs: fromMs })).toBe(
      'SELECT max(time) AS time, series, max_by("mem_usage", time) AS value FROM "bartizan"."samples" ' +
        `WHERE measure_name = 'node' AND "mem_usage" IS NOT NULL AND time >= from_milliseconds(1795521600000) ` +
        'GROUP BY series',
    );
  });

  it('roll up whole periods that begin in the range', () => {
    expect(rollUpQuery(table, { metric, fromMs: fromMs + 1, toMs })).toBe(
      'SELECT bin(time, 5m) AS time, series, avg("mem_usage") AS avg, min("mem_usage") AS min, ' +
        'max("mem_usage") AS max, ' +
        'element_at(array_sort(array_agg("mem_usage")), (count("mem_usage") * 95 + 99) / 100) AS p95 ' +
        `FROM "bartizan"."samples" WHERE measure_name = 'node' AND "mem_usage" IS NOT NULL ` +
        'AND time BETWEEN from_milliseconds(1795521900000) AND from_milliseconds(1795522199999) ' +
        'GROUP BY series, bin(time, 5m)',
    );
  });

  it('keep times in what the service knows', () => {
    const query = { metric, fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };
    expect(rawQuery(table, query)).toContain('from_milliseconds(0) AND from_milliseconds(253402300799999)');
  });

  it('leave lists out that are too long for a query', () => {
    const nodes = Array.from({ length: 3000 }, (_, i) => `node-${i}`);
    const query = rawQuery(table, { metric, where: { node: nodes, role: ['etcd'] }, fromMs, toMs });
    expect(query).not.toContain('node-1');
    expect(query).toContain(`("role" IN ('etcd'))`);
  });

  it('look records up by what makes them', () => {
    const draft = {
      group: 'node' as const,
      series: `[["node","o'x"]]`,
      labels: {},
      timeMs: fromMs,
      samples: new Map(),
    };
    const one = `(measure_name = 'node' AND time = from_milliseconds(1795521600000) AND series = '[["node","o''x"]]')`;
    expect(recordsQuery(table, [draft, draft])).toBe(
      `SELECT * FROM "bartizan"."samples" WHERE ${one} OR ${one}`,
    );
  });

  it('name the columns that a table may lack', () => {
    expect(columnsOf({ metric, where: { node: ['a'], role: ['*'], time: ['x'] } })).toEqual([
      'series',
      'mem_usage',
      'node',
    ]);
    expect(describeQuery(table)).toBe('DESCRIBE "bartizan"."samples"');
  });
});
