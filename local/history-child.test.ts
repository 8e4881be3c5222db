import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { openSqliteStore } from '../adapters/stores/sqlite/store.ts';
import type { Config } from '../core/model/config.ts';
import { createToken } from '../history/access/token.ts';
import { configOf, configText } from '../test/config-cases.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { type ChildOptions, type HistoryChild, startHistoryChild } from './history-child.ts';
import type { HistoryRequest, Question } from './history-messages.ts';

let dir: string;
let config: Config;
let children: HistoryChild[];
let deaths: string[];
const logger = createRecordingLogger();

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-history-'));
  await openSqliteState({ path: dir }).close();
  await openSqliteStore({ path: dir }).close();
  config = configOf(configText());
  config = { ...config, store: { ...config.store, path: dir } };
  children = [];
  deaths = [];
});
afterEach(() => {
  for (const child of children) child.end('the test is over');
  rmSync(dir, { recursive: true, force: true });
});

function start(options: Partial<ChildOptions> = {}): HistoryChild {
  const child = startHistoryChild({
    config,
    reply: async () => undefined,
    measure() {},
    logger,
    onDeath: (error) => deaths.push(error.message),
    ...options,
  });
  children.push(child);
  return child;
}

const ask = (path: string, init: Partial<HistoryRequest> = {}): HistoryRequest => ({
  method: 'GET',
  url: `http://localhost${path}`,
  headers: [['host', 'localhost']],
  caller: { address: '127.0.0.1', isLocal: true },
  ...init,
});
const signal = new AbortController().signal;

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** A program that answers as the child does, with what it does at each message. */
function programOf(does: string): URL {
  const file = join(dir, 'program.mjs');
  writeFileSync(file, `const post = (m) => process.send(m); process.on('message', (m) => { ${does} })`);
  return pathToFileURL(file);
}

async function json(child: HistoryChild, request: HistoryRequest): Promise<[number, unknown]> {
  const { status, body } = await child.answer(request, signal);
  return [status, JSON.parse(await textOf(body))];
}

it('answers every interface from another process, with connections of its own', async () => {
  const child = start();
  const store = openSqliteStore({ path: dir });
  const labels = { cluster: 'prod', node: 'prod-1', role: 'apiserver' };
  await store.write([{ metric: 'mem_usage', labels, timeMs: Date.now() - 1_000, value: 42 }]);
  await store.close();
  const query = await json(child, ask('/api/v1/query?query=bartizan_mem_usage_percent'));
  expect(query).toMatchObject([
    200,
    {
      status: 'success',
      data: { result: [{ metric: { node: 'prod-1' }, value: [expect.any(Number), '42'] }] },
    },
  ]);
  expect(await json(child, ask('/api/v2/alerts'))).toEqual([200, []]);
  expect(await json(child, ask('/v1/nothing'))).toMatchObject([404, { error: expect.anything() }]);
  expect((await json(child, ask('/openapi.json')))[0]).toBe(200);
  expect(deaths).toEqual([]);
});

it('sees a new configuration with the next request', async () => {
  const child = start();
  const statusOf = async () => (await json(child, ask('/v1/clusters')))[0];
  expect(await statusOf()).toBe(200);
  const { server } = config;
  child.configure({ ...config, server: { ...server, history: { ...server.history, loopback: 'none' } } });
  expect(await statusOf()).toBe(401);
});

it('adds a silence to the state of `up`, which writes the line of the audit', async () => {
  const { server } = config;
  const questions: Question[] = [];
  const child = start({
    config: { ...config, server: { ...server, history: { ...server.history, loopback: 'silence' } } },
    reply: async (question) => void questions.push(question),
  });
  const silence = {
    matchers: [{ name: 'cluster', value: 'prod', isRegex: false, isEqual: true }],
    ...{ startsAt: new Date().toISOString(), endsAt: new Date(Date.now() + 3_600_000).toISOString() },
    ...{ createdBy: 'ada', comment: 'maintenance' },
  };
  const posted = ask('/api/v2/silences', {
    method: 'POST',
    headers: [['content-type', 'application/json']],
    body: new Uint8Array(Buffer.from(JSON.stringify(silence))),
  });
  expect((await json(child, posted))[0]).toBe(200);
  const state = openSqliteState({ path: dir });
  expect(await state.listSilences({ endedAfterMs: 0 })).toMatchObject([{ comment: 'maintenance' }]);
  await state.close();
  expect(questions).toMatchObject([{ of: 'action', action: { action: 'silence-added' } }]);
});

it('takes a token that was made a moment ago, and refuses it once it is revoked', async () => {
  const child = start();
  const state = openSqliteState({ path: dir });
  const { text, ...token } = createToken();
  await state.putToken({ ...token, name: 'grafana', scope: 'read', createdAtMs: Date.now(), author: 'test' });
  const shown = ask('/v1/clusters', {
    caller: { address: '10.0.0.1', isLocal: false },
    headers: [['authorization', `Bearer ${text}`]],
  });
  expect((await json(child, shown))[0]).toBe(200);
  await state.revokeToken(token.id, Date.now());
  await state.close();
  await vi.waitFor(async () => expect((await json(child, shown))[0]).toBe(401), {
    timeout: 10_000,
    interval: 500,
  });
});

it('admits nobody from elsewhere without a token', async () => {
  const caller = { address: '10.0.0.1', isLocal: false };
  expect((await start().answer(ask('/v1/nothing', { caller }), signal)).status).toBe(401);
});

