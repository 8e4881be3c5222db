import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import protobuf from 'protobufjs';
import snappy from 'snappyjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PermanentError, RetryableError } from '../../../core/errors.ts';
import type { Sample } from '../../../core/model/sample.ts';
import { createPrometheusApi } from './api.ts';
import { selectorOf } from './names.ts';
import { prometheus } from './prometheus.ts';
import { createPrometheusStore } from './store.ts';

// The protocol's own description, https://github.com/prometheus/prometheus/blob/main/prompb/remote.proto and types.proto
const WriteRequest = protobuf
  .parse(`syntax = "proto3"; package prometheus;
  message WriteRequest { repeated TimeSeries timeseries = 1; }
  message TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; }
  message Label { string name = 1; string value = 2; }
  message Sample { double value = 1; int64 timestamp = 2; }`)
  .root.lookupType('prometheus.WriteRequest');

const NOW = Date.UTC(2026, 10, 24, 12);
const TOKEN = 'token-77aa1f';
const labels = { cluster: 'c', node: '노드-1', role: 'etcd' };
const sample = (value: number, extra: Partial<Sample> = {}): Sample => ({
  metric: 'mem_usage',
  labels,
  timeMs: NOW,
  value,
  ...extra,
});

interface Written {
  labels: { name: string; value: string }[];
  samples: { value: number; timestamp: number }[];
}

let server: Server;
let url: string;
let requests: { request: IncomingMessage; body: Buffer }[];
let answer: (body: Buffer, response: ServerResponse) => unknown;

beforeEach(async () => {
  requests = [];
  answer = (_, response) => response.writeHead(204).end();
  server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    requests.push({ request, body });
    answer(body, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

const secrets = {
  resolve: async (text: string) => text.replace('${env:TOKEN}', TOKEN),
  redact: (text: string) => text.replaceAll(TOKEN, '<secret>'),
};
function storeOf(options: Record<string, unknown> = {}) {
  const clock = { nowMs: () => NOW };
  const parsed = prometheus.options.parse({ url, ...options });
  return createPrometheusStore(createPrometheusApi(parsed, { secrets, clock }), clock);
}
const written = (body: Buffer) =>
  WriteRequest.toObject(WriteRequest.decode(snappy.uncompress(body)), { longs: Number })
    .timeseries as Written[];

describe('writing', () => {
  it('sends series by their names, labels sorted', async () => {
    const store = storeOf();
    await store.write([sample(95), sample(1, { metric: 'up' }), sample(96, { timeMs: NOW - 60_000 })]);
    const [{ request, body } = { request: undefined, body: Buffer.alloc(0) }] = requests;
    expect(request?.url).toBe('/api/v1/write');
    expect(request?.headers).toMatchObject({
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': '0.1.0',
    });
    const rest = [
      { name: 'cluster', value: 'c' },
      { name: 'node', value: '노드-1' },
      { name: 'role', value: 'etcd' },
    ];
    expect(written(body)).toEqual([
      {
        labels: [{ name: '__name__', value: 'bartizan_mem_usage_percent' }, ...rest],
        samples: [
          { value: 96, timestamp: NOW - 60_000 },
          { value: 95, timestamp: NOW },
        ],
      },
      {
        labels: [{ name: '__name__', value: 'bartizan_up' }, ...rest],
        samples: [{ value: 1, timestamp: NOW }],
      },
    ]);
  });

  /** Refuses requests that hold one of these values. */
  function refuse(values: readonly number[], refusal: string): void {
    answer = (body, response) => {
      const refused = written(body).some(({ samples }) =>
        samples.some(({ value }) => values.includes(value)),
      );
      response.writeHead(refused ? 400 : 204).end(refused ? refusal : '');
    };
  }
  const nodes = (count: number) =>
    Array.from({ length: count }, (_, i) => sample(i, { labels: { ...labels, node: `n${i}` } }));

  it('finds what the server never takes, writes the rest, and says why', async () => {
    refuse([17, 60], 'out of order sample');
    const result = await storeOf().write(nodes(100));
    expect(result).toMatchObject({ written: 98, duplicates: 0 });
    expect(result.rejected.map((one) => [one.sample.value, one.cause, one.reason])).toEqual([
      [17, 'too-late', expect.stringContaining('out of order sample')],
      [60, 'too-late', expect.stringContaining('out of order sample')],
    ]);
  });

  it('counts what is there with another value as a duplicate', async () => {
    refuse([3], 'duplicate sample for timestamp');
    expect(await storeOf().write(nodes(10))).toEqual({ written: 9, duplicates: 1, rejected: [] });
  });

  it('takes what comes too late as refused for good, whatever the status', async () => {
    answer = (_, response) => response.writeHead(500).end('too old sample');
    const result = await storeOf().write([sample(1)]);
    expect(result).toMatchObject({ written: 0, rejected: [{ cause: 'too-late' }] });
    expect(requests).toHaveLength(1);
  });

  it('of one series that comes late and goes on, what is too late, and that alone', async () => {
    answer = (body, response) => {
      const isOld = written(body).some(({ samples }) => samples.some(({ timestamp }) => timestamp < NOW));
      response.writeHead(isOld ? 500 : 204).end(isOld ? 'too old sample' : '');
    };
    const minutes = [0, -2, 1, -1].map((minute) => sample(minute, { timeMs: NOW + minute * 60_000 }));
    const result = await storeOf().write(minutes);
    expect(result.rejected.map((one) => one.sample.value)).toEqual([-2, -1]);
    expect(result.written).toBe(2);
  });

  it('one series in one request, whatever objects its labels are: what is out of order there is lost in silence', async () => {
    const ahead = [3, 1, 2];
    await storeOf().write(ahead.map((ms) => sample(ms, { labels: { ...labels }, timeMs: NOW + ms })));
    expect(written(requests[0]?.body ?? Buffer.alloc(0)).map(({ samples }) => samples)).toEqual([
      [1, 2, 3].map((value) => ({ value, timestamp: NOW + value })),
    ]);
  });

  it('gives up looking when the server takes nothing at all', async () => {
    answer = (_, response) => response.writeHead(400).end('out of bounds');
    const result = await storeOf().write(nodes(3_000));
    expect(result.rejected).toHaveLength(3_000);
    expect(requests.length).toBeLessThan(200);
  });

  it.each([
    [429, { 'retry-after': '7' }, { retryAfterMs: 7_000 }],
    [500, {}, { retryAfterMs: undefined }],
  ])('leaves it to the caller to try again after %s', async (status, headers, expected) => {
    answer = (_, response) => response.writeHead(status, headers).end();
    const error = await storeOf()
      .write([sample(1)])
      .catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(RetryableError);
    expect(error).toMatchObject(expected);
  });
});

describe('logging in', () => {
  const headersWith = async (options: Record<string, unknown>) => {
    await storeOf(options).write([sample(1)]);
    return requests[0]?.request.headers ?? {};
  };

  it('by bearer token, basic, or further headers', async () => {
    expect(await headersWith({ bearerToken: '${env:TOKEN}' })).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
    });
    requests.length = 0;
    const basicAuth = { username: 'u', password: '${env:TOKEN}' };
    const expected = `Basic ${Buffer.from(`u:${TOKEN}`).toString('base64')}`;
    expect(await headersWith({ basicAuth, headers: { 'X-Scope-OrgID': 'team' } })).toMatchObject({
      authorization: expected,
      'x-scope-orgid': 'team',
    });
  });

  it('by a signature of AWS', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY');
    const { authorization, 'x-amz-date': date } = await headersWith({ sigv4: { region: 'eu-west-1' } });
    expect(date).toBe('20261124T120000Z');
    expect(authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/20261124\/eu-west-1\/aps\/aws4_request, SignedHeaders=[^,]*host[^,]*, Signature=[0-9a-f]{64}$/,
    );
  });

  it('in one way only, and never in an error', async () => {
    const both = { url, bearerToken: '${env:A}', sigv4: { region: 'r' } };
    expect(prometheus.options.safeParse(both).error?.issues[0]).toMatchObject({ path: ['sigv4'] });
    answer = (_, response) => response.writeHead(403).end(`no ${TOKEN}`);
    const error = await storeOf({ bearerToken: '${env:TOKEN}' })
      .write([sample(1)])
      .catch((cause: unknown) => cause);
    expect(String(error)).toMatch(/answered 403: no <secret> \(check the credentials\)/);
  });
});

