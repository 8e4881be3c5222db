// What goes wrong between the store and the service: every error is a typed one, and none is an empty answer.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigError, PermanentError, RetryableError } from '../../../core/errors.ts';
import type { Sample } from '../../../core/model/sample.ts';
import type { SampleStore } from '../../../core/ports.ts';
import type { Fault } from '../../../localstack/timestream/emulator.ts';
import { startTimestreamTables, type TimestreamTables } from '../../../test/timestream-tables.ts';
import { checkTimestreamAccess } from './access.ts';
import type { Connection } from './api.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const LABELS = { cluster: 'c', node: 'n', role: 'etcd' };
const sample = (minute: number, extra: Partial<Sample> = {}): Sample => ({
  metric: 'mem_usage',
  labels: LABELS,
  timeMs: NOW - minute * 60_000,
  value: minute,
  ...extra,
});
const range = { metric: 'mem_usage', fromMs: NOW - 3_600_000, toMs: NOW };

let tables: TimestreamTables;
let connection: Connection;
let store: SampleStore;
beforeAll(async () => {
  tables = await startTimestreamTables({ nowMs: () => NOW });
});
afterAll(() => tables.stop());
beforeEach(async () => {
  connection = await tables.create();
  store = await tables.open(connection);
});
afterEach(async () => {
  tables.timestream.behave();
  await store.close();
});

const always = (fault: Fault) => tables.timestream.behave(() => fault);
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: unknown) => error,
  );
const everyWay = () => [
  store.write([sample(1)]),
  store.query(range),
  store.latest({ metric: 'mem_usage', sinceMs: range.fromMs }),
  store.rollUps(range),
];

const CLOSED =
  'Only existing Timestream for LiveAnalytics customers can access the service. Reach out to AWS support, for more information.';

