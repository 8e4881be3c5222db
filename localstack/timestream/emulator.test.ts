import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
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

const rejected = (...records: Parameters<TimestreamFixture['write']>) =>
  refusal(() => fixture.write(...records)).members.RejectedRecords;

describe('timestream emulator: writing', () => {
  it('reports where records were written', () => {
    expect(fixture.write(record(), record({ Time: String(NOW / 1000 - 1), TimeUnit: 'SECONDS' }))).toEqual({
      RecordsIngested: { Total: 2, MemoryStore: 2, MagneticStore: 0 },
    });
    expect(fixture.cells('SELECT time, x FROM $ WHERE x IS NOT NULL')).toEqual([
      ['2026-11-24 12:00:00.000000000', '1.5'],
      ['2026-11-24 11:59:59.000000000', '1.5'],
    ]);
  });

  it.each<[string, number, Record<string, unknown>, RegExp]>([
    ['too many records', 101, {}, /'Records'/],
    ['no record', 0, {}, /'Records'/],
    ['a name of 61 letters', 1, { Dimensions: [{ Name: 'n'.repeat(61), Value: 'v' }] }, /Dimensions.0.Name/],
    ['no dimension', 1, { Dimensions: [] }, /at least one dimension/],
    ['no measure', 1, { MeasureValues: [] }, /MeasureValues is required/],
    ['a single measure', 1, { MeasureValueType: 'DOUBLE' }, /several measures only/],
    ['a reserved dimension', 1, { Dimensions: [{ Name: 'time', Value: 'v' }] }, /time is reserved/],
    ['a reserved measure', 1, { MeasureValues: measures({ measure_value_x: '1' }) }, /is reserved/],
    [
      'a dimension twice',
      1,
      { Dimensions: ['a', 'b'].map((Value) => ({ Name: 'n', Value })) },
      /appears twice/,
    ],
    ['an invalid time', 1, { Time: '1.5' }, /Time/],
  ])('refuses a whole request with %s', (_, count, extra, expected) => {
    const error = refusal(() => fixture.write(...Array.from({ length: count }, () => record(extra))));
    expect(error.type).toBe('ValidationException');
    expect(error.message).toMatch(expected);
  });

  it('rejects single records, and writes the others', () => {
    const many = Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`m${i}`, '1']));
    fixture.write(record({ MeasureValues: measures({ y: '1' }, 'BIGINT') }));
    const records = [
      record({ Time: String(NOW - 6 * 3_600_000 - 1) }),
      record({ Time: String(NOW + 15 * 60_000) }),
      record({ Time: String(NOW + 1) }),
      record({ Dimensions: [{ Name: 'node', Value: 'v'.repeat(2045) }] }),
      record({ Dimensions: [{ Name: 'node', Value: 'v'.repeat(2040) }] }),
      record({ MeasureValues: measures(many) }),
      record({ Time: String(NOW + 2), MeasureValues: measures({ y: '1.5' }) }),
      record({ MeasureValues: measures({ x: 'NaN' }) }),
      record({ MeasureValues: measures({ node: '1' }) }),
      record({ Dimensions: [{ Name: 'x', Value: 'v' }], MeasureValues: measures({ x: '1' }) }),
    ];
    expect(rejected(...records)).toEqual(
      [
        [
          0,
          /outside the time range \[2026-11-24T06:00:00.000Z, 2026-11-24T12:15:00.000Z\) of the memory store/,
        ],
        [1, /outside the time range/],
        [3, /dimensions, 2049 bytes/],
        [4, /record, 2049 bytes/],
        [5, /record, \d+ bytes|at most 256/],
        [6, /y is BIGINT/],
        [7, /NaN of x is not a DOUBLE/],
        [8, /node cannot be both/],
        [9, /x cannot be both/],
      ].map(([index, expected]) => ({
        RecordIndex: index,
        Reason: expect.stringMatching(expected as RegExp),
      })),
    );
    expect(fixture.cells('SELECT x FROM $ WHERE x IS NOT NULL')).toEqual([['1.5']]);
  });

  it('keeps the record with the highest version', () => {
    const x = (Value: string, Version?: number) => record({ MeasureValues: measures({ x: Value }), Version });
    const conflict = (ExistingVersion: number) => [
      { RecordIndex: 0, Reason: expect.stringMatching(/^A record already exists/), ExistingVersion },
    ];
    fixture.write(x('1'));
    fixture.write(x('1.0'));
    expect(rejected(x('2'))).toEqual(conflict(1));
    fixture.write(x('2', 3));
    expect(rejected(x('2', 2))).toEqual(conflict(3));
    expect(rejected(x('5', 3))).toEqual(conflict(3));
    fixture.write(record({ MeasureValues: measures({ other: '7' }), Version: 4 }));
    // A record with a higher version replaces the whole record.
    expect(fixture.cells('SELECT x, other FROM $ WHERE time >= from_milliseconds(0)')).toEqual([
      [null, '7.0'],
    ]);
  });

  it('takes late records into a magnetic store, without checking them', () => {
    fixture.nextTable({ MagneticStoreWriteProperties: { EnableMagneticStoreWrites: true } });
    const late = (value: string) =>
      record({ Time: String(NOW - 8e7), MeasureValues: measures({ x: value }) });
    expect(fixture.write(late('1'), record())).toEqual({
      RecordsIngested: { Total: 2, MemoryStore: 1, MagneticStore: 1 },
    });
    expect(fixture.write(late('2'))).toMatchObject({ RecordsIngested: { MagneticStore: 1 } });
    expect(fixture.cells(`SELECT x FROM $ WHERE time = from_milliseconds(${NOW - 8e7})`)).toEqual([['1.0']]);
  });
});

