import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { ConfigError } from '../core/errors.ts';
import type { Meter } from '../core/ports.ts';
import type { ChartFiles } from './chart-files.ts';
import { type Health, localHealth, publicHealth } from './health.ts';
import { answerGuarded, boundConnections, isRemote, SERVER_LIMITS } from './request-guard.ts';

export interface LocalServer {
  url: string;
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
  meter: Meter;
}

/** An answer about health is given again for this long. */
const CACHED_MS = 1_000;

/**
 * `GET /livez` (200 while the process works), `GET /readyz` (503 on a standby), `GET /healthz` (200 while alerts can be sent, or 503 with the reasons),
 * `GET /charts/:name`, and `GET /metrics` for loopback only. @throws ConfigError when the address is in use or not ours
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
  app.get('/metrics', async (c) => {
    if (isRemote(c.env.incoming)) return c.text('metrics are served to loopback only\n', 403);
    return c.text(await options.metrics(), 200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    });
  });
  app.get('/charts/:name', async (c) => {
    const png = await options.charts.get(c.req.param('name'));
    if (!png) return c.text('no such picture, or it has expired\n', 404);
    return c.body(new Uint8Array(png), 200, {
      'content-type': 'image/png',
      'cache-control': 'private, max-age=86400, immutable',
      'x-content-type-options': 'nosniff',
    });
  });
  const { host, port, meter } = options;
  const server = createServer(SERVER_LIMITS);
  // A check with HTTP/1.0 names no host.
  const listener = getRequestListener(app.fetch, { hostname: 'localhost' });
  answerGuarded(server, listener, {
    meter,
    get hosts() {
      return [host, ...(options.hosts ?? [])];
    },
  });
  boundConnections(server, meter);
  return await new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'the port is taken' : (cause.code ?? cause.message);
      reject(new ConfigError(`server.listen: cannot listen on ${host}:${port}: ${why}`, { cause }));
    });
    server.listen(port, host, () => {
      const { port: actual } = server.address() as AddressInfo;
      resolve({
        url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            // Silent connections, or those that load a picture slowly, would delay the stop.
            server.closeAllConnections();
          }),
      });
    });
  });
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
export function addressOf({ host, port }: { host: string; port: number }): string {
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`;
  if (host === '::') return `http://[::1]:${port}`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