describe('timestream faults', () => {
  it.each<[string, Fault, new (message: string) => Error, RegExp]>([
    [
      'throttling',
      {
        kind: 'error',
        type: 'ThrottlingException',
        message: 'Too many requests',
        headers: { 'retry-after': '7' },
      },
      RetryableError,
      /bartizan\.table-\d+ in eu-west-1: ThrottlingException/,
    ],
    [
      'an internal error',
      { kind: 'error', type: 'InternalServerException', message: 'Internal', status: 500 },
      RetryableError,
      /status 500/,
    ],
    [
      'access denied',
      { kind: 'error', type: 'AccessDeniedException', message: 'User: x is not authorized', status: 403 },
      ConfigError,
      /refused with these AWS credentials \(AccessDeniedException\)/,
    ],
    [
      'an account without the service',
      { kind: 'error', type: 'AccessDeniedException', message: CLOSED, status: 403 },
      ConfigError,
      /no new customers since 2025-06-20; .*`store\.type: prometheus`/,
    ],
    ['a page of HTML', { kind: 'garbage', body: '<html>Welcome</html>' }, RetryableError, /eu-west-1: /],
    ['a proxy that is down', { kind: 'garbage', status: 502, body: '<html>' }, RetryableError, /status 502/],
    [
      'an empty object',
      { kind: 'garbage', body: '{}' },
      RetryableError,
      /undefined of 1 records|without columns/,
    ],
    ['a broken connection', { kind: 'reset' }, RetryableError, /eu-west-1: /],
  ])('tell of %s, whatever was asked', async (_, fault, kind, expected) => {
    await store.write([sample(0)]);
    always(fault);
    for (const error of await Promise.all(everyWay().map(failure))) {
      expect(error).toBeInstanceOf(kind);
      expect(String(error)).toMatch(expected);
    }
  });

  it('say how long to wait, where the service says so', async () => {
    always({ kind: 'error', type: 'ThrottlingException', message: 'slow', headers: { 'retry-after': '7' } });
    expect(await failure(store.query(range))).toMatchObject({ retryAfterMs: 7000 });
  });

  it('end a wait for an answer', async () => {
    const impatient = await tables.open({ ...connection, timeout: 50 });
    always({ kind: 'silent' });
    expect(await failure(impatient.query(range))).toBeInstanceOf(RetryableError);
    await impatient.close();
  });

  it('tell of credentials that the service does not know', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'somebody-else');
    const unknownSample = await tables.open(connection);
    try {
      for (const error of [
        await failure(unknownSample.write([sample(0)])),
        await failure(unknownSample.query(range)),
      ]) {
        expect(error).toBeInstanceOf(ConfigError);
        expect(String(error)).toMatch(/credentials \(UnrecognizedClientException\)/);
      }
    } finally {
      vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
      await unknownSample.close();
    }
  });

  it.each([
    ['table', { table: 'no-such' }],
    ['database', { database: 'no-such' }],
  ])('tell of a %s that is missing', async (what, wrong) => {
    const lost = await tables.open({ ...connection, ...wrong });
    const errors = await Promise.all([
      failure(lost.write([sample(0)])),
      failure(lost.query(range)),
      failure(lost.rollUps(range)),
    ]);
    for (const error of errors) {
      expect(error).toBeInstanceOf(ConfigError);
      expect(String(error)).toMatch(new RegExp(what));
    }
    await lost.close();
  });

  it('tell of a query that is called invalid, though its columns are there', async () => {
    await store.write([sample(0)]);
    tables.timestream.behave(({ body }) =>
      JSON.stringify(body).includes('DESCRIBE')
        ? undefined
        : { kind: 'error', type: 'ValidationException', message: 'The query syntax is invalid' },
    );
    const error = await failure(store.query({ ...range, where: { node: ['n'] } }));
    expect(error).toBeInstanceOf(PermanentError);
  });

  it('are none where a column is missing that no record had yet', async () => {
    expect(await store.query(range)).toEqual([]);
    await store.write([sample(0)]);
    expect(await store.query({ ...range, metric: 'cpu_usage' })).toEqual([]);
    expect(await store.query({ ...range, where: { rack: ['*'] } })).toEqual([]);
    expect(await store.rollUps({ ...range, metric: 'disk_usage' })).toEqual([]);
  });

  it('of one request of many: what was written stays, and all is there when it is written again', async () => {
    const samples = Array.from({ length: 450 }, (_, i) =>
      sample(i % 50, { labels: { ...LABELS, node: `n-${i}` } }),
    );
    let writes = 0;
    tables.timestream.behave(({ operation }) =>
      operation === 'WriteRecords' && ++writes === 2
        ? { kind: 'error', type: 'ThrottlingException', message: 'slow' }
        : undefined,
    );
    expect(await failure(store.write(samples))).toBeInstanceOf(RetryableError);
    tables.timestream.behave();
    expect(await store.write(samples)).toEqual({ written: 450, duplicates: 0, rejected: [] });
    expect(await store.query(range)).toHaveLength(450);
  });

  it('of half a batch: the rest is written, and each rejected sample has its reason', async () => {
    const samples = Array.from({ length: 100 }, (_, i) => sample(i % 2 === 0 ? i : 60 * 72 + i));
    const result = await store.write(samples);
    expect(result.written).toBe(50);
    expect(result.rejected.map((one) => one.sample)).toEqual(samples.filter((_, i) => i % 2 === 1));
    for (const { reason } of result.rejected)
      expect(reason).toMatch(/outside the time range .* of the memory store/);
    expect((await store.query({ ...range, fromMs: 0 }))[0]?.points).toHaveLength(50);
  });

  it('of an answer that repeats its token: the query ends', async () => {
    always({
      kind: 'garbage',
      body: JSON.stringify({ QueryId: 'Q', ColumnInfo: [], Rows: [], NextToken: 'again' }),
    });
    const before = tables.timestream.requests.length;
    expect(await failure(store.query(range))).toBeInstanceOf(RetryableError);
    expect(tables.timestream.requests.length - before).toBe(2);
  });

  it('of a row that lacks a cell: no row is lost silently', async () => {
    const column = (name: string, type: string) => ({ Name: name, Type: { ScalarType: type } });
    const columns = [column('time', 'TIMESTAMP'), column('series', 'VARCHAR'), column('value', 'DOUBLE')];
    const cells = [{ ScalarValue: '2026-11-24 12:00:00.000000000' }, { ScalarValue: '[["node","n"]]' }];
    for (const Data of [cells, [...cells, { NullValue: true }], [...cells, { ScalarValue: 'many' }]]) {
      always({
        kind: 'garbage',
        body: JSON.stringify({ QueryId: 'Q', ColumnInfo: columns, Rows: [{ Data }] }),
      });
      expect(await failure(store.query(range))).toBeInstanceOf(RetryableError);
    }
  });
});

describe('access to Timestream', () => {
  it('tells what the table is like', async () => {
    const late = await tables.create({ memoryHours: 12, magneticWrites: true });
    expect(await checkTimestreamAccess(late)).toEqual({
      memoryStoreHours: 12,
      magneticStoreDays: 400,
      magneticStoreWrites: true,
    });
  });

  it('names the alternative where the account has none, also when the discovery of endpoints fails of it', async () => {
    always({ kind: 'error', type: 'AccessDeniedException', message: CLOSED, status: 403 });
    vi.stubEnv('AWS_ENDPOINT_URL_TIMESTREAM_WRITE', tables.timestream.url);
    const { endpoint: _, ...discovering } = connection;
    for (const way of [connection, discovering]) {
      const error = await failure(checkTimestreamAccess(way));
      expect(error).toBeInstanceOf(ConfigError);
      expect(String(error)).toMatch(/`store\.type: prometheus`/);
    }
    expect(tables.timestream.requests.at(-1)?.operation).toBe('DescribeEndpoints');
  });

  it('tells of a missing table', async () => {
    const error = await failure(checkTimestreamAccess({ ...connection, table: 'no-such' }));
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toMatch(/no such database or table: |no-such/);
  });
});
