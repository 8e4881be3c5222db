import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { ConfigError, PermanentError, RetryableError } from '../../core/errors.ts';
import { quoted } from '../../core/text/suggestions.ts';
import { ForbiddenError } from '../access/forbidden.ts';
import type { HistoryEnv } from '../app.ts';
import { may, type Scope } from '../principal.ts';
import { ApiError, type ErrorStatus, errorBody } from './errors.ts';

export type Api = OpenAPIHono<HistoryEnv>;
export type ApiContext = Context<HistoryEnv>;

/** An app whose every answer that is no success has the form of `errorBody`. */
export function createApi(): Api {
  const api: Api = new OpenAPIHono<HistoryEnv>({
    defaultHook(result, c) {
      if (result.success) return undefined;
      const [issue] = result.error.issues;
      return c.json(errorBody(400, issueText(result.target, issue)), 400);
    },
  });
  api.onError((error, c) => {
    if (error instanceof ApiError)
      return c.json(errorBody(error.status, error.message, error.hint), error.status);
    if (error instanceof ForbiddenError) return c.json(errorBody(403, error.message), 403);
    if (error instanceof HTTPException) return refused(error, c);
    if (isOfStore(error)) {
      c.var.ports?.logger.warn('a request to the API failed', { path: c.req.path, error: error.message });
      return c.json(errorBody(503, 'the data cannot be read now', 'try again in a moment'), 503);
    }
    throw error;
  });
  return api;
}

/** A store or state that is away, or cannot be opened: its message may name addresses. */
function isOfStore(error: Error): boolean {
  return [RetryableError, PermanentError, ConfigError].some((type) => error instanceof type);
}

interface Issue {
  path: readonly PropertyKey[];
  message: string;
  code?: string | undefined;
  keys?: readonly string[];
}

function issueText(target: string, issue: Issue | undefined): string {
  if (!issue) return 'the request is wrong';
  if (issue.code === 'unrecognized_keys')
    return `${(issue.keys ?? []).slice(0, 5).map(quoted).join(', ')} is unknown here`;
  const path = issue.path.map(String).join('.');
  return path === '' ? `the ${target}: ${issue.message}` : `${quoted(path)}: ${issue.message}`;
}

/** What hono itself refuses: a body that is no JSON, or of another type. */
function refused(error: HTTPException, c: ApiContext): Response {
  const status: ErrorStatus = error.status === 415 ? 415 : error.status === 413 ? 413 : 400;
  const message =
    status === 415 ? 'the body is of another type than JSON' : error.message || 'the request is wrong';
  return c.json(errorBody(status, message), status);
}

/** @throws ApiError unless who asks has the scope */
export function needScope(c: ApiContext, scope: Scope): void {
  if (may(c.var.principal, scope)) return;
  throw new ApiError(
    403,
    `${c.var.principal.name} has not the scope ${scope}`,
    `ask with a token of scope ${scope}`,
  );
}
