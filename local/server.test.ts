import { once } from 'node:events';
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import axios from 'axios';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../core/errors.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { type ChartFiles, createChartFiles } from './chart-files.ts';
import { type Health, localHealth } from './health.ts';
import { createMeter } from './meter.ts';
import { openMetrics } from './metrics-access.ts';
import { addressOf, type LocalServer, startServer } from './server.ts';

const PNG = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]);
const HOUR = 3_600_000;

let dir: string;
let charts: ChartFiles;
let server: LocalServer;
let health: Health;
let stuck: string | undefined;
let reads = 0;
const meter = createMeter();
const metricsOf = openMetrics(() => undefined, {
  secrets: { resolve: async (text) => text, redact: (text) => text },
  logger: createRecordingLogger(),
});
const start = async (host: string, port: number) =>
  startServer({
    ...(await metricsOf),
    host,
    port,
    hosts: ['bartizan.example.net', 'Listed.Internal'],
    charts,
    meter,
    health: async () => {
      reads++;
      return health;
    },
    stuck: () => stuck,
    metrics: meter.text,
  });
const http = axios.create({ validateStatus: () => true, proxy: false });

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bartizan-server-'));
  charts = await createChartFiles({
    dir: join(dir, 'charts'),
    publicUrl: 'https://bartizan.example.net/base/',
    retentionMs: HOUR,
    nowMs: Date.now,
  });
  stuck = undefined;
  server = await start('127.0.0.1', 0);
});

afterEach(async () => {
  await server.close();
  await rm(dir, { recursive: true });
});

const answerOf = (extra: Partial<Health> = {}): Health => ({
  status: 'ok',
  reasons: [],
  warnings: [],
  startedAt: '1970-01-01T00:00:00.000Z',
  lastRound: null,
  roundsCompleted: 4,
  roundsSkipped: 1,
  alertsUndelivered: 0,
  deliveriesFailed: 0,
  breachToAcceptedP99: null,
  ...extra,
});
const failing = answerOf({
  status: 'failing',
  reasons: [
    { code: 'data-damaged', words: 'the database of state is damaged', detail: '/var/data/state.db' },
  ],
  warnings: [
    { code: 'channel-failing', words: '1 channel took no message', detail: 'ops: refused by 10.0.0.7' },
  ],
});

describe('GET /livez', () => {
  it('answers 200 while the process works, whatever the health is', async () => {
    health = failing;
    expect((await http.get(`${server.url}/livez`)).status).toBe(200);
  });

  it('answers a check with HTTP/1.0, which names no host', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.end('GET /livez HTTP/1.0\r\n\r\n');
    let got = '';
    for await (const chunk of socket) got += String(chunk);
    expect(got).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\{"status":"ok"/);
  });

  it('answers 503 with the reason when the process does not work', async () => {
    stuck = 'the scheduler has not run for 130 s';
    const { status, data } = await http.get(`${server.url}/livez`);
    expect([status, data]).toEqual([503, { status: 'stuck', reasons: [stuck] }]);
  });
});

describe('GET /healthz', () => {
  it('answers 200 while alerts can be sent', async () => {
    health = answerOf();
    const { status, data } = await http.get(`${server.url}/healthz`);
    expect([status, data]).toEqual([200, health]);
  });

  it('answers 503 with codes and texts, and with details on this machine', async () => {
    health = failing;
    const { status, data } = await http.get(`${server.url}/healthz`);
    expect([status, data]).toEqual([503, localHealth(failing)]);
    expect(data.warnings).toEqual(failing.warnings);
  });

  it.each([
    'x-forwarded-for',
    'X-Forwarded-Host',
    'forwarded',
    'x-real-ip',
    'via',
    'CF-Connecting-IP',
    'true-client-ip',
    'X-Client-IP',
  ])('shows remote clients no details: asked with %s', async (name) => {
    health = failing;
    const { status, data } = await http.get(`${server.url}/healthz`, {
      headers: { [name]: '203.0.113.9' },
    });
    expect([status, JSON.stringify(data)]).toEqual([503, expect.not.stringMatching(/\/var|10\.0\.0\.7|ops/)]);
    expect(data.reasons).toEqual([{ code: 'data-damaged', words: 'the database of state is damaged' }]);
    expect(data.warnings[0].code).toBe('channel-failing');
  });

  it.each([
    ['keeps the name', 'GET /healthz HTTP/1.1\r\nhost: bartizan.example.net\r\nconnection: close\r\n\r\n'],
    ['is an nginx as it comes', `GET /healthz HTTP/1.0\r\nhost: 127.0.0.1:9470\r\nconnection: close\r\n\r\n`],
  ])('shows no details through a proxy that adds no header and %s', async (_, request) => {
    health = failing;
    for (const path of ['healthz', 'metrics']) {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
      socket.write(request.replace('healthz', path));
      let got = '';
      for await (const chunk of socket) got += String(chunk);
      expect(got).toMatch(path === 'metrics' ? /^HTTP\/1\.1 403/ : /"data-damaged"/);
      expect(got).not.toMatch(/\/var|10\.0\.0\.7|ops/);
    }
  });

  it('shows no paths of files to anybody', async () => {
    health = failing;
    const { data } = await http.get(`${server.url}/healthz`);
    expect(data.reasons[0].detail).toBe('…/state.db');
  });

  it('reads once for all clients that ask at about the same time', async () => {
    health = answerOf();
    reads = 0;
    await Promise.all(Array.from({ length: 20 }, () => http.get(`${server.url}/healthz`)));
    expect(reads).toBe(1);
  });
});

