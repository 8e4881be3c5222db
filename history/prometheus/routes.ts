// Prometheus' HTTP API: https://prometheus.io/docs/prometheus/latest/querying/api/

import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { describeError, RetryableError } from '../../core/errors.ts';
import { QueryError, type QueryErrorType } from '../../core/promql/source.ts';
import type { HistoryEnv } from '../app.ts';
import { answer, resultAnswer } from './answers.ts';
import { limitOf, MAX_FORM_BYTES, readParameters } from './parameters.ts';
import { type Asked, runInstantQuery, runRangeQuery } from './queries.ts';

const METHODS = ['GET', 'POST'];

/** Prometheus knows no `limit`: what asks for too much cannot be executed. */
const STATUS: Record<QueryErrorType, { errorType: string; status: 400 | 422 | 503 }> = {
  bad_data: { errorType: 'bad_data', status: 400 },
  execution: { errorType: 'execution', status: 422 },
  limit: { errorType: 'execution', status: 422 },
  timeout: { errorType: 'timeout', status: 503 },
};

export function createPrometheusRoutes(): Hono<HistoryEnv> {
  const app = new Hono<HistoryEnv>();
  app.use(
    '/api/v1/*',
    bodyLimit({
      maxSize: MAX_FORM_BYTES,
      onError: (c) => refuse(c, 'bad_data', 413, `a form of more than ${MAX_FORM_BYTES} bytes`),
    }),
  );
  app.on(METHODS, '/api/v1/query', async (c) => {
    const asked = await askedBy(c);
    return resultAnswer(await runInstantQuery(asked), limitOf(asked.parameters));
  });
  app.on(METHODS, '/api/v1/query_range', async (c) => {
    const asked = await askedBy(c);
    return resultAnswer(await runRangeQuery(asked), limitOf(asked.parameters));
  });
  app.on(METHODS, '/api/v1/query_exemplars', () => answer([]));
  app.all('/api/v1/*', (c) =>
    refuse(c, 'not_found', 404, `there is no ${c.req.method} ${c.req.path} here; docs/api.md lists what is`),
  );
  app.onError((error, c) => {
    if (error instanceof QueryError) {
      const { errorType, status } = STATUS[error.type];
      return refuse(c, errorType, status, error.message);
    }
    c.var.ports.logger.warn('a query failed', { path: c.req.path, error: describeError(error) });
    if (error instanceof RetryableError)
      return refuse(c, 'unavailable', 503, 'the store does not answer now: try again');
    return refuse(c, 'internal', 500, 'the query failed for a reason that is in the log');
  });
  return app;
}

async function askedBy(c: Context<HistoryEnv>): Promise<Asked> {
  return { parameters: await readParameters(c), ports: c.var.ports, signal: c.req.raw.signal };
}

function refuse(
  c: Context,
  errorType: string,
  status: 400 | 404 | 413 | 422 | 500 | 503,
  error: string,
): Response {
  return c.json({ status: 'error', errorType, error }, status);
}
