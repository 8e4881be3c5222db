import { randomBytes } from 'node:crypto';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { Objects } from '../adapters/aws/objects.ts';
import { tickIntervalMs } from '../core/plan/plan.ts';
import type { ChartStore } from '../core/ports.ts';
import { lambda } from './lambda.ts';
import { theWorld, type World } from './world.ts';

/** What the last completed round leaves behind. */
export const HEALTH_KEY = 'health.json';
/** 128 random bits: nobody guesses the address of a picture. */
const NAME = /^[A-Za-z0-9_-]{22}\.png$/;
/** Rounds that may be missing before the deployment calls itself ill. */
const MISSING_ROUNDS = 3;

/** Pictures as objects that say until when they may be seen. */
export function createChartObjects(
  objects: Objects,
  { publicUrl, retentionMs, nowMs }: { publicUrl: string; retentionMs: number; nowMs: () => number },
): ChartStore & { get(name: string): Promise<Uint8Array | undefined> } {
  return {
    async put(png) {
      if (publicUrl === '') return undefined;
      const name = `${randomBytes(16).toString('base64url')}.png`;
      const metadata = { expires: String(nowMs() + retentionMs) };
      await objects.put(`charts/${name}`, png, { contentType: 'image/png', metadata });
      return new URL(`charts/${name}`, `${publicUrl.replace(/\/+$/, '')}/`).href;
    },
    async get(name) {
      if (!NAME.test(name)) return undefined;
      const found = await objects.get(`charts/${name}`);
      return found && Number(found.metadata.expires) > nowMs() ? found.body : undefined;
    },
  };
}

/** `/healthz` and `/charts/NAME`, open to everybody: names are unguessable, and health holds no secret. */
export function createHistory(world: () => World) {
  return lambda(async (event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> => {
    const { environment, clock, ...ports } = world();
    const objects = await ports.objects();
    if (event.rawPath === '/healthz')
      return health(objects, tickIntervalMs((await ports.config()).checks), clock.nowMs());
    const name = /^\/charts\/([^/]+)$/.exec(event.rawPath)?.[1];
    const charts = createChartObjects(objects, {
      publicUrl: environment.BARTIZAN_PUBLIC_URL,
      retentionMs: 0,
      nowMs: clock.nowMs,
    });
    const png = name === undefined ? undefined : await charts.get(name);
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
  objects: Objects,
  tickMs: number,
  nowMs: number,
): Promise<APIGatewayProxyStructuredResultV2> {
  const found = await objects.get(HEALTH_KEY);
  const last =
    found && (JSON.parse(new TextDecoder().decode(found.body)) as { roundMs: number; completedAtMs: number });
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
