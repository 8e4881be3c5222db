import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { Bucket } from '../adapters/aws/bucket.ts';
import { readPath } from '../adapters/queues/message-shapes.ts';
import type { PublicSettings } from '../core/deployment/expanded.ts';
import { describeError } from '../core/errors.ts';
import { count, type Finding } from '../core/health.ts';
import { SCHEDULER_PRECISION_MS, tickIntervalMs } from '../core/plan/plan.ts';
import { type Health, MISSING_ROUNDS, readDelivery, readHealth } from './health.ts';
import { lambda } from './lambda.ts';
import { mostOftenMs } from './round-account.ts';
import { productionServices, type Services } from './services.ts';

/**
 * `/livez`, `/healthz` and `/charts/NAME` are public: names are unguessable, and health contains only numbers. An
 * answer of `/livez` only proves that this function runs: there is no process to restart.
 */
export function createHistory(services: () => Services) {
  return lambda(async (event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> => {
    const { clock, logger, ...ports } = services();
    const path = readPath(event);
    if (path === undefined) return json(400, { error: 'this is no request' });
    if (path === '/healthz') {
      const settings = await ports.publicSettings().catch((error: unknown) => {
        logger.error('no configuration can be read', { error: describeError(error) });
      });
      return settings
        ? health({ bucket: await ports.bucket(), logger }, settings, clock.nowMs())
        : json(503, UNCONFIGURED);
    }
    if (path === '/livez') return json(200, { status: 'ok', reasons: [] });
    const name = /^\/charts\/([^/]+)$/.exec(path)?.[1];
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

/** The answer until plan has activated the first configuration, or when its sections are damaged. */
const UNCONFIGURED = {
  status: 'failing',
  reasons: [
    { code: 'config-unreadable', words: 'there is no active configuration that can be read' },
  ] satisfies Finding[],
  warnings: [],
  lastRound: null,
  alertsUndelivered: null,
};

async function health(
  { bucket, logger }: { bucket: Pick<Bucket, 'get'>; logger: Services['logger'] },
  { checks }: PublicSettings,
  nowMs: number,
): Promise<APIGatewayProxyStructuredResultV2> {
  const last = await readHealth(bucket, logger);
  const tickMs = tickIntervalMs(checks);
  const delivery = await readDelivery(bucket, { nowMs, tickMs }, logger);
  const rules: Finding = {
    code: 'rule-failing',
    words: `${count(last?.failedRules ?? 0, 'rule')} could not be evaluated in the last round`,
  };
  const reasons = [...watchReasons(last, checks, nowMs), ...(delivery?.reasons ?? [])];
  const { roundMs, completedAtMs } = last ?? {};
  return json(reasons.length > 0 ? 503 : 200, {
    status: reasons.length > 0 ? 'failing' : 'ok',
    reasons,
    warnings: [...(last?.failedRules ? [rules] : []), ...(delivery?.warnings ?? [])],
    lastRound:
      roundMs === undefined || completedAtMs === undefined
        ? null
        : { scheduledAt: isoTime(roundMs), completedAt: isoTime(completedAtMs) },
    alertsUndelivered: delivery?.undelivered ?? null,
  });
}

/**
 * Why the fleet, or a shard of it, is not monitored. A round may start late, and its mark is written with the next
 * evaluation.
 */
function watchReasons(last: Health | undefined, checks: PublicSettings['checks'], nowMs: number): Finding[] {
  const isOver = (ms: number, everyMs: number, lateMs = 0) =>
    nowMs - ms > (MISSING_ROUNDS + 1) * everyMs + lateMs;
  const { completedAtMs, seenMs, absent } = last ?? {};
  const missing: Finding = {
    code: 'rounds-missing',
    words: completedAtMs === undefined ? 'no round completed yet' : 'no round completed lately',
  };
  const unseen: Finding = {
    code: 'nothing-seen',
    words: `no node was seen for ${MISSING_ROUNDS} rounds or more`,
  };
  const nodes = absent?.nodes ?? 0;
  const gone: Finding = {
    code: 'nodes-absent',
    words: `${count(nodes, 'node')} of ${count(absent?.bastions ?? 0, 'bastion')} were due and neither seen nor known to be lost`,
  };
  return [
    ...(completedAtMs === undefined || isOver(completedAtMs, tickIntervalMs(checks)) ? [missing] : []),
    ...(seenMs !== undefined && isOver(seenMs, mostOftenMs({ checks }), SCHEDULER_PRECISION_MS)
      ? [unseen]
      : []),
    ...(nodes > 0 ? [gone] : []),
  ];
}

function json(statusCode: number, body: object): APIGatewayProxyStructuredResultV2 {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export const handler = createHistory(productionServices);
