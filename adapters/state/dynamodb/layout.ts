// One table for all state, so that a transaction's writes, the stream and the permissions concern one thing.
//
//   what                  pk                     sk                     asked for
//   rule                  rules                  RULE                   names of rules
//   checkpoint            rule#RULE              checkpoint#SHARD       by rule and shard
//   alert                 rule#RULE              alert#ID               by rule
//   transition            transition#ID          0                      by id; by time and by alert: indexes
//   outbox                outbox#0…3             DUE#AT#WRITTEN#I#ID    what is due, in order
//   incident              incident#ID            0                      by id; by opening: index `history`
//   due                   due#0…3                DUE#ID                 incidents that are due, in order
//   group                 group#ROUTE,CHANNEL…   0                      the open incident of a group, one at most
//   link                  alert#ID               incident#ID            open incidents that hold an alert
//   delivery              deliveries#INCIDENT    delivery#ID            of an incident; by time: index `history`
//   status                status#0…3             BASTION,INDEX          all; one item holds the targets of a batch
//   status, aside         status#0…3             BASTION,INDEX,aside    all; targets that left the batch
//   status, formerly      status#0…3             CLUSTER,CHECK          all; read until they expire, never written
//   pace                  pace#DESTINATION       0                      by destination, a hash; when a message may go there
//   silence               silences               UNTIL#ID               those not ended; added at run time
//   token                 tokens                 ID                     by id; all
//   audit head, counters  audit, counters#KEY    WRITER, 0
//   late samples          late#SHARD             METRIC#TIME#HASH       of a shard and metric, by time
//   part                  part#PK#SK             0000…                  what did not fit into the item itself
//
// What is due is found by keys of the table itself and not by an index: those lag behind, and a firing that shows up
// after its own resolved would open an incident that nobody ends. The entries change in the transaction that changes
// what they speak of, so they are never wrong, and spread over a few partitions, each good for 1,000 writes a second.
// Indexes serve what people look at, where a moment of lag changes nothing.

import { createHash } from 'node:crypto';
import { hashNumber } from '../../../core/hash.ts';
import type { BatchName } from '../../../core/model/batch.ts';
import type { Incident } from '../../../core/model/incident.ts';
import type { StoredSilence } from '../../../core/model/silence.ts';
import type { Item, Key } from './table.ts';
import { INDEXES } from './table.ts';

const BUCKETS = 4;
/** Longer keys are hashed: a partition key has 2048 bytes at most, a sort key 1024. */
const LONGEST_KEY_BYTES = 800;

/** `expiresAt`, in seconds, stands only on what is history, on silences, on tokens that end, on paces, and on statuses, which each round puts off: DynamoDB removes it some time after. */
export const TTL_ATTRIBUTE = 'expiresAt';

/**
 * What a stream may wake the notifier for: new items of the outbox, and nothing else, so neither what is consumed nor
 * what the time to live removes. https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html
 */
export const WAKE_FILTER = {
  eventName: ['INSERT'],
  dynamodb: { NewImage: { kind: { S: ['outbox'] } } },
} as const;

/** The table as CreateTable takes it, without its name. */
export const TABLE_DEFINITION = {
  AttributeDefinitions: ['pk', 'sk', 'hpk', 'hsk', 'apk'].map((AttributeName) => ({
    AttributeName,
    AttributeType: 'S' as const,
  })),
  KeySchema: keySchema('pk', 'sk'),
  GlobalSecondaryIndexes: Object.entries(INDEXES).map(([IndexName, [partition, sort]]) => ({
    IndexName,
    KeySchema: keySchema(partition, sort),
    Projection: { ProjectionType: 'KEYS_ONLY' as const },
  })),
  BillingMode: 'PAY_PER_REQUEST' as const,
  StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' as const },
};

function keySchema(partition: string, sort: string) {
  return [
    { AttributeName: partition, KeyType: 'HASH' as const },
    { AttributeName: sort, KeyType: 'RANGE' as const },
  ];
}

