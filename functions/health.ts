import { z } from 'zod';
import { deliveryFindings, type Finding, type Findings, HEALTH_CODES } from '../core/health.ts';
import type { LostBastions } from '../core/plan/absences.ts';
import { type Shard, shardName, shardsOf } from '../core/plan/shards.ts';
import type { Logger } from '../core/ports.ts';
import { readUndelivered } from '../core/stages/undelivered.ts';
import { changeMark, type Files, isLater, readMark } from './marks.ts';
import type { Services } from './services.ts';

/** The mark of the last round that all shards have evaluated, complete or not. */
export const HEALTH_KEY = 'health.json';
/** The mark that notify writes at each tick: whether alerts can be sent. */
export const DELIVERY_KEY = 'delivery.json';
/** The prefix of the marks of shards: up to which round each was evaluated. */
export const EVALUATED = 'judged/';
/** How many rounds may be missing before the deployment reports itself unhealthy. */
export const MISSING_ROUNDS = 3;

const number = z.number();
/** Not strict: another release may have written further fields. */
const healthSchema = z.looseObject({
  roundMs: number.exactOptional(),
  completedAtMs: number.exactOptional(),
  judgedMs: number.exactOptional(),
  failedRules: number.exactOptional(),
  seenMs: number.exactOptional(),
  absent: z.looseObject({ nodes: number, bastions: number }).exactOptional(),
  lost: z.record(z.string(), number).exactOptional(),
});
const evaluatedSchema = z.looseObject({ roundMs: number, failedRules: number.exactOptional() });
const findingSchema = z.looseObject({ code: z.enum(HEALTH_CODES), words: z.string() });
const deliverySchema: z.ZodType<DeliveryHealth> = z.looseObject({
  atMs: number,
  undelivered: number,
  reasons: z.array(findingSchema),
  warnings: z.array(findingSchema),
});

export interface Health {
  /** The last complete round, and when it was completed; none at first. */
  roundMs?: number;
  completedAtMs?: number;
  /** The last evaluated round. Older releases wrote only complete rounds, and none of the fields below. */
  judgedMs?: number;
  /** Rules that could not be evaluated. */
  failedRules?: number;
  /** The last round in which a node was seen; for a fleet that was never seen, when it was first due. */
  seenMs?: number;
  /** Nodes and bastions that were due for three rounds, and were neither seen nor known to be lost. */
  absent?: { nodes: number; bastions: number };
  /**
   * Bastions that are due, and the last round in which they were lost, because a change of the fleet overwrites their
   * statuses.
   */
  lost?: LostBastions;
}

/** Without details, because the address of the history function is public. */
export interface DeliveryHealth extends Findings {
  atMs: number;
  undelivered: number;
}

type DeliveryPorts = Pick<Services, 'clock' | 'logger' | 'meter' | 'bucket' | 'config' | 'state'>;

/** Writes what `change` returns for the last mark. Undefined leaves the mark: an older round must not put it back. */
export async function writeHealth(
  bucket: Files,
  change: (last: Health | undefined) => Health | undefined,
): Promise<void> {
  await changeMark(bucket, HEALTH_KEY, healthSchema, change);
}

export async function readHealth(bucket: Pick<Files, 'get'>, logger: Logger): Promise<Health | undefined> {
  return readMark(bucket, HEALTH_KEY, healthSchema, logger);
}

/**
 * Whether the shard was already evaluated up to a later round: then this message is late, or its function was killed
 * before.
 */
export async function isEvaluatedFurther(
  bucket: Files,
  shard: Shard,
  { roundMs, nowMs }: { roundMs: number; nowMs: number },
  logger: Logger,
): Promise<boolean> {
  const last = await readMark(bucket, keyOf(shard), evaluatedSchema, logger);
  return isLater(last?.roundMs, roundMs, nowMs);
}

/** Records that a shard was evaluated up to that round. The mark never goes back. */
export async function writeEvaluated(
  bucket: Files,
  shard: Shard,
  { nowMs, ...mark }: z.output<typeof evaluatedSchema> & { nowMs: number },
): Promise<void> {
  await changeMark(bucket, keyOf(shard), evaluatedSchema, (last) =>
    isLater(last?.roundMs, mark.roundMs, nowMs) ? undefined : mark,
  );
}

/** The names of shards that were not evaluated since then, and how many rules failed in the others. */
export async function readEvaluated(
  bucket: Files,
  count: number,
  sinceMs: number,
  logger: Logger,
): Promise<{ behind: string[]; failedRules: number }> {
  const shards = shardsOf(count).filter(({ kind }) => kind === 'clusters');
  const marks = await Promise.all(
    shards.map((shard) => readMark(bucket, keyOf(shard), evaluatedSchema, logger)),
  );
  return {
    behind: shards.filter((_, i) => (marks[i]?.roundMs ?? 0) < sinceMs).map(shardName),
    failedRules: marks.reduce((sum, one) => sum + (one?.failedRules ?? 0), 0),
  };
}

/** Reports undelivered alerts: as gauges, in the log, and in the mark that health reads. */
export async function writeDelivery({ clock, logger, meter, ...ports }: DeliveryPorts): Promise<void> {
  const [bucket, config, state] = await Promise.all([ports.bucket(), ports.config(), ports.state()]);
  const { undelivered, incidents } = await readUndelivered(config, { state, clock });
  const { channels, server } = config;
  const nowMs = clock.nowMs();
  const { undeliveredAfterMs } = server;
  const found = deliveryFindings({ undelivered, incidents, channels, undeliveredAfterMs, nowMs });
  meter.gauge('alerts_undelivered', undelivered.length);
  meter.gauge('alerts_undelivered_overdue', found.overdue);
  for (const { words, detail } of found.reasons) logger.error('alerts are not sent', { why: words, detail });
  for (const { words, detail } of found.warnings) logger.warn('a channel fails', { why: words, detail });
  const health: DeliveryHealth = {
    atMs: nowMs,
    undelivered: undelivered.length,
    reasons: found.reasons.map(bare),
    warnings: found.warnings.map(bare),
  };
  await changeMark(bucket, DELIVERY_KEY, deliverySchema, (last) =>
    isLater(last?.atMs, nowMs, clock.nowMs()) ? undefined : health,
  );
}

/** The mark of notify, with an additional reason when notify wrote none lately. Undefined: it never wrote one. */
export async function readDelivery(
  bucket: Pick<Files, 'get'>,
  { nowMs, tickMs }: { nowMs: number; tickMs: number },
  logger: Logger,
): Promise<DeliveryHealth | undefined> {
  const health = await readMark(bucket, DELIVERY_KEY, deliverySchema, logger);
  if (!health || nowMs - health.atMs <= (MISSING_ROUNDS + 1) * tickMs) return health;
  const seconds = Math.round((nowMs - health.atMs) / 1000);
  const reason = {
    code: 'notify-failing' as const,
    words: `notify has not reported undelivered alerts for ${seconds} s`,
  };
  return { ...health, reasons: [reason, ...health.reasons] };
}

function bare({ code, words }: Finding): Finding {
  return { code, words };
}

function keyOf(shard: Shard): string {
  return `${EVALUATED}${shardName(shard).replace('/', '-of-')}.json`;
}
