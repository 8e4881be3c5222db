import { Hono } from 'hono';
import { afterEach, expect, it, vi } from 'vitest';
import { createRecordingLogger } from '../test/recording-logger.ts';
import type { HistoryEnv } from './app.ts';
import type { HistoryPorts } from './ports.ts';
import { ANYBODY } from './principal.ts';
import { createHistoryService, type ServiceOptions } from './service.ts';

const logger = createRecordingLogger();
const routes = new Hono<HistoryEnv>();

function service(options: Partial<ServiceOptions> = {}) {
  const { answer } = createHistoryService({
    authenticate: async (request) => ({ name: request.headers.get('as') ?? 'a', scope: 'read' }),
    portsFor: async () => ({}) as HistoryPorts,
    routes: [routes],
    limits: () => ({ timeoutMs: 30_000, maxQueries: 2 }),
    mostAnswerBytes: 1_000,
    logger,
    ...options,
  });
  return (path: string, init: RequestInit & { as?: string } = {}) =>
    answer(new Request(`http://localhost${path}`, { ...init, headers: { as: init.as ?? 'a' } }), ANYBODY);
}

/** Requests that run until they are let go. */
let open: { path: string; letGo: () => void; signal: AbortSignal }[] = [];
routes.get('/v1/wait/:id', async (c) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  open.push({ path: c.req.path, letGo: resolve, signal: c.req.raw.signal });
  await promise;
  return c.text(c.req.path);
});
routes.get('/v1/bytes/:count', (c) => c.text('x'.repeat(Number(c.req.param('count')))));
routes.get('/v1/stream', () => {
  let left = 20;
  return new Response(
    new ReadableStream({
      pull: (controller) => (left-- > 0 ? controller.enqueue(new Uint8Array(100)) : controller.close()),
    }),
  );
});
routes.get('/api/v1/fails', () => {
  throw new Error('the disk is broken');
});
routes.get('/docs', (c) => c.html('<p>', 200, { 'content-security-policy': "style-src 'self'" }));

afterEach(() => {
  open = [];
  vi.useRealTimers();
});
const opened = () => vi.waitFor(() => expect(open.length).toBeGreaterThan(0));

it('answers unknown paths and failures in the form of the interface, and says nothing of the cause', async () => {
  const ask = service();
  for (const [path, status, body] of [
    ['/api/v1/nothing', 404, { status: 'error', errorType: 'not_found', error: expect.any(String) }],
    ['/api/v2/nothing', 404, 'there is nothing at this path'],
    ['/v1/nothing', 404, { error: { code: 'not-found', message: expect.any(String) } }],
    ['/api/v1/fails', 500, { status: 'error', errorType: 'internal', error: expect.any(String) }],
  ] as const) {
    const response = await ask(path);
    const text = await response.text();
    expect([response.status, JSON.parse(text)]).toEqual([status, body]);
    expect(text).not.toContain('disk');
  }
  expect(JSON.stringify(logger.lines)).toContain('the disk is broken');
});

it('lets no other page read or frame an answer, and keeps the policy of a page', async () => {
  const ask = service({ isSecure: true });
  const { headers } = await ask('/v1/bytes/1', { method: 'HEAD' });
  expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('strict-transport-security')).toContain('max-age=');
  expect((await ask('/docs')).headers.get('content-security-policy')).toBe("style-src 'self'");
  expect((await service()('/docs')).headers.has('strict-transport-security')).toBe(false);
});

it('refuses a query that takes too long, ends it, and gives its turn to the next', async () => {
  vi.useFakeTimers();
  const ask = service({ limits: () => ({ timeoutMs: 5_000, maxQueries: 1 }) });
  const first = ask('/v1/wait/1');
  await vi.advanceTimersByTimeAsync(0);
  expect(open[0]?.signal.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(5_000);
  const response = await first;
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({
    error: { code: 'timeout', message: expect.stringContaining('longer than 5 s') },
  });
  expect(open[0]?.signal.aborted).toBe(true);
  open[0]?.letGo();
  await vi.advanceTimersByTimeAsync(0);
  expect((await ask('/v1/bytes/1')).status).toBe(200);
});

it('leaves a turn for others while one caller asks for everything', async () => {
  const ask = service();
  const greedy = Array.from({ length: 5 }, (_, i) => ask(`/v1/wait/${i}`));
  await opened();
  expect(await (await ask('/v1/bytes/2', { as: 'b' })).text()).toBe('xx');
  for (let i = 0; i < 5; i++) {
    await vi.waitFor(() => expect(open.length).toBe(i + 1));
    open[i]?.letGo();
    expect(await (await (greedy[i] as Promise<Response>)).text()).toBe(`/v1/wait/${i}`);
  }
});

it('refuses beyond those that may wait', async () => {
  const ask = service();
  const waiting = Array.from({ length: 41 }, (_, i) => ask(`/v1/wait/${i}`));
  await opened();
  const refused = await ask('/v1/wait/late');
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
  for (const [i, one] of waiting.entries()) {
    await vi.waitFor(() => expect(open.length).toBe(i + 1));
    open[i]?.letGo();
    await (await one).text();
  }
});

it.each([
  ['HEAD', (ask: ReturnType<typeof service>) => ask('/v1/bytes/9', { method: 'HEAD' })],
  [
    'an answer that is not wanted',
    async (ask: ReturnType<typeof service>) => (await ask('/v1/stream')).body?.cancel(),
  ],
  ['an answer that is too large', (ask: ReturnType<typeof service>) => ask('/v1/bytes/1001')],
  [
    'a stream that is too large',
    async (ask: ReturnType<typeof service>) => (await ask('/v1/stream')).text().catch(() => {}),
  ],
  ['a failure', (ask: ReturnType<typeof service>) => ask('/api/v1/fails')],
])('a turn ends with %s', async (_, run) => {
  const ask = service({ limits: () => ({ timeoutMs: 1_000, maxQueries: 1 }) });
  for (let i = 0; i < 3; i++) await run(ask);
  expect(await (await ask('/v1/bytes/3')).text()).toBe('xxx');
});

it('refuses an answer that is too large, and breaks off one that turns out so', async () => {
  const ask = service();
  expect(await (await ask('/v1/bytes/1000')).text()).toHaveLength(1000);
  const large = await ask('/v1/bytes/1001');
  expect(large.status).toBe(413);
  expect(await large.text()).toContain('shorter range');
  await expect((await ask('/v1/stream')).arrayBuffer()).rejects.toThrow('more than 1000 bytes');
});

it('a query that waits for its turn ends with its caller', async () => {
  const ask = service();
  const first = ask('/v1/wait/1');
  await opened();
  const leaving = new AbortController();
  const second = ask('/v1/wait/2', { signal: leaving.signal });
  const third = ask('/v1/wait/3');
  leaving.abort();
  expect((await second).status).toBe(500);
  open[0]?.letGo();
  await (await first).text();
  await vi.waitFor(() => expect(open.map(({ path }) => path)).toEqual(['/v1/wait/1', '/v1/wait/3']));
  open[1]?.letGo();
  await (await third).text();
});
