import type { Bucket } from '../adapters/aws/bucket.ts';
import { type Shard, shardName, shardsOf } from '../core/plan/shards.ts';

type Files = Pick<Bucket, 'get' | 'put'>;

/** What the last round leaves behind that was judged as a whole. */
export const HEALTH_KEY = 'health.json';
/** What each part of the fleet leaves behind: that it was judged. */
export const JUDGED = 'judged/';
/** Rounds that may be missing before the deployment calls itself ill. */
export const MISSING_ROUNDS = 3;

export interface Health {
  roundMs: number;
  completedAtMs: number;
}

export async function writeHealth(bucket: Files, health: Health): Promise<void> {
  await put(bucket, HEALTH_KEY, health);
}

export async function readHealth(bucket: Pick<Files, 'get'>): Promise<Health | undefined> {
  return get<Health>(bucket, HEALTH_KEY);
}

/** A part was judged up to that round. */
export async function writeJudged(bucket: Files, shard: Shard, roundMs: number): Promise<void> {
  await put(bucket, keyOf(shard), { roundMs });
}

/** Parts of so many that were not judged since, by name. */
export async function partsBehind(bucket: Files, count: number, sinceMs: number): Promise<string[]> {
  const parts = shardsOf(count).filter(({ kind }) => kind === 'clusters');
  const judged = await Promise.all(parts.map((part) => get<{ roundMs: number }>(bucket, keyOf(part))));
  return parts.filter((_, i) => (judged[i]?.roundMs ?? 0) < sinceMs).map(shardName);
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
