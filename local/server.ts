import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { ConfigError } from '../core/errors.ts';
import type { Meter } from '../core/ports.ts';
import type { Refusal } from '../history/interfaces.ts';
import type { ChartFiles } from './chart-files.ts';
import { type Health, localHealth, publicHealth } from './health.ts';
import { createHistoryGate, isOfHistory, mayHaveBody } from './history-gate.ts';
import type { History } from './history-host.ts';
import type { MetricsAccess } from './metrics-access.ts';
import { answerGuarded, boundConnections, isRemote, SERVER_LIMITS } from './request-guard.ts';
import type { ServerTls } from './server-tls.ts';

export interface LocalServer {
  url: string;
  /** The other address of metrics, if there is one. */
  metricsUrl?: string;
  close(): Promise<void>;
}

export interface ServerOptions {
  host: string;
  port: number;
  /** Names besides `host` and `localhost` that requests may use; read at each request. */
  hosts?: readonly string[];
  charts: Pick<ChartFiles, 'get'>;
  health: () => Promise<Health>;
  /** Why the process should be restarted; undefined while it works. */
  stuck?: () => string | undefined;
  /** Another process does the work of this one. */
  standsBy?: true;
  metrics: () => string | Promise<string>;
  /** Who gets metrics. */
  access: MetricsAccess;
  /** Another address, which has metrics alone. */
  metricsListen?: { host: string; port: number } | undefined;
  /** Queries. Absent: their paths are unknown. */
  history?: HistoryOptions;
  /** The certificate of both addresses; without it they speak plain HTTP. */
  tls?: ServerTls | undefined;
  meter: Meter;
}

export interface HistoryOptions {
  /** Who answers, or why nobody does. */
  service(): History | Refusal;
  timeoutMs(): number;
  /** The address of pages of ours, where it differs from that of the request. */
  publicUrl(): string | undefined;
}

/** An answer about health is given again for this long. */
const CACHED_MS = 1_000;
/** How long a client may take to agree on keys. */
const HANDSHAKE_MS = 10_000;
const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * The paths of history (history/interfaces.ts), and `GET /livez` (200 while the process works), `GET /readyz` (503 on a standby), `GET /healthz` (200 while alerts can be sent, or
 * 503 with the reasons), `GET /charts/:name`, and `GET /metrics` for those who have access. @throws ConfigError when the address
 * is in use or not ours
 */
export async function startServer(options: ServerOptions): Promise<LocalServer> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const health = createCache(options.health);
  app.get('/livez', (c) => {
    const stuck = options.stuck?.();
    return c.json(
      { status: stuck === undefined ? 'ok' : 'stuck', reasons: stuck === undefined ? [] : [stuck] },
      stuck === undefined ? 200 : 503,
    );
  });
  app.get('/readyz', (c) =>
    options.standsBy ? c.json({ status: 'standby' }, 503) : c.json({ status: 'ready' }, 200),
  );
  app.get('/healthz', async (c) => {
    const found = await health();
    return c.json(
      isRemote(c.env.incoming) ? publicHealth(found) : localHealth(found),
      found.status === 'ok' ? 200 : 503,
    );
  });
  addMetrics(app, options);
  app.get('/charts/:name', async (c) => {
    const png = await options.charts.get(c.req.param('name'));
    if (!png) return c.text('no such picture, or it has expired\n', 404);
    return c.body(new Uint8Array(png), 200, {
      'content-type': 'image/png',
      'cache-control': 'private, max-age=86400, immutable',
      'x-content-type-options': 'nosniff',
    });
  });
  const { host, port, metricsListen } = options;
  const main = await listen(app, { at: 'server.listen', host, port }, options, options.history);
  if (!metricsListen) return main;
  const metricsApp = new Hono<{ Bindings: HttpBindings }>();
  addMetrics(metricsApp, options);
  const address = { at: 'server.metrics.listen', ...metricsListen };
  const metrics = await listen(metricsApp, address, options).catch(async (error: unknown) => {
    await main.close();
    throw error;
  });
  return {
    url: main.url,
    metricsUrl: metrics.url,
    close: async () => void (await Promise.all([main.close(), metrics.close()])),
  };
}

function addMetrics(app: Hono<{ Bindings: HttpBindings }>, { access, metrics, meter }: ServerOptions): void {
  app.get('/metrics', async (c) => {
    const refused = await access.refusal(c.env.incoming);
    if (!refused) return c.text(await metrics(), 200, { 'content-type': TEXT_FORMAT });
    meter.count('server_requests_refused_total', { why: 'metrics' });
    const challenge = { 'www-authenticate': 'Bearer' };
    return c.text(`${refused.text}\n`, refused.status, refused.status === 401 ? challenge : {});
  });
}

async function listen(
  app: Hono<{ Bindings: HttpBindings }>,
  { at, host, port }: { at: string; host: string; port: number },
  options: ServerOptions,
  history?: HistoryOptions,
): Promise<LocalServer> {
  const { meter, tls } = options;
  const secure =
    tls && createTlsServer({ ...SERVER_LIMITS, handshakeTimeout: HANDSHAKE_MS, ...tls.current() });
  const server = secure ?? createServer(SERVER_LIMITS);
  const unfollow = secure && tls.follow(secure);
  // A check with HTTP/1.0 names no host.
  const listener = getRequestListener(app.fetch, { hostname: 'localhost' });
  answerGuarded(server, history ? withHistory(listener, history, options) : listener, {
    meter,
    ...(history && { mayHaveBody }),
    get hosts() {
      return [host, ...(options.hosts ?? [])];
    },
  });
  boundConnections(server, meter);
  return await new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'the port is taken' : (cause.code ?? cause.message);
      reject(new ConfigError(`${at}: cannot listen on ${host}:${port}: ${why}`, { cause }));
    });
    server.listen(port, host, () => {
      const { port: actual } = server.address() as AddressInfo;
      resolve({
        url: addressOf({ host, port: actual, tls }),
        close: () =>
          new Promise((done) => {
            unfollow?.();
            server.close(() => done());
            // Silent connections, or those that load a picture slowly, would delay the stop.
            server.closeAllConnections();
          }),
      });
    });
  });
}

function withHistory(
  listener: RequestListener,
  history: HistoryOptions,
  { meter, tls }: ServerOptions,
): RequestListener {
  const gate = createHistoryGate({
    history: history.service,
    timeoutMs: history.timeoutMs,
    origins: () => originsOf(history.publicUrl()),
    isSecure: tls !== undefined,
    meter,
  });
  return (request, response) =>
    isOfHistory(request) ? gate(request, response) : listener(request, response);
}

function originsOf(publicUrl: string | undefined): string[] {
  return publicUrl === undefined ? [] : [new URL(publicUrl).origin];
}

/** One reading for all clients that ask at about the same time. */
function createCache<T>(read: () => Promise<T>): () => Promise<T> {
  let last: { untilMs: number; value: Promise<T> } | undefined;
  return () => {
    const nowMs = performance.now();
    if (!last || nowMs >= last.untilMs) {
      const value = read();
      last = { untilMs: nowMs + CACHED_MS, value };
      value.catch(() => {
        last = undefined;
      });
    }
    return last.value;
  };
}

/** The address of a server that listens there; if it listens on all addresses, one that works on this machine. */
export function addressOf({ host, port, tls }: { host: string; port: number; tls?: unknown }): string {
  const names: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  const name = names[host] ?? host;
  return `${tls ? 'https' : 'http'}://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