describe('reading', () => {
  const json = (value: unknown) => (_: Buffer, response: ServerResponse) =>
    response.writeHead(200).end(JSON.stringify(value));
  const ask = () =>
    storeOf().query({ metric: 'mem_usage', where: { node: ['노드-*'] }, fromMs: NOW - 60_000, toMs: NOW });

  it('asks for raw points, and looks again at what comes back', async () => {
    const series = (node: string | undefined, values: [number, string][]) => ({
      metric: { __name__: 'bartizan_mem_usage_percent', cluster: 'c', ...(node && { node }) },
      values,
    });
    const at = NOW / 1000;
    const result = [
      series('노드-1', [
        [at - 60.001, '1'],
        [at - 60, '2.5'],
        [at - 30, 'NaN'],
        [at, '3'],
        [at, '4'],
      ]),
      series('other', [[at, '1']]),
      series(undefined, [[at, '1']]),
    ];
    answer = json({ status: 'success', data: { resultType: 'matrix', result } });
    expect(await ask()).toEqual([
      {
        metric: 'mem_usage',
        labels: { cluster: 'c', node: '노드-1' },
        points: [
          { timeMs: NOW - 60_000, value: 2.5 },
          { timeMs: NOW, value: 3 },
        ],
      },
    ]);
    const form = new URLSearchParams(requests[0]?.body.toString());
    expect(Object.fromEntries(form)).toEqual({
      query: 'bartizan_mem_usage_percent{node=~"(?s:노드-.*)"}[60001ms]',
      time: '1795521600.000',
    });
  });

  it.each([
    ['an error', json({ status: 'error', error: 'query timed out' }), RetryableError, /query timed out/],
    ['no JSON', (_: Buffer, response: ServerResponse) => response.end('<html>'), RetryableError, /no JSON/],
    ['null', json(null), RetryableError, /no result/],
    [
      'a series without values',
      json({ status: 'success', data: { result: [null] } }),
      RetryableError,
      /no result/,
    ],
    [
      'a refusal',
      (_: Buffer, response: ServerResponse) => response.writeHead(422).end('too many'),
      PermanentError,
      /422: too many/,
    ],
  ])('is never empty for %s', async (_, how, kind, refusal) => {
    answer = how;
    const error = await ask().catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(kind);
    expect(String(error)).toMatch(refusal);
  });
});

it('takes globs literally but for * and ?', () => {
  expect(selectorOf('m', { where: { node: ['a.b*', '"\\?'], role: ['etcd'] } })).toBe(
    'm{node=~"(?s:a\\\\.b.*)|(?s:\\"\\\\\\\\.)",role=~"(?s:etcd)"}',
  );
  // To PromQL a label that is absent is empty, and `.*` would leave its series out.
  expect(selectorOf('m', { whereNot: { mount: ['/var/*', '**'], device: ['*'], node: ['?'] } })).toBe(
    'm{mount!~"(?s:/var/.*)",node!~"(?s:.)"}',
  );
});
