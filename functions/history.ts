import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { readPath } from '../adapters/queues/message-shapes.ts';
import { interfaceOf } from '../history/interfaces.ts';
import { reportHealth } from './health-report.ts';
import type { HistoryQueries } from './history-service.ts';
import { lambda } from './lambda.ts';
import { productionServices, type Services } from './services.ts';

/**
 * `/livez`, `/healthz` and `/charts/NAME` are public: names are unguessable, and health contains only numbers. An
 * answer of `/livez` only proves that this function runs: there is no process to restart. The paths of the history service
 * need a token, a login, or a signature of AWS; it is loaded with the first of them, so that the others stay quick.
 */
export function createHistory(services: () => Services) {
  let queries: Promise<HistoryQueries> | undefined;
  return lambda(
    async (event: APIGatewayProxyEventV2, context): Promise<APIGatewayProxyStructuredResultV2> => {
      const path = readPath(event);
      if (path === undefined) return json(400, { error: 'this is no request' });
      if (path === '/healthz') {
        const health = await reportHealth(services());
        const isFailing = health.reasons.length > 0;
        return json(isFailing ? 503 : 200, { status: isFailing ? 'failing' : 'ok', ...health });
      }
      if (path === '/livez') return json(200, { status: 'ok', reasons: [] });
      if (interfaceOf(path) !== undefined) {
        queries ??= import('./history-service.ts').then(({ createHistoryQueries }) =>
          createHistoryQueries(services),
        );
        return (await queries).answer(event, path, context.getRemainingTimeInMillis());
      }
      const name = /^\/charts\/([^/]+)$/.exec(path)?.[1];
      return picture(name === undefined ? undefined : await (await services().charts()).get(name));
    },
  );
}

function picture(png: Uint8Array | undefined): APIGatewayProxyStructuredResultV2 {
  if (!png) return { statusCode: 404, headers: { 'content-type': 'text/plain' }, body: 'not found\n' };
  return {
    statusCode: 200,
    headers: {
      'content-type': 'image/png',
      'cache-control': 'private, max-age=3600',
      'x-content-type-options': 'nosniff',
    },
    body: Buffer.from(png).toString('base64'),
    isBase64Encoded: true,
  };
}

function json(statusCode: number, body: object): APIGatewayProxyStructuredResultV2 {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

export const handler = createHistory(productionServices);
