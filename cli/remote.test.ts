// The same commands against local files, and against a history service that reads these.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { findLines } from '../adapters/audit/find-lines.ts';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { openSqliteStore } from '../adapters/stores/sqlite/store.ts';
import type { SampleStore, StateStore } from '../core/ports.ts';
import { createApiRoutes } from '../history/api/routes.ts';
import { systemClock } from '../local/clock.ts';
import { newKey } from '../localstack/fleet/new-key.ts';
import { alertOf, transitionOf } from '../test/contract/state-fixtures.ts';
import { createHistoryFixture } from '../test/history-fixture.ts';
import { loadConfig } from './config-file.ts';
import { capturePrinted, type Printed } from './printed.fixture.ts';
import { run } from './program.ts';

const TOKEN = 'bzt_0123456789';
const MINUTE = 60_000;
let dir: string;
let state: StateStore;
let store: SampleStore;
let url: string;
let printed: Printed;
const servers: Server[] = [];

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-remote-'));
  const file = join(dir, 'c.yaml');
  writeFileSync(join(dir, 'key'), newKey());
  writeFileSync(
    file,
    `bastions: [{ name: gate, host: 127.0.0.1, user: u, privateKey: "\${file:key}" }]
clusters: [{ name: prod, bastion: gate, nodes: [{ name: n1, role: etcd, host: 127.0.0.1, user: u }] }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
rules: [{ name: mem, metric: mem_usage, above: 90, for: 5m }]
store: { path: data }
`,
  );
  const data = join(dir, 'data');
  state = openSqliteState({ path: data });
  store = openSqliteStore({ path: data });
  const minute = Math.floor(Date.now() / MINUTE) * MINUTE;
  const alert = { ...alertOf('n1'), sinceMs: minute - 10 * MINUTE, firedAtMs: minute - 5 * MINUTE };
  const transitions = [transitionOf(alert, 'firing', minute - 5 * MINUTE)];
  await state.commitAlert({ alert, expectedVersion: 0, transitions, dueAtMs: minute });
  const of = (metric: string, i: number) => ({
    metric,
    labels: alert.labels,
    timeMs: minute - i * MINUTE,
    value: 95 - i,
  });
  await store.write([...Array(180).keys()].map((i) => of('mem_usage', i)));
  const { config } = await loadConfig(file);
  const { app } = createHistoryFixture({
    ...{ routes: [createApiRoutes()], state, store, config, clock: systemClock, token: TOKEN },
    ports: { findAuditLines: (filter, limit) => findLines(data, filter, limit) },
  });
  url = await serve(getRequestListener((request) => app.fetch(request, {})));
});
afterAll(async () => {
  for (const server of servers) server.closeAllConnections();
  for (const server of servers) server.close();
  await state.close();
  await store.close();
  rmSync(dir, { recursive: true });
});
beforeEach(() => {
  printed = capturePrinted();
  vi.stubEnv('BARTIZAN_TOKEN', TOKEN);
});
afterEach(() => {
  process.exitCode = undefined;
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

async function bartizan(...args: string[]): Promise<{ out: string; err: string; code: number }> {
  Object.assign(printed, { out: '', err: '' });
  process.exitCode = undefined;
  await run(['node', 'bartizan', ...args]);
  return { ...printed, code: Number(process.exitCode ?? 0) };
}

const local = (...args: string[]) => bartizan(...args, '-c', join(dir, 'c.yaml'));
const remote = (...args: string[]) => bartizan(...args, '--url', url);

/** Ages are of different moments, and columns as wide as they ask for; the fields of JSON have no order. */
function comparable(text: string): unknown {
  if (/^[[{]/.test(text)) return JSON.parse(text, (name, value: unknown) => (name === 'ageMs' ? 0 : value));
  return text.replaceAll(/\b(\d+m(\d+s)?|\d+s)\b/g, 'AGE').replaceAll(/ +/g, ' ');
}

describe('a history service answers as local files do', () => {
  it.each([
    ['alerts'],
    ['alerts --json'],
    ['alerts --last 1d'],
    ['query mem_usage --last 2h'],
    ['query mem_usage --last 30m --points'],
    ['query mem_usage --last 30m --json'],
    ['query mem_usage --last 3d --plot'],
    ['query mem_usage --where node=n1 --plot'],
    ['query load1'],
    ['silence list'],
    ['audit list'],
  ])('`%s`', async (line) => {
    const here = await local(...line.split(' '));
    const there = await remote(...line.split(' '));
    expect({ ...there, out: comparable(there.out) }).toEqual({ ...here, out: comparable(here.out) });
    expect(here.out + here.err).not.toBe('');
  });

  it('`silence add`, `list` and `expire` change the same silences', async () => {
    const added = await remote(
      'silence',
      'add',
      '-w',
      'node=n1',
      '--for',
      '2h',
      '--comment',
      'swap',
      '--author',
      'ann',
    );
    expect(added).toMatchObject({ code: 0, err: '' });
    expect(added.out).toMatch(
      /^silence [0-9a-f]{8}: node="n1" until .*, by ann \(token test\): swap\ncovers now:\n {2}mem c \/ n1\n/,
    );
    const id = /silence ([0-9a-f]{8})/.exec(added.out)?.[1] ?? '';
    expect(comparable((await local('silence', 'list')).out)).toBe(
      comparable((await remote('silence', 'list')).out),
    );
    expect((await remote('silence', 'expire', id)).out).toMatch(/^ended silence /);
    expect((await local('silence', 'list')).out).toBe('there are no silences\n');
    expect(await remote('silence', 'expire', id)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/no silence .* is active/),
    });
  });

  it('`silence add --alert` acknowledges by the beginning of an id', async () => {
    const { out, code } = await remote('silence', 'add', '--alert', 'mem', '--json');
    expect(code).toBe(0);
    const { silence } = JSON.parse(out);
    expect(silence).toMatchObject({ alertId: expect.stringMatching(/^mem/), comment: 'acknowledged' });
    await remote('silence', 'expire', silence.id);
  });
});

describe('which of them is asked', () => {
  it('the service that BARTIZAN_URL names, unless a configuration is named', async () => {
    vi.stubEnv('BARTIZAN_URL', url);
    expect(comparable((await bartizan('alerts')).out)).toBe(comparable((await local('alerts')).out));
    vi.stubEnv('BARTIZAN_URL', 'http://127.0.0.1:1');
    expect((await bartizan('alerts')).code).toBe(1);
    expect((await local('alerts')).out).toMatch(/^firing/m);
  });

  it('not both', async () => {
    expect(await local('alerts', '--url', url)).toMatchObject({
      code: 2,
      err: expect.stringContaining('exclude each other'),
    });
  });
});

describe('a service that does not answer', () => {
  const failing = async (status: number, body: string) =>
    serve((_, response) => {
      response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '3' }).end(body);
    });
  const error = (message: string) => JSON.stringify({ error: { code: 'x', message } });

  it.each<[string, () => Promise<string>, RegExp]>([
    ['because nothing listens', async () => 'http://127.0.0.1:1', /nothing listens on port 1/],
    ['the token', () => failing(401, error('no')), /does not know this token; .*`bartizan token list`/],
    [
      'what the scope does not allow',
      () => failing(403, error('token x has not the scope admin')),
      /refuses this to your token: token x has not the scope admin/,
    ],
    ['as it is another server', () => failing(404, '<html>'), /is not the address of a Bartizan/],
    ['in our shapes', () => failing(200, '{"a":1}'), /is not that of a Bartizan API/],
    [
      'as it limits requests',
      () => failing(429, error('too many')),
      /does not answer this now: too many; again in 3 s/,
    ],
    ['over TLS', async () => url.replace('http:', 'https:'), /does not use TLS/],
    ['at an address that is none', async () => 'ftp://x', /write `--url https:\/\/HOST:PORT`/],
    [
      'where everybody could read the token',
      async () => 'http://192.0.2.1',
      /everybody on the way could read the token/,
    ],
    ['at an address with a login', async () => 'https://a:hunter2@example.com', /holds a login/],
  ])('%s: says what to do, and never the token', async (_, address, message) => {
    const { code, err } = await bartizan('alerts', '--url', await address());
    expect([code, err]).toEqual([1, expect.stringMatching(message)]);
    expect(err).not.toMatch(/bzt_|hunter2/);
  });

  it('without a token asks for one', async () => {
    vi.stubEnv('BARTIZAN_TOKEN', '');
    expect((await remote('alerts')).err).toMatch(/needs a token: set BARTIZAN_TOKEN/);
  });
});
