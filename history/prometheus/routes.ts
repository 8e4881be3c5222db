// Prometheus' HTTP API: https://prometheus.io/docs/prometheus/latest/querying/api/

import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { describeError, RetryableError } from '../../core/errors.ts';
import { QueryError, type QueryErrorType } from '../../core/promql/source.ts';
import type { HistoryEnv } from '../app.ts';
import { answer, resultAnswer, TRUNCATED } from './answers.ts';
import { federate, TEXT_FORMAT } from './federation.ts';
import { BUILD, metadataOf } from './metadata.ts';
import { limitOf, MAX_FORM_BYTES, readParameters } from './parameters.ts';
import { type Asked, runInstantQuery, runRangeQuery } from './queries.ts';
import { listAlerts, listRules } from './rules.ts';
import { type Found, findLabelNames, findLabelValues, findSeries } from './series-labels.ts';

type Handler = (c: Context<HistoryEnv>) => Promise<Response>;

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
  const both = (path: string, handler: Handler) => app.on(['GET', 'POST'], path, handler);
  // Grafana asks by POST first, and by GET where that is answered with 405.
  const get = (path: string, handler: Handler) =>
    app.get(path, handler).all(path, (c) => {
      c.header('allow', 'GET');
      return refuse(c, 'bad_data', 405, `${c.req.path} is read by GET`);
    });

  both('/api/v1/query', async (c) => {
    const asked = await askedBy(c);
    return resultAnswer(await runInstantQuery(asked), limitOf(asked.parameters));
  });
  both('/api/v1/query_range', async (c) => {
    const asked = await askedBy(c);
    return resultAnswer(await runRangeQuery(asked), limitOf(asked.parameters));
  });
  both('/api/v1/query_exemplars', async () => answer([]));
  both('/api/v1/series', async (c) => listed(await findSeries(await askedBy(c))));
  both('/api/v1/labels', async (c) => listed(await findLabelNames(await askedBy(c))));
  get('/api/v1/label/:name/values', async (c) =>
    listed(await findLabelValues(await askedBy(c), c.req.param('name') ?? '')),
  );
  get('/api/v1/metadata', async (c) => answer(metadataOf(await readParameters(c))));
  get('/api/v1/rules', async (c) => answer(await listRules(c.var.ports, await readParameters(c))));
  get('/api/v1/alerts', async (c) => answer(await listAlerts(c.var.ports)));
  get('/api/v1/status/buildinfo', async () => answer(BUILD));
  get('/federate', async (c) =>
    c.body(await federate(await askedBy(c)), 200, { 'content-type': TEXT_FORMAT }),
  );
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

function listed({ data, isCut }: Found<unknown>): Response {
  return answer(data, isCut ? [TRUNCATED] : []);
}

async function askedBy(c: Context<HistoryEnv>): Promise<Asked> {
  return { parameters: await readParameters(c), ports: c.var.ports, signal: c.req.raw.signal };
}

function refuse(
  c: Context,
  errorType: string,
  status: 400 | 404 | 405 | 413 | 422 | 500 | 503,
  error: string,
): Response {
  return c.json({ status: 'error', errorType, error }, status);
}
