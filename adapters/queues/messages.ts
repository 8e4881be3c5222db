import { gunzipSync, gzipSync } from 'node:zlib';
import { PermanentError } from '../../core/errors.ts';
import type { Batch } from '../../core/model/batch.ts';
import type { BatchObservation, Observation } from '../../core/model/observation.ts';
import { groupByNode } from '../../core/parse/samples.ts';
import type { Shard } from '../../core/plan/shards.ts';

/**
 * Bytes of a message, well under what SQS takes at least everywhere: 256 KiB, of a batch request together
 * (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html).
 */
export const MESSAGE_LIMIT_BYTES = 200 * 1024;
/** Shorter messages stay unpacked, readable in the console. */
const PACK_FROM_BYTES = 8 * 1024;

/** Wakes notify in each round, beside the table's stream. */
export interface Tick {
  why: 'tick';
  /** When the next one is sent. */
  untilMs: number;
}

export function tickMessage(untilMs: number): string {
  return encodeMessage({ why: 'tick', untilMs } satisfies Tick);
}

/** Asks for the evaluation of a shard. Messages of every release call the cross-cluster shard `fleet`. */
export function evaluationMessage(roundMs: number, shard: Shard): string {
  return encodeMessage({
    roundMs,
    shard: shard.kind === 'crossCluster' ? { ...shard, kind: 'fleet' } : shard,
  });
}

/** Bytes of the observations in a message before it is packed: what alike names repeat packs 160:1, and `store` opens ten. */
const UNPACKED_LIMIT_BYTES = 4 * 1024 * 1024;
/** Share of one node in these: three times what 700 mounts with names of 100 bytes come to. */
export const NODE_LIMIT_BYTES = 1024 * 1024;
/** Far above what a message of ours unpacks to. */
const UNPACKED = { maxOutputLength: 5 * UNPACKED_LIMIT_BYTES };

/** JSON, packed where it is long: `{"gzip":"…"}`. */
export function encodeMessage(value: unknown): string {
  const json = JSON.stringify(value);
  if (json.length < PACK_FROM_BYTES) return json;
  return JSON.stringify({ gzip: gzipSync(json, { level: 6 }).toString('base64') });
}

/** @throws PermanentError for what is no message */
export function decodeMessage(body: string): unknown {
  try {
    const value: unknown = JSON.parse(body);
    const packed = (value as { gzip?: unknown } | null)?.gzip;
    return typeof packed === 'string'
      ? JSON.parse(gunzipSync(Buffer.from(packed, 'base64'), UNPACKED).toString('utf8'))
      : value;
  } catch (cause) {
    throw new PermanentError('this is not a message of ours', { cause });
  }
}

/** Observations of nodes that answered before others of their batch; the whole batch follows. */
export interface AnsweredNodes extends BatchObservation {
  partial: true;
}

export function isPartial(message: BatchObservation): message is AnsweredNodes {
  return (message as Partial<AnsweredNodes>).partial === true;
}

/** The messages of nodes that answered, each under the limit. @throws as `observationMessages` */
export function answeredMessages(batch: Batch, observations: readonly Observation[]): string[] {
  const answered: AnsweredNodes = { batch, bastion: { ok: true }, observations, partial: true };
  return observationMessages(answered);
}

/** Values in a message of those that are written again: well under the limits, packed and unpacked. */
const REPEATS_IN_MESSAGE = 5_000;

/** The messages of last values that are written again, apart from observations, which they must not push out. */
export function repeatMessages({ batch, repeats = [] }: BatchObservation): string[] {
  const messages: string[] = [];
  for (let from = 0; from < repeats.length; from += REPEATS_IN_MESSAGE) {
    const some: AnsweredNodes = {
      batch: { ...batch, targets: [] },
      bastion: { ok: true },
      observations: [],
      repeats: repeats.slice(from, from + REPEATS_IN_MESSAGE),
      partial: true,
    };
    messages.push(...packRepeats(some));
  }
  return messages;
}

function packRepeats(some: AnsweredNodes): string[] {
  const message = encodeMessage(some);
  const { repeats = [] } = some;
  // A value alone is short: names and labels have limits.
  if (Buffer.byteLength(message) <= MESSAGE_LIMIT_BYTES || repeats.length < 2) return [message];
  const half = repeats.length >> 1;
  return [
    ...packRepeats({ ...some, repeats: repeats.slice(0, half) }),
    ...packRepeats({ ...some, repeats: repeats.slice(half) }),
  ];
}

/**
 * The messages of one batch's observations, each under the limits, packed and unpacked. Each names the batch without its
 * targets; what the samples of the batch itself come to is the same in each, so that it does not matter which is stored
 * first. A check that saw more of a node than fits has failed there, as one that prints too much: it must not take other
 * nodes with it. `onTooLarge` hears of each.
 * @throws PermanentError when the batch itself is too long
 */
export function observationMessages(
  { observations, repeats: _repeats, ...rest }: BatchObservation,
  onTooLarge: (observation: Observation) => void = () => {},
): string[] {
  const slim = { ...rest, batch: { ...rest.batch, targets: [] } };
  const encode = (nodes: readonly Observation[][]) => encodeMessage({ ...slim, observations: nodes.flat() });
  const fits = (message: string) => Buffer.byteLength(message) <= MESSAGE_LIMIT_BYTES;

  const pack = (nodes: readonly Observation[][]): string[] => {
    const message = encode(nodes);
    if (fits(message)) return [message];
    if (nodes.length > 1) {
      const half = nodes.length >> 1;
      return [...pack(nodes.slice(0, half)), ...pack(nodes.slice(half))];
    }
    const [node = []] = nodes;
    return pack([withoutLargest(node, onTooLarge)]);
  };

  const messages: string[] = [];
  let nodes: Observation[][] = [];
  let bytes = 0;
  const flush = () => {
    messages.push(...pack(nodes));
    [nodes, bytes] = [[], 0];
  };
  // A node's checks stay together: whether it is up follows from all of them.
  for (const seen of groupByNode(observations)) {
    const { node, size } = boundNode(seen, onTooLarge);
    if (nodes.length > 0 && bytes + size > UNPACKED_LIMIT_BYTES) flush();
    nodes.push(node);
    bytes += size;
  }
  if (nodes.length > 0 || messages.length === 0) flush();
  return messages;
}

/** The observations of a node that fit, and their bytes. */
function boundNode(node: Observation[], onTooLarge: (observation: Observation) => void) {
  let bounded = node;
  let size = bytesOf(bounded);
  while (size > NODE_LIMIT_BYTES) {
    bounded = withoutLargest(bounded, onTooLarge);
    size = bytesOf(bounded);
  }
  return { node: bounded, size };
}

/** The largest observation of a node becomes a failure. @throws PermanentError where all are failures */
function withoutLargest(node: readonly Observation[], onTooLarge: (observation: Observation) => void) {
  const [largest] = node.filter(({ result }) => result.ok).sort((a, b) => bytesOf(b) - bytesOf(a));
  if (!largest) throw new PermanentError('failures alone fill a message');
  onTooLarge(largest);
  return node.map((one) => (one === largest ? tooLarge(one) : one));
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function tooLarge(observation: Observation): Observation {
  const limits = `${NODE_LIMIT_BYTES / 1024} KiB of a node, ${MESSAGE_LIMIT_BYTES / 1024} KiB packed`;
  const detail = `the observation is too large for a message between functions: at most ${limits}`;
  return { ...observation, result: { ok: false, failure: { reason: 'output', phase: 'exec', detail } } };
}