it('asks the process for secrets of the store, whose values it hides in the log', async () => {
  const store = {
    ...config.store,
    type: 'prometheus',
    options: { url: `http://127.0.0.1:1/\${file:token}` },
  };
  const questions: unknown[] = [];
  const child = start({
    config: { ...config, store },
    async reply(question) {
      questions.push(question);
      return 'http://127.0.0.1:1/s3cret-value';
    },
  });
  await child.answer(ask('/v1/nothing'), signal);
  expect(deaths).toEqual([]);
  for (const question of questions) expect(question).toMatchObject({ of: 'secret' });
});

it('a data folder that cannot be opened ends the child, and says why', async () => {
  const child = start({ config: { ...config, store: { ...config.store, path: join(dir, 'none') } } });
  await expect(child.answer(ask('/v1/nothing'), signal)).rejects.toThrow(/ended with code 1: .*none/);
  expect(deaths).toHaveLength(1);
});

it('asks for each piece when it is wanted, and ends a query whose client leaves', async () => {
  const seen: string[] = [];
  const child = start({
    program: programOf(`
      post({ kind: 'log', level: 'info', message: m.kind });
      if (m.kind === 'request') post({ kind: 'head', id: m.id, status: 200, headers: [] });
      if (m.kind === 'more') post({ kind: 'chunk', id: m.id, bytes: new Uint8Array(3) });`),
    logger: { ...logger, info: (message) => void seen.push(message) },
  });
  const leaving = new AbortController();
  const { body } = await child.answer(ask('/v1/x'), leaving.signal);
  const pieces = body[Symbol.asyncIterator]();
  expect(await pieces.next()).toEqual({ done: false, value: new Uint8Array(3) });
  await pieces.next();
  leaving.abort();
  await expect(pieces.next()).rejects.toThrow('abort');
  await vi.waitFor(() => expect(seen).toEqual(['config', 'request', 'more', 'more', 'gone']));
});

it.each([
  ['throws', "throw new Error('broken')", 'the process of history ended with code 1: Error: broken'],
  ['ends', 'process.exit(3)', 'the process of history ended with code 3'],
  ['is killed', "process.kill(process.pid, 'SIGKILL')", 'the process of history ended with SIGKILL'],
  [
    'needs more memory than it may',
    'const all = []; for (;;) all.push(new Array(1000).fill(0).map(() => ({})))',
    'a query needed more than 256 MB',
  ],
])('a child that %s refuses what waits, and nothing else ends', async (_, does, message) => {
  const child = start({ program: programOf(`if (m.kind === 'request') { ${does} }`) });
  await expect(child.answer(ask('/v1/x'), signal)).rejects.toThrow(message);
  expect(deaths).toEqual([message]);
  await expect(child.answer(ask('/v1/x'), signal)).rejects.toThrow(message);
});

it('a child that takes much memory outside of its heap is ended', async () => {
  const fill = 'globalThis.all = Array.from({ length: 8 }, () => new Float64Array(4 * 1024 ** 2).fill(1))';
  const child = start({ program: programOf(`if (m.kind === 'request') ${fill}`), mostResidentMb: 200 });
  const message = 'queries needed more than 200 MB';
  await expect(child.answer(ask('/v1/x'), signal)).rejects.toThrow(message);
  expect(deaths).toEqual([message]);
});

it('a child that hangs is ended from outside', async () => {
  const child = start({ program: programOf('for (;;);') });
  const held = child.answer(ask('/v1/x'), signal);
  setTimeout(() => child.end('it was held up'), 50);
  await expect(held).rejects.toThrow('it was held up');
  expect(deaths).toEqual([]);
});

it('says whether it handles messages, and whether it takes requests', async () => {
  const child = start();
  await child.signOfLife();
  expect(child.isBehind()).toBe(false);
  const stuck = start({ program: programOf('for (;;);') });
  const body = new Uint8Array(1024 ** 2);
  const leaving = new AbortController();
  const asked: Promise<unknown>[] = [];
  while (!stuck.isBehind() && asked.length < 100)
    asked.push(stuck.answer(ask('/v1/x', { method: 'POST', body }), leaving.signal));
  expect(asked.length).toBe(16);
  // A client that leaves takes nothing back of what waits for the child.
  leaving.abort();
  expect((await Promise.allSettled(asked)).every(({ status }) => status === 'rejected')).toBe(true);
  expect(stuck.isBehind()).toBe(true);
  const sign = stuck.signOfLife();
  stuck.end('it was held up');
  await expect(sign).rejects.toThrow('it was held up');
});

it('has no variables that the configuration names as secrets', async () => {
  vi.stubEnv('A_SECRET', 's3cret');
  vi.stubEnv('A_SETTING', 'kept');
  const seen: string[] = [];
  const [channel] = config.channels;
  const options = { url: `\${env:A_SECRET}` };
  const child = start({
    config: { ...config, channels: [{ ...(channel as (typeof config.channels)[number]), options }] },
    program: programOf(`
      const { A_SECRET, A_SETTING } = process.env;
      post({ kind: 'log', level: 'info', message: String(A_SECRET) + ' ' + A_SETTING });
      if (m.kind === 'ping') post({ kind: 'pong', id: m.id });`),
    logger: { ...logger, info: (message) => void seen.push(message) },
  });
  await child.signOfLife();
  vi.unstubAllEnvs();
  expect(seen[0]).toBe('undefined kept');
});

it('what broke off is no whole answer', async () => {
  const child = start({
    program: programOf(`
      if (m.kind === 'request') post({ kind: 'head', id: m.id, status: 200, headers: [] });
      else post({ kind: 'broken', id: m.id });`),
  });
  const { body } = await child.answer(ask('/v1/x'), signal);
  await expect(textOf(body)).rejects.toThrow('broke off');
});
