import { Hono } from 'hono';
import { QueryError } from '../core/promql/source.ts';
import { ForbiddenError } from './access/forbidden.ts';
import type { HistoryPorts } from './ports.ts';
import { ANYBODY, type Caller, type Principal } from './principal.ts';

/**
 * What routes read from their context: who asks, and ports limited to what that one may see. The process that serves gives the
 * caller with each request. The signal of the request (`c.req.raw.signal`) aborts when the caller leaves or its time is over.
 */
export type HistoryEnv = {
  Bindings: { caller?: Caller };
  Variables: { principal: Principal; ports: HistoryPorts };
};

export interface HistoryAppOptions {
  /** Who asks, by the request; a response refuses it. */
  authenticate(request: Request, caller: Caller): Promise<Principal | Response>;
  /** Ports for that principal: see `HistoryPorts`. */
  portsFor(principal: Principal): Promise<HistoryPorts>;
  /** The interfaces that it serves, each with its own paths and errors. */
  routes: readonly Hono<HistoryEnv>[];
  /** What anybody may ask: the pages of a login. They have no ports. */
  publicRoutes?: readonly Hono<Pick<HistoryEnv, 'Bindings'>>[];
}

/** Prometheus' and Alertmanager's interfaces and our own, over one set of ports. */
export function createHistoryApp(options: HistoryAppOptions): Hono<HistoryEnv> {
  const { authenticate, portsFor, routes, publicRoutes = [] } = options;
  const app = new Hono<HistoryEnv>();
  // Before `app.use`: hono calls handlers in the order in which they were added.
  for (const route of publicRoutes) app.route('/', route);
  app.use(async (c, next) => {
    const principal = await authenticate(c.req.raw, c.env?.caller ?? ANYBODY);
    if (principal instanceof Response) return principal;
    c.set('principal', principal);
    c.set('ports', await portsFor(principal));
    return await next();
  });
  for (const route of routes) app.route('/', route);
  app.onError((error, c) => {
    if (error instanceof QueryError) return c.json({ error: error.message }, 422);
    if (error instanceof ForbiddenError) return c.json({ error: error.message }, 403);
    throw error;
  });
  return app;
}
