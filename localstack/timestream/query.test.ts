import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  measures,
  NOW,
  record,
  refusal,
  startTimestreamFixture,
  type TimestreamFixture,
} from '../../test/timestream-fixture.ts';

let fixture: TimestreamFixture;
beforeAll(async () => {
  fixture = await startTimestreamFixture();
});
afterAll(() => fixture.timestream.stop());
beforeEach(() => fixture.nextTable());

describe('timestream emulator: SQL', () => {
  beforeEach(() => {
    const nodes = ["it's", 'b%', '감시\n'];
    fixture.write(
      ...nodes.flatMap((node, n) =>
        [0, 1, 2].map((minute) =>
          record({
            Dimensions: [{ Name: 'node', Value: node }],
            Time: String(NOW - minute * 60_000),
            MeasureValues: measures({ x: String(n * 10 + minute) }),
          }),
        ),
      ),
    );
  });

  it.each<[string, (string | null)[][]]>([
    [`SELECT x FROM $ WHERE node = 'it''s' AND time = from_milliseconds(${NOW})`, [['0.0']]],
    [`SELECT max(x) AS m, count(x) FROM $ WHERE node IN ('b%', '?') GROUP BY node`, [['12.0', '3']]],
    [`SELECT avg(x) FROM $ WHERE regexp_like(node, '(?s)\\A(?:감.*)\\z') GROUP BY node`, [['21.0']]],
    [`SELECT count(x) FROM $ WHERE regexp_like(node, 'b') GROUP BY node`, [['3']]],
    [
      `SELECT max_by(x, time), max(time) FROM $ WHERE node = 'b%' GROUP BY node`,
      [['10.0', '2026-11-24 12:00:00.000000000']],
    ],
    [
      `SELECT bin(time, 5m), element_at(array_sort(array_agg(x)), (count(x) * 95 + 99) / 100) FROM $ WHERE node = 'b%' GROUP BY bin(time, 5m)`,
      [
        ['2026-11-24 12:00:00.000000000', '10.0'],
        ['2026-11-24 11:55:00.000000000', '12.0'],
      ],
    ],
    [
      `SELECT x FROM $ WHERE time BETWEEN from_milliseconds(${NOW + 1}) AND from_milliseconds(${NOW + 2})`,
      [],
    ],
    [`SELECT x FROM $ WHERE (x IS NULL OR node = 'b%') AND time >= from_milliseconds(${NOW})`, [['10.0']]],
  ])('answers %s', (sql, expected) => {
    expect(fixture.cells(sql)).toEqual(expected);
  });

  it('describes a table, also an empty one', () => {
    expect(fixture.cells('DESCRIBE $')).toEqual([
      ['node', 'varchar', 'DIMENSION'],
      ['measure_name', 'varchar', 'MEASURE_NAME'],
      ['time', 'timestamp', 'TIMESTAMP'],
      ['x', 'double', 'MULTI'],
    ]);
    fixture.timestream.operate('CreateTable', { ...fixture.names, TableName: 'empty' });
    const { Rows, ColumnInfo } = fixture.query('SELECT * FROM "db1"."empty"');
    expect([Rows, ColumnInfo.map(({ Name }) => Name)]).toEqual([[], ['measure_name', 'time']]);
    expect(refusal(() => fixture.query('SELECT x FROM db1.empty')).message).toBe(
      "line 1:8: Column 'x' does not exist",
    );
  });

  it.each([
    ['SELECT x FROM $ ORDER BY x', /'ORDER' here, where the end of the query/],
    ['SELECT x FROM $ LIMIT 1', /'LIMIT' here/],
    ['SELECT DISTINCT node FROM $', /'node' here, where FROM/],
    ["SELECT x FROM $ WHERE node LIKE 'a%'", /'LIKE' here/],
    ["SELECT x FROM $ WHERE NOT node = 'a'", /'NOT' here, where a name/],
    ["SELECT x FROM $ WHERE node <> 'a'", /does not know '<> 'a''/],
    ['SELECT x - 1 FROM $', /does not know '- 1 FROM/],
    ['SELECT percentile(x) FROM $ GROUP BY node', /the function percentile/],
    ['SELECT x FROM $ WHERE time >= ago(5m)', /the function ago/],
    ['SELECT bin(time, 5y) FROM $', /the interval '5y'/],
    ["SELECT x FROM $ WHERE regexp_like(node, '\\w')", /\\w in a pattern/],
    ["SELECT x FROM $ WHERE regexp_like(node, '(')", /cannot read the pattern/],
    ['SELECT x, max(x) FROM $ GROUP BY node', /'x' must be an aggregate/],
    ['SELECT max(x) FROM $', /aggregates without GROUP BY/],
    ['SELECT max(avg(x)) FROM $ GROUP BY node', /Cannot nest/],
    ['SELECT x FROM $ WHERE x = node', /Cannot apply operator: double = varchar/],
    ['SELECT x FROM $ WHERE x', /boolean/],
    ['SELECT avg(node) FROM $ GROUP BY node', /Unexpected parameters \(varchar\) for function avg/],
    ['SELECT "nope" FROM $', /Column 'nope' does not exist/],
    ['SELECT x FROM "db1"."nope"', /table db1.nope does not exist/],
    ['SELECT x FROM "nope"."nope"', /Requested database 'nope' not found/],
    ['DELETE FROM $', /'DELETE' here, where SELECT or DESCRIBE/],
    [`SELECT x FROM $ WHERE node = '${'y'.repeat(262_144)}'`, /256 KiB/],
  ])('reports an unknown construct by its name: %.60s', (sql, expected) => {
    const error = refusal(() => fixture.query(sql));
    expect(error.type).toBe('ValidationException');
    expect(error.message).toMatch(expected);
  });

  it('returns pages with as many rows as fit, and tokens that only this query can use, five times', () => {
    const sql = 'SELECT x FROM $';
    const first = fixture.query(sql, { MaxRows: 4 });
    expect([first.Rows.length, typeof first.NextToken]).toEqual([4, 'string']);
    const second = fixture.query(sql, { MaxRows: 4, NextToken: first.NextToken });
    const third = fixture.query(sql, { MaxRows: 4, NextToken: second.NextToken });
    expect([second.Rows.length, third.Rows.length, third.NextToken]).toEqual([4, 1, undefined]);
    for (let i = 0; i < 4; i++) fixture.query(sql, { NextToken: first.NextToken });
    expect(refusal(() => fixture.query(sql, { NextToken: first.NextToken })).message).toMatch(
      /Invalid pagination token/,
    );
    expect(
      refusal(() => fixture.query('SELECT node FROM $', { NextToken: second.NextToken })).message,
    ).toMatch(/pagination/);
    const long = Array.from({ length: 90 }, (_, i) =>
      record({ Time: String(NOW - i), Dimensions: [{ Name: 'node', Value: 'v'.repeat(1990) }] }),
    );
    for (let i = 0; i < 7; i++) fixture.write(...long.map((one) => ({ ...one, MeasureName: `g${i}` })));
    const page = fixture.query("SELECT node FROM $ WHERE regexp_like(node, 'v')");
    expect(JSON.stringify(page.Rows).length).toBeLessThan(1_010_000);
    expect([page.Rows.length > 300, page.NextToken !== undefined]).toEqual([true, true]);
  });

  it('answers a repeated client token as before, and refuses it for another query', () => {
    const ClientToken = 'a'.repeat(32);
    const before = fixture.query('SELECT x FROM $', { ClientToken });
    fixture.write(record({ MeasureName: 'more' }));
    expect(fixture.query('SELECT x FROM $', { ClientToken })).toEqual(before);
    expect(refusal(() => fixture.query('SELECT node FROM $', { ClientToken })).message).toMatch(
      /other parameters/,
    );
    expect(refusal(() => fixture.query('SELECT x FROM $', { ClientToken: 'short' })).type).toBe(
      'ValidationException',
    );
  });
});
