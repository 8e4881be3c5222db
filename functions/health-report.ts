// What the function history says of the health of the deployment, to the public and to its own interface.

import type { Bucket } from '../adapters/aws/bucket.ts';
import type { PublicSettings } from '../core/deployment/expanded.ts';
import { describeError } from '../core/errors.ts';
import { count, type Finding, type Findings } from '../core/health.ts';
import { SCHEDULER_PRECISION_MS, tickIntervalMs } from '../core/plan/plan.ts';
import { type Health, MISSING_ROUNDS, readDelivery, readHealth } from './health.ts';
import { mostOftenMs } from './round-account.ts';
import type { Services } from './services.ts';

export interface ReportedHealth extends Findings {
  lastRound: { scheduledAt: string; completedAt: string } | null;
  alertsUndelivered: number | null;
}

/** Until plan has activated the first configuration, or when its sections are damaged. */
const UNCONFIGURED: ReportedHealth = {
  reasons: [{ code: 'config-unreadable', words: 'there is no active configuration that can be read' }],
  warnings: [],
  lastRound: null,
  alertsUndelivered: null,
};

/** Contains only numbers. */
export async function reportHealth({
  clock,
  logger,
  ...ports
}: Pick<Services, 'clock' | 'logger' | 'publicSettings' | 'bucket'>): Promise<ReportedHealth> {
  let settings: PublicSettings;
  try {
    settings = await ports.publicSettings();
  } catch (error) {
    logger.error('no configuration can be read', { error: describeError(error) });
    return UNCONFIGURED;
  }
  return healthOf({ bucket: await ports.bucket(), logger }, settings, clock.nowMs());
}

async function healthOf(
  { bucket, logger }: { bucket: Pick<Bucket, 'get'>; logger: Services['logger'] },
  { checks }: PublicSettings,
  nowMs: number,
): Promise<ReportedHealth> {
  const last = await readHealth(bucket, logger);
  const tickMs = tickIntervalMs(checks);
  const delivery = await readDelivery(bucket, { nowMs, tickMs }, logger);
  const rules: Finding = {
    code: 'rule-failing',
    words: `${count(last?.failedRules ?? 0, 'rule')} could not be evaluated in the last round`,
  };
  const { roundMs, completedAtMs } = last ?? {};
  return {
    reasons: [...watchReasons(last, checks, nowMs), ...(delivery?.reasons ?? [])],
    warnings: [...(last?.failedRules ? [rules] : []), ...(delivery?.warnings ?? [])],
    lastRound:
      roundMs === undefined || completedAtMs === undefined
        ? null
        : { scheduledAt: isoTime(roundMs), completedAt: isoTime(completedAtMs) },
    alertsUndelivered: delivery?.undelivered ?? null,
  };
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

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
