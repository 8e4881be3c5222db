// Prometheus' HTTP API: https://prometheus.io/docs/prometheus/latest/querying/api/

import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { describeError, RetryableError } from '../../core/errors.ts';
import { QueryError, type QueryErrorType } from '../../core/promql/source.ts';
import type { HistoryEnv } from '../app.ts';
import { type Refusal, refuse } from '../interfaces.ts';
import { answer, TRUNCATED } from './answers.ts';
import { federate, TEXT_FORMAT } from './federation.ts';
import { BUILD, metadataOf } from './metadata.ts';
import { MAX_FORM_BYTES, readParameters } from './parameters.ts';
import { type Asked, answerInstantQuery, answerRangeQuery, LONGEST_QUERY_MS } from './queries.ts';
import { listAlerts, listRules } from './rules.ts';
import { type Found, findLabelNames, findLabelValues, findSeries } from './series-labels.ts';

type Handler = (c: Context<HistoryEnv>) => Promise<Response>;

/** Prometheus knows no `limit`: what asks for too much cannot be executed. */
const STATUS: Record<QueryErrorType, Refusal['status']> = {
  bad_data: 400,
  execution: 422,
  limit: 422,
  timeout: 503,
};

export function createPrometheusRoutes(): Hono<HistoryEnv> {
  const app = new Hono<HistoryEnv>();
  app.use(
    '/api/v1/*',
    bodyLimit({
      maxSize: MAX_FORM_BYTES,
      onError: () => refused(413, 'too-large', `a form has at most ${MAX_FORM_BYTES} bytes`),
    }),
  );
  const both = (path: string, handler: Handler) => app.on(['GET', 'POST'], path, handler);
  // Grafana asks by POST first, and by GET where that is answered with 405.
  const get = (path: string, handler: Handler) =>
    app.get(path, handler).all(path, (c) => {
      const response = refused(405, 'wrong-method', `${c.req.path} is read by GET`);
      response.headers.set('allow', 'GET');
      return response;
    });

  both('/api/v1/query', async (c) => answerInstantQuery(await askedBy(c)));
  both('/api/v1/query_range', async (c) => answerRangeQuery(await askedBy(c)));
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
    refused(404, 'unknown-path', `there is no ${c.req.method} ${c.req.path} here; docs/api.md lists what is`),
  );
  app.onError((error, c) => {
    if (error instanceof QueryError) return refused(STATUS[error.type], error.type, error.message);
    c.var.ports.logger.warn('a query failed', { path: c.req.path, error: describeError(error) });
    if (error instanceof RetryableError) {
      return refused(503, 'unavailable', 'the store does not answer now: try again');
    }
    return refused(500, 'internal', 'the query failed for a reason that is in the log');
  });
  return app;
}

function listed({ data, isCut }: Found<unknown>): Response {
  return answer(data, isCut ? [TRUNCATED] : []);
}

async function askedBy(c: Context<HistoryEnv>): Promise<Asked> {
  const signal = AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(LONGEST_QUERY_MS)]);
  return { parameters: await readParameters(c), ports: c.var.ports, signal };
}

function refused(status: Refusal['status'], code: string, message: string): Response {
  return refuse('prometheus', { status, code, message });
}
