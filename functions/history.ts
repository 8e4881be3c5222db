import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { Bucket } from '../adapters/aws/bucket.ts';
import { tickIntervalMs } from '../core/plan/plan.ts';
import { MISSING_ROUNDS, readHealth } from './health.ts';
import { lambda } from './lambda.ts';
import { theWorld, type World } from './world.ts';

/** `/healthz` and `/charts/NAME`, open to everybody: names are unguessable, and health holds no secret. */
export function createHistory(world: () => World) {
  return lambda(async (event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> => {
    const { clock, ...ports } = world();
    if (event.rawPath === '/healthz') {
      return health(await ports.bucket(), tickIntervalMs((await ports.config()).checks), clock.nowMs());
    }
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
  const failing = !last || nowMs - last.completedAtMs > (MISSING_ROUNDS + 1) * tickMs;
  const lastRound = last && { scheduledAt: isoTime(last.roundMs), completedAt: isoTime(last.completedAtMs) };
  const reasons = failing ? [last ? 'no round completed lately' : 'no round completed yet'] : [];
  return {
    statusCode: failing ? 503 : 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ status: failing ? 'failing' : 'ok', reasons, lastRound: lastRound ?? null }),
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export const handler = createHistory(theWorld);