describe('GET /metrics', () => {
  it('answers on loopback in the Prometheus text format', async () => {
    meter.count('rounds_total');
    const { status, data, headers } = await http.get(`${server.url}/metrics`);
    expect(status).toBe(200);
    expect(headers['content-type']).toContain('version=0.0.4');
    expect(data).toMatch(/# TYPE bartizan_rounds_total counter\nbartizan_rounds_total \d+\n/);
  });

  it('refuses requests that a proxy forwards for others', async () => {
    const { status } = await http.get(`${server.url}/metrics`, {
      headers: { 'x-forwarded-for': '203.0.113.9' },
    });
    expect(status).toBe(403);
  });
});

describe('GET /charts/:name', () => {
  const nameOf = (url: string | undefined) => url?.split('/').at(-1) ?? '';

  it('serves a picture under the address that messages contain', async () => {
    const url = await charts.put(PNG);
    expect(url).toMatch(/^https:\/\/bartizan\.example\.net\/base\/charts\/[A-Za-z0-9_-]{22}\.png$/);
    const { status, data, headers } = await http.get(`${server.url}/charts/${nameOf(url)}`, {
      responseType: 'arraybuffer',
    });
    expect([status, headers['content-type']]).toEqual([200, 'image/png']);
    expect(new Uint8Array(data)).toEqual(PNG);
  });

  it('serves nothing else, whatever the name', async () => {
    await charts.put(PNG);
    for (const name of ['x.png', '..%2f..%2fstate.db', `${'a'.repeat(22)}.png`, '.part', '%00']) {
      expect((await http.get(`${server.url}/charts/${name}`)).status).toBe(404);
    }
  });

  it('serves no picture after its retention', async () => {
    const name = nameOf(await charts.put(PNG));
    const old = new Date(Date.now() - HOUR - 1_000);
    await utimes(join(dir, 'charts', name), old, old);
    expect((await http.get(`${server.url}/charts/${name}`)).status).toBe(404);
    expect(await charts.prune(Date.now())).toBe(1);
    expect(await readdir(join(dir, 'charts'))).toEqual([]);
  });
});

it('stops although a silent connection is open', async () => {
  const silent = connect(Number(new URL(server.url).port), '127.0.0.1');
  await once(silent, 'connect');
  await server.close();
  silent.destroy();
  server = await start('127.0.0.1', 0);
});

describe('startServer', () => {
  it('reports that the port is in use', async () => {
    const port = Number(new URL(server.url).port);
    const failure = await start('127.0.0.1', port).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigError);
    expect(String(failure)).toContain(`cannot listen on 127.0.0.1:${port}: the port is taken`);
  });

  it('reports that the address does not belong to this machine', async () => {
    expect(
      Object.values(networkInterfaces())
        .flat()
        .some((a) => a?.address === '192.0.2.1'),
    ).toBe(false);
    await expect(start('192.0.2.1', 0)).rejects.toThrow('EADDRNOTAVAIL');
  });
});

it.each([
  ['127.0.0.1', 9470, 'http://127.0.0.1:9470'],
  ['0.0.0.0', 9470, 'http://127.0.0.1:9470'],
  ['::', 9470, 'http://[::1]:9470'],
  ['::1', 9470, 'http://[::1]:9470'],
  ['mon.example.net', 80, 'http://mon.example.net:80'],
])('a server that listens on %s can be reached at an address of its own', (host, port, address) => {
  expect(addressOf({ host, port })).toBe(address);
});
