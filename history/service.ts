// What all interfaces of the history service share: limits of time, turns and size, errors, headers.

import { type Context, Hono } from 'hono';
import { describeError } from '../core/errors.ts';
import { QueryError } from '../core/promql/source.ts';
import { createAdmission } from './admission.ts';
import { limitAnswer, TOO_LARGE } from './answer.ts';
import { createHistoryApp, type HistoryAppOptions, type HistoryEnv } from './app.ts';
import { interfaceOf, type Refusal, refuse } from './interfaces.ts';
import type { HistoryPorts } from './ports.ts';
import type { Caller } from './principal.ts';

export interface ServiceOptions extends HistoryAppOptions {
  limits(): { timeoutMs: number; maxQueries: number };
  mostAnswerBytes: number;
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
/** Of one caller: room for a large dashboard, and for those of others beside it. */
const MOST_WAITING_OF_ONE = 40;
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

export function createHistoryService(options: ServiceOptions): HistoryService {
  const { limits, logger, isSecure = false, routes } = options;
  const app = createHistoryApp({ ...options, routes: [turns(options), ...routes] });
  app.notFound((c) => refuse(interfaceOf(c.req.path), NOT_FOUND));

  async function run(request: Request, caller: Caller): Promise<Response> {
    const { timeoutMs } = limits();
    const late = new AbortController();
    const refused = Promise.withResolvers<Response>();
    const signal = AbortSignal.any([request.signal, late.signal]);
    const answer = Promise.resolve(app.fetch(new Request(request, { signal }), { caller }));
    const timer = setTimeout(() => {
      const refusal = tooLong(timeoutMs);
      refused.resolve(refuse(interfaceOf(pathOf(request)), refusal));
      late.abort(new QueryError('timeout', refusal.message));
      // Nobody reads what comes now.
      answer.then(({ body }) => body?.cancel()).catch(() => {});
    }, timeoutMs);
    try {
      return await Promise.race([answer, refused.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    async answer(request, caller) {
      try {
        return withSecurityHeaders(await run(request, caller), isSecure);
      } catch (error) {
        const path = pathOf(request);
        if (!request.signal.aborted)
          logger.error('a request to history failed', { path, error: describeError(error) });
        return withSecurityHeaders(refuse(interfaceOf(path), FAILED), isSecure);
      }
    },
  };
}

function pathOf({ url }: Request): string {
  return new URL(url).pathname;
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
function turns({ limits, mostAnswerBytes: mostBytes }: ServiceOptions): Hono<HistoryEnv> {
  const admission = createAdmission(() => {
    const { maxQueries } = limits();
    return {
      atOnce: maxQueries,
      ofOne: Math.max(1, maxQueries - 1),
      waiting: MOST_WAITING,
      waitingOfOne: MOST_WAITING_OF_ONE,
    };
  });
  return new Hono<HistoryEnv>().use(async (c: Context<HistoryEnv>, next) => {
    const end = await admission.enter(c.var.principal.name, c.req.raw.signal);
    if (!end) return refuse(interfaceOf(c.req.path), BUSY);
    try {
      await next();
      // Nobody reads the body of an answer to HEAD.
      if (c.req.raw.method === 'HEAD') return end();
      c.res = (await limitAnswer(c.res, { mostBytes, end })) ?? refuse(interfaceOf(c.req.path), TOO_LARGE);
    } catch (error) {
      end();
      throw error;
    }
  });
}

export function withSecurityHeaders(response: Response, isSecure: boolean): Response {
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(SECURITY_HEADERS))
    if (!headers.has(name)) headers.set(name, value);
  if (isSecure) headers.set('strict-transport-security', `max-age=${YEAR_S}`);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
