import type { Bucket } from '../adapters/aws/bucket.ts';
import { deliveryFindings, type Finding, type Findings } from '../core/health.ts';
import { type Shard, shardName, shardsOf } from '../core/plan/shards.ts';
import { readUndelivered } from '../core/stages/undelivered.ts';
import type { World } from './world.ts';

type Files = Pick<Bucket, 'get' | 'put'>;

/** What the last round leaves behind that was judged as a whole. */
export const HEALTH_KEY = 'health.json';
/** What notify leaves behind at each tick: whether alerts can leave. */
export const DELIVERY_KEY = 'delivery.json';
/** What each part of the fleet leaves behind: that it was judged. */
export const JUDGED = 'judged/';
/** Rounds that may be missing before the deployment calls itself ill. */
export const MISSING_ROUNDS = 3;

export interface Health {
  roundMs: number;
  completedAtMs: number;
  /** Rules that could not be judged. */
  failedRules?: number;
}

/** Without details: the address of the history function is open to everybody. */
export interface DeliveryHealth extends Findings {
  atMs: number;
  undelivered: number;
}

type DeliveryPorts = Pick<World, 'clock' | 'logger' | 'meter' | 'bucket' | 'config' | 'state'>;

export async function writeHealth(bucket: Files, health: Health): Promise<void> {
  await put(bucket, HEALTH_KEY, health);
}

export async function readHealth(bucket: Pick<Files, 'get'>): Promise<Health | undefined> {
  return get<Health>(bucket, HEALTH_KEY);
}

/** A part was judged up to that round, but for so many rules. */
export async function writeJudged(
  bucket: Files,
  shard: Shard,
  roundMs: number,
  failedRules: number,
): Promise<void> {
  await put(bucket, keyOf(shard), { roundMs, failedRules });
}

/** Of so many parts: those that were not judged since, by name, and rules that could not be judged in the others. */
export async function readJudged(
  bucket: Files,
  count: number,
  sinceMs: number,
): Promise<{ behind: string[]; failedRules: number }> {
  const parts = shardsOf(count).filter(({ kind }) => kind === 'clusters');
  const judged = await Promise.all(
    parts.map((part) => get<{ roundMs: number; failedRules?: number }>(bucket, keyOf(part))),
  );
  return {
    behind: parts.filter((_, i) => (judged[i]?.roundMs ?? 0) < sinceMs).map(shardName),
    failedRules: judged.reduce((sum, one) => sum + (one?.failedRules ?? 0), 0),
  };
}

/** Says what is undelivered: as gauges, in the log, and for those who ask for health. */
export async function writeDelivery({ clock, logger, meter, ...ports }: DeliveryPorts): Promise<void> {
  const [bucket, config, state] = await Promise.all([ports.bucket(), ports.config(), ports.state()]);
  const { undelivered, incidents } = await readUndelivered(config, { state, clock });
  const { channels, server } = config;
  const nowMs = clock.nowMs();
  const { undeliveredAfterMs } = server;
  const found = deliveryFindings({ undelivered, incidents, channels, undeliveredAfterMs, nowMs });
  meter.gauge('alerts_undelivered', undelivered.length);
  meter.gauge('alerts_undelivered_overdue', found.overdue);
  for (const { words, detail } of found.reasons) logger.error('alerts do not leave', { why: words, detail });
  for (const { words, detail } of found.warnings) logger.warn('a channel fails', { why: words, detail });
  const health: DeliveryHealth = {
    atMs: nowMs,
    undelivered: undelivered.length,
    reasons: found.reasons.map(bare),
    warnings: found.warnings.map(bare),
  };
  await put(bucket, DELIVERY_KEY, health);
}

/** What notify left behind; that it left nothing lately is a reason of its own. Undefined: it never did. */
export async function readDelivery(
  bucket: Pick<Files, 'get'>,
  { nowMs, tickMs }: { nowMs: number; tickMs: number },
): Promise<DeliveryHealth | undefined> {
  const health = await get<DeliveryHealth>(bucket, DELIVERY_KEY);
  if (!health || nowMs - health.atMs <= (MISSING_ROUNDS + 1) * tickMs) return health;
  const seconds = Math.round((nowMs - health.atMs) / 1000);
  const reason = {
    code: 'notify-failing' as const,
    words: `notify has not said what is undelivered for ${seconds} s`,
  };
  return { ...health, reasons: [reason, ...health.reasons] };
}

function bare({ code, words }: Finding): Finding {
  return { code, words };
}

function keyOf(shard: Shard): string {
  return `${JUDGED}${shardName(shard).replace('/', '-of-')}.json`;
}

async function put(bucket: Files, key: string, value: object): Promise<void> {
  await bucket.put(key, Buffer.from(JSON.stringify(value)), { contentType: 'application/json' });
}

async function get<T>(bucket: Pick<Files, 'get'>, key: string): Promise<T | undefined> {
  const found = await bucket.get(key);
  return found && (JSON.parse(new TextDecoder().decode(found.body)) as T);
}
