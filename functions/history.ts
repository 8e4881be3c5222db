import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { Bucket } from '../adapters/aws/bucket.ts';
import { count, type Finding } from '../core/health.ts';
import { tickIntervalMs } from '../core/plan/plan.ts';
import { MISSING_ROUNDS, readDelivery, readHealth } from './health.ts';
import { lambda } from './lambda.ts';
import { theWorld, type World } from './world.ts';

/**
 * `/livez`, `/healthz` and `/charts/NAME`, open to everybody: names are unguessable, and health holds numbers alone. That
 * this function answers at all is what `/livez` says: there is no process to start anew.
 */
export function createHistory(world: () => World) {
  return lambda(async (event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> => {
    const { clock, ...ports } = world();
    if (event.rawPath === '/healthz') {
      return health(await ports.bucket(), tickIntervalMs((await ports.config()).checks), clock.nowMs());
    }
    if (event.rawPath === '/livez') return json(200, { status: 'ok', reasons: [] });
    const name = /^\/charts\/([^/]+)$/.exec(event.rawPath)?.[1];
    const png = name === undefined ? undefined : await (await ports.charts()).get(name);
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
  });
}

async function health(
  bucket: Pick<Bucket, 'get'>,
  tickMs: number,
  nowMs: number,
): Promise<APIGatewayProxyStructuredResultV2> {
  const last = await readHealth(bucket);
  const delivery = await readDelivery(bucket, { nowMs, tickMs });
  const missing = !last || nowMs - last.completedAtMs > (MISSING_ROUNDS + 1) * tickMs;
  const rounds: Finding = {
    code: 'rounds-missing',
    words: last ? 'no round completed lately' : 'no round completed yet',
  };
  const rules: Finding = {
    code: 'rule-failing',
    words: `${count(last?.failedRules ?? 0, 'rule')} could not be judged in the last round`,
  };
  const reasons = [...(missing ? [rounds] : []), ...(delivery?.reasons ?? [])];
  return json(reasons.length > 0 ? 503 : 200, {
    status: reasons.length > 0 ? 'failing' : 'ok',
    reasons,
    warnings: [...(last?.failedRules ? [rules] : []), ...(delivery?.warnings ?? [])],
    lastRound: last ? { scheduledAt: isoTime(last.roundMs), completedAt: isoTime(last.completedAtMs) } : null,
    alertsUndelivered: delivery?.undelivered ?? null,
  });
}

function json(statusCode: number, body: object): APIGatewayProxyStructuredResultV2 {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export const handler = createHistory(theWorld);
