// The history service as both runners serve it: all interfaces, with limits on time, turns and errors.

import { type Context, Hono } from 'hono';
import { describeError } from '../core/errors.ts';
import { createAdmission } from './admission.ts';
import { createHistoryApp, type HistoryAppOptions, type HistoryEnv } from './app.ts';
import { interfaceOf, type Refusal, refuse } from './interfaces.ts';
import type { HistoryPorts } from './ports.ts';
import type { Caller } from './principal.ts';

export interface ServiceOptions extends Omit<HistoryAppOptions, 'routes'> {
  /** For tests. Default: all interfaces. */
  routes?: HistoryAppOptions['routes'];
  limits(): { timeoutMs: number; maxQueries: number };
  logger: HistoryPorts['logger'];
  /** Callers reach it by https alone. */
  isSecure?: boolean;
}

export interface HistoryService {
  /** Never rejects. The signal of the request ends the query; `caller` is what the runner knows of the connection. */
  answer(request: Request, caller: Caller): Promise<Response>;
}

/** Those that wait for a turn; each holds a request of 1 MiB at most. */
const MOST_WAITING = 64;
/** What a client should wait before it asks again. */
const RETRY_S = 5;
/** A page of ours loads nothing from elsewhere, and no other page shows it in a frame. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  'cross-origin-resource-policy': 'same-origin',
};
const YEAR_S = 31_536_000;

/** The routes of all interfaces. */
const ALL_ROUTES: HistoryAppOptions['routes'] = [];

export function createHistoryService(options: ServiceOptions): HistoryService {
  const { limits, logger, isSecure = false, routes = ALL_ROUTES } = options;
  const app = createHistoryApp({ ...options, routes: [turns(limits), ...routes] });
  app.notFound((c) => refuse(interfaceOf(c.req.path), NOT_FOUND));

  async function run(request: Request, caller: Caller, timeout: AbortSignal): Promise<Response> {
    const signal = AbortSignal.any([request.signal, timeout]);
    const late = new Promise<never>((_, fail) =>
      timeout.addEventListener('abort', () => fail(timeout.reason), { once: true }),
    );
    return await Promise.race([app.fetch(new Request(request, { signal }), { caller }), late]);
  }

  return {
    async answer(request, caller) {
      const { timeoutMs } = limits();
      const timeout = AbortSignal.timeout(timeoutMs);
      const path = new URL(request.url).pathname;
      let response: Response;
      try {
        response = await run(request, caller, timeout);
      } catch (error) {
        if (!timeout.aborted && !request.signal.aborted)
          logger.error('a request to history failed', { path, error: describeError(error) });
        response = refuse(interfaceOf(path), timeout.aborted ? tooLong(timeoutMs) : FAILED);
      }
      return withSecurityHeaders(response, isSecure);
    },
  };
}

const NOT_FOUND: Refusal = { status: 404, code: 'not-found', message: 'there is nothing at this path' };
const FAILED: Refusal = {
  status: 500,
  code: 'failed',
  message: 'the request failed because of an error of the server, which its log names',
};
const BUSY: Refusal = {
  status: 429,
  code: 'busy',
  message: 'too many queries wait already; ask again later, or for less at once',
  retryAfterS: RETRY_S,
};
const tooLong = (timeoutMs: number): Refusal => ({
  status: 503,
  code: 'timeout',
  message: `the query took longer than ${timeoutMs / 1000} s; ask for a shorter range, a longer step or fewer series`,
});

/** Lets a request wait for its turn, and holds that until the answer was read. */
function turns(limits: ServiceOptions['limits']): Hono<HistoryEnv> {
  const admission = createAdmission(() => {
    const { maxQueries } = limits();
    return { atOnce: maxQueries, ofOne: Math.max(1, maxQueries - 1), waiting: MOST_WAITING };
  });
  return new Hono<HistoryEnv>().use(async (c: Context<HistoryEnv>, next) => {
    const end = await admission.enter(c.var.principal.name, c.req.raw.signal);
    if (!end) return refuse(interfaceOf(c.req.path), BUSY);
    try {
      await next();
      c.res = whenRead(c.res, end);
    } catch (error) {
      end();
      throw error;
    }
  });
}

/** The same answer, which calls `end` once its body was read, failed, or is not wanted any more. */
function whenRead(response: Response, end: () => void): Response {
  if (!response.body) {
    end();
    return response;
  }
  const reader = response.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        end();
        controller.close();
      } catch (error) {
        end();
        controller.error(error);
      }
    },
    async cancel(reason) {
      end();
      await reader.cancel(reason);
    },
  });
  return new Response(body, response);
}

function withSecurityHeaders(response: Response, isSecure: boolean): Response {
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(SECURITY_HEADERS))
    if (!headers.has(name)) headers.set(name, value);
  if (isSecure) headers.set('strict-transport-security', `max-age=${YEAR_S}`);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