describe('timestream emulator: transport', () => {
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': 'Timestream_20181101.DescribeTable',
    authorization:
      'AWS4-HMAC-SHA256 Credential=k/20261124/eu-west-1/timestream/aws4_request, SignedHeaders=host',
  };
  const post = async (changed: Record<string, string> = {}, body = JSON.stringify(fixture.names)) => {
    const response = await fetch(fixture.timestream.url, {
      method: 'POST',
      headers: { ...headers, ...changed },
      body,
    });
    return { status: response.status, answer: (await response.json()) as { __type?: string } };
  };

  it('takes only signed requests of its protocol', async () => {
    expect(await post()).toMatchObject({
      status: 200,
      answer: { Table: { ...fixture.names, TableStatus: 'ACTIVE' } },
    });
    const types: string[] = [];
    const wrong: Record<string, string>[] = [
      { authorization: 'Bearer x' },
      { 'content-type': 'application/json' },
      { 'x-amz-target': 'DynamoDB_20120810.Query' },
      { 'x-amz-target': 'Timestream_20181101.CancelQuery' },
    ];
    for (const changed of wrong) {
      types.push(String((await post(changed)).answer.__type).split('#')[1] ?? '');
    }
    expect(types).toEqual([
      'MissingAuthenticationTokenException',
      'UnknownOperationException',
      'UnknownOperationException',
      'UnknownOperationException',
    ]);
    expect((await post({}, JSON.stringify({ ...fixture.names, TableName: 'nope' }))).answer.__type).toMatch(
      /ResourceNotFound/,
    );
  });

  it('listens on loopback', () => {
    expect(fixture.timestream.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it('runs as a program with a table, and ends with its signal', async () => {
    const program = fileURLToPath(new URL('main.ts', import.meta.url));
    const child = spawn(process.execPath, [program, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
      const url = /http:\S+(?=,)/.exec(line)?.[0] ?? line;
      const body = JSON.stringify({ DatabaseName: 'bartizan', TableName: 'samples' });
      const response = await fetch(url, { method: 'POST', headers, body });
      expect(await response.json()).toMatchObject({
        Table: { MagneticStoreWriteProperties: { EnableMagneticStoreWrites: true } },
      });
      child.kill('SIGTERM');
      expect(await once(child, 'exit')).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
