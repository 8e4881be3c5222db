import { gunzipSync, gzipSync } from 'node:zlib';
import { PermanentError } from '../../core/errors.ts';
import type { BatchObservation, Observation } from '../../core/model.ts';

/**
 * Bytes of a message, well under what SQS takes at least everywhere: 256 KiB, of a batch request together
 * (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html).
 */
export const MESSAGE_LIMIT_BYTES = 200 * 1024;
/** Shorter ones are not worth packing, and people can read them in the console. */
const PACK_FROM_BYTES = 8 * 1024;

/** Why notify is woken: at a round, when something falls due, or when it had more to do than one call can. */
export const WAKE_REASONS = ['tick', 'due', 'more'] as const;

export function wakeMessage(why: (typeof WAKE_REASONS)[number]): string {
  return encodeMessage({ why });
}

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
      ? JSON.parse(gunzipSync(Buffer.from(packed, 'base64')).toString('utf8'))
      : value;
  } catch (cause) {
    throw new PermanentError('this is no message of ours', { cause });
  }
}

/**
 * The messages of one batch's observations, each under the limit. Each names the batch without its targets; what the
 * samples of the batch itself come to is the same in each, so that it does not matter which is stored first.
 * @throws PermanentError when what was seen of one node alone is too long
 */
export function observationMessages(
  observation: BatchObservation,
  limitBytes = MESSAGE_LIMIT_BYTES,
): string[] {
  const { observations, ...rest } = observation;
  const slim = { ...rest, batch: { ...rest.batch, targets: [] } };
  const byNode = Map.groupBy(observations, ({ target }) => JSON.stringify([target.cluster, target.node]));
  // A node's checks stay together: whether it is up follows from all of them.
  const pack = (nodes: readonly Observation[][]): string[] => {
    const message = encodeMessage({ ...slim, observations: nodes.flat() });
    if (Buffer.byteLength(message) <= limitBytes) return [message];
    if (nodes.length <= 1) throw new PermanentError('what was seen of one node is longer than a message');
    const half = nodes.length >> 1;
    return [...pack(nodes.slice(0, half)), ...pack(nodes.slice(half))];
  };
  return pack([...byNode.values()]);
}