export const keys = {
  rule: (rule: string): Key => ({ pk: 'rules', sk: rule }),
  ofRule: (rule: string): string => `rule#${rule}`,
  checkpoint: (rule: string, shard: string): Key => ({ pk: `rule#${rule}`, sk: `checkpoint#${shard}` }),
  alert: (rule: string, id: string): Key => ({ pk: `rule#${rule}`, sk: `alert#${id}` }),
  transition: (id: string): Key => ({ pk: `transition#${id}`, sk: '0' }),
  outbox: (alertId: string, order: string): Key => ({ pk: `outbox#${bucketOf(alertId)}`, sk: order }),
  incident: (id: string): Key => ({ pk: `incident#${id}`, sk: '0' }),
  due: (id: string, dueAtMs: number): Key => ({
    pk: `due#${bucketOf(id)}`,
    sk: `${sortable(dueAtMs)}#${id}`,
  }),
  group: ({ route, channel, groupKey }: Pick<Incident, 'route' | 'channel' | 'groupKey'>): Key => ({
    pk: `group#${joined([route, channel, groupKey])}`,
    sk: '0',
  }),
  incidentLinksOf: (alertId: string): string => `alert#${alertId}`,
  incidentLink: (alertId: string, incidentId: string): Key => ({
    pk: `alert#${alertId}`,
    sk: `incident#${incidentId}`,
  }),
  deliveriesOf: (incidentId: string): string => `deliveries#${incidentId}`,
  delivery: (incidentId: string, id: string): Key => ({
    pk: `deliveries#${incidentId}`,
    sk: `delivery#${id}`,
  }),
  /** The index stays a number: a cluster with a check, as they were kept before, are two texts and never the same key. */
  status: ({ bastion, index }: BatchName): Key => ({
    pk: `status#${bucketOf(`${bastion}/${index}`)}`,
    sk: joined([bastion, index]),
  }),
  statusAside: ({ bastion, index }: BatchName): Key => ({
    pk: `status#${bucketOf(`${bastion}/${index}`)}`,
    sk: joined([bastion, index, 'aside']),
  }),
  pace: (destination: string): Key => ({ pk: `pace#${destination}`, sk: '0' }),
  silences: 'silences',
  silence: ({ id, untilMs }: Pick<StoredSilence, 'id' | 'untilMs'>): Key => ({
    pk: 'silences',
    sk: `${sortable(untilMs)}#${id}`,
  }),
  tokens: 'tokens',
  token: (id: string): Key => ({ pk: 'tokens', sk: id }),
  auditHead: (writer: string): Key => ({ pk: 'audit', sk: writer }),
  counters: (key: string): Key => ({ pk: `counters#${joined([key])}`, sk: '0' }),
  lateOf: (shard: string): string => `late#${shard}`,
  late: (shard: string, { metric, timeMs, hash }: { metric: string; timeMs: number; hash: string }): Key => ({
    pk: `late#${shard}`,
    sk: `${metric}#${sortable(timeMs)}#${hash}`,
  }),
};

/** All partitions of a kind that is spread. */
export function buckets(kind: string): string[] {
  return Array.from({ length: BUCKETS }, (_, i) => `${kind}#${i}`);
}

export function bucketOf(id: string): number {
  return hashNumber(id) % BUCKETS;
}

const LATEST_MS = 10 ** 15 - 1;

/** A time in ms as text that sorts as it does; Infinity is the latest. */
export function sortable(ms: number): string {
  return String(Math.max(0, Math.min(LATEST_MS, Math.trunc(ms)))).padStart(15, '0');
}

/** Sorts behind every key that begins with this time, and before those of later ones. */
export function upTo(ms: number): string {
  return `${sortable(ms)}~`;
}

/** The time at the start of a key. */
export function timeOf({ sk }: Pick<Item, 'sk'>): number {
  return Number(sk.slice(0, 15));
}

function joined(parts: readonly (string | number)[]): string {
  const text = JSON.stringify(parts);
  if (Buffer.byteLength(text) <= LONGEST_KEY_BYTES) return text;
  return createHash('sha256').update(text).digest('hex');
}
