import { once } from 'node:events';
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import axios from 'axios';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../core/errors.ts';
import { type ChartFiles, createChartFiles } from './chart-files.ts';
import { type Health, judgeHealth } from './health.ts';
import { createMeter } from './meter.ts';
import { addressOf, type LocalServer, startServer } from './server.ts';

const PNG = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]);
const HOUR = 3_600_000;

let dir: string;
let charts: ChartFiles;
let server: LocalServer;
let health: Health;
const http = axios.create({ validateStatus: () => true, proxy: false });

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bartizan-server-'));
  charts = await createChartFiles({
    dir: join(dir, 'charts'),
    publicUrl: 'https://bartizan.example.net/base/',
    retentionMs: HOUR,
    nowMs: Date.now,
  });
  const meter = createMeter();
  meter.count('rounds_total');
  server = await startServer({
    host: '127.0.0.1',
    port: 0,
    charts,
    health: () => health,
    metrics: meter.text,
  });
});

afterEach(async () => {
  await server.close();
  await rm(dir, { recursive: true });
});

const judge = (extra: Partial<Parameters<typeof judgeHealth>[0]> = {}) =>
  judgeHealth({
    nowMs: 300_000,
    startedAtMs: 0,
    tickMs: 60_000,
    last: { roundMs: 240_000, completedAtMs: 242_000, durationMs: 2_000 },
    completed: 4,
    skipped: 1,
    failedDeliveries: 0,
    ...extra,
  });

describe('GET /healthz', () => {
  it('answers 200 while rounds complete', async () => {
    health = judge();
    const { status, data } = await http.get(`${server.url}/healthz`);
    expect(status).toBe(200);
    expect(data).toMatchObject({
      status: 'ok',
      roundsCompleted: 4,
      roundsSkipped: 1,
      lastRound: { scheduledAt: '1970-01-01T00:04:00.000Z', durationMs: 2_000 },
    });
  });

  it('answers 503 with the reason when they do not', async () => {
    health = judge({ nowMs: 600_000 });
    const { status, data } = await http.get(`${server.url}/healthz`);
    expect(status).toBe(503);
    expect(data.reasons).toEqual(['no round completed for 358 s; one is due every 60 s']);
  });

  it.each([
    ['a start that is young', { nowMs: 200_000, last: undefined, completed: 0 }, 'ok'],
    ['a start without any round', { nowMs: 400_000, last: undefined, completed: 0 }, 'failing'],
    [
      'a failed last round',
      { last: { roundMs: 240_000, completedAtMs: 242_000, durationMs: 1, error: 'disk full' } },
      'failing',
    ],
  ] as const)('judges %s', (_name, extra, status) => {
    expect(judge(extra).status).toBe(status);
  });
});

describe('GET /metrics', () => {
  it('answers loopback in the Prometheus text format', async () => {
    const { status, data, headers } = await http.get(`${server.url}/metrics`);
    expect(status).toBe(200);
    expect(headers['content-type']).toContain('version=0.0.4');
    expect(data).toContain('# TYPE bartizan_rounds_total counter\nbartizan_rounds_total 1\n');
  });

  it('refuses what a proxy forwards for others', async () => {
    const { status } = await http.get(`${server.url}/metrics`, {
      headers: { 'x-forwarded-for': '203.0.113.9' },
    });
    expect(status).toBe(403);
  });
});

describe('GET /charts/:name', () => {
  const nameOf = (url: string | undefined) => url?.split('/').at(-1) ?? '';

  it('serves a picture under the address that was given out', async () => {
    const url = await charts.put(PNG);
    expect(url).toMatch(/^https:\/\/bartizan\.example\.net\/base\/charts\/[A-Za-z0-9_-]{22}\.png$/);
    const { status, data, headers } = await http.get(`${server.url}/charts/${nameOf(url)}`, {
      responseType: 'arraybuffer',
    });
    expect([status, headers['content-type']]).toEqual([200, 'image/png']);
    expect(new Uint8Array(data)).toEqual(PNG);
  });

  it('knows nothing else, whatever the name', async () => {
    await charts.put(PNG);
    for (const name of ['x.png', '..%2f..%2fstate.db', `${'a'.repeat(22)}.png`, '.part', '%00']) {
      expect((await http.get(`${server.url}/charts/${name}`)).status).toBe(404);
    }
  });

  it('forgets a picture after its retention', async () => {
    const name = nameOf(await charts.put(PNG));
    const old = new Date(Date.now() - HOUR - 1_000);
    await utimes(join(dir, 'charts', name), old, old);
    expect((await http.get(`${server.url}/charts/${name}`)).status).toBe(404);
    expect(await charts.prune(Date.now())).toBe(1);
    expect(await readdir(join(dir, 'charts'))).toEqual([]);
  });
});

it('ends though a connection is open that says nothing', async () => {
  const silent = connect(Number(new URL(server.url).port), '127.0.0.1');
  await once(silent, 'connect');
  await server.close();
  silent.destroy();
  server = await startServer({ host: '127.0.0.1', port: 0, charts, health: () => health, metrics: () => '' });
});

describe('startServer', () => {
  const start = (host: string, port: number) =>
    startServer({ host, port, charts, health: () => health, metrics: () => '' });

  it('says in words that the port is taken', async () => {
    const port = Number(new URL(server.url).port);
    const failure = await start('127.0.0.1', port).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigError);
    expect(String(failure)).toContain(`cannot listen on 127.0.0.1:${port}: the port is taken`);
  });

  it('says so when the address is not of this machine', async () => {
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
])('what listens on %s is reached at an address of its own', (host, port, address) => {
  expect(addressOf({ host, port })).toBe(address);
});
