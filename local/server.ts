import type { AddressInfo } from 'node:net';
import { type HttpBindings, serve } from '@hono/node-server';
import { Hono } from 'hono';
import { ConfigError } from '../core/errors.ts';
import type { ChartFiles } from './chart-files.ts';
import type { Health } from './health.ts';

export interface LocalServer {
  url: string;
  close(): Promise<void>;
}

/**
 * `GET /healthz` (200, or 503 with the reason), `GET /charts/:name`, and `GET /metrics` for loopback only.
 * @throws ConfigError when the address is taken or not ours
 */
export async function startServer(options: {
  host: string;
  port: number;
  charts: ChartFiles;
  health: () => Health;
  metrics: () => string;
}): Promise<LocalServer> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.get('/healthz', (c) => {
    const health = options.health();
    return c.json(health, health.status === 'ok' ? 200 : 503);
  });
  app.get('/metrics', (c) => {
    const { remoteAddress } = c.env.incoming.socket;
    const local = isLoopback(remoteAddress) && c.req.header('x-forwarded-for') === undefined;
    if (!local) return c.text('metrics are served to loopback only\n', 403);
    return c.text(options.metrics(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
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
  const { host, port } = options;
  return await new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: host, port }, (info: AddressInfo) => {
      resolve({
        url: `http://${host.includes(':') ? `[${host}]` : host}:${info.port}`,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            // Those that say nothing, or load a picture slowly, would hold up the stop.
            if ('closeAllConnections' in server) server.closeAllConnections();
          }),
      });
    });
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'the port is taken' : (cause.code ?? cause.message);
      reject(new ConfigError(`server.listen: cannot listen on ${host}:${port}: ${why}`, { cause }));
    });
  });
}

function isLoopback(address: string | undefined): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address ?? '');
}

/** Address of a server that listens there; on all addresses, one that works on this machine. */
export function addressOf({ host, port }: { host: string; port: number }): string {
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`;
  if (host === '::') return `http://[::1]:${port}`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
