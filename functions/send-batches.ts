import { encodeMessage, MESSAGE_LIMIT_BYTES } from '../adapters/queues/messages.ts';
import { batchesOf, type Queues } from '../adapters/queues/sqs.ts';
import { describeError, PermanentError, RetryableError } from '../core/errors.ts';
import type { Batch } from '../core/model/batch.ts';
import type { Logger, Meter } from '../core/ports.ts';

interface Ports {
  queues: Queues;
  /** The address of a bastion's queue; undefined when none was deployed. */
  queueOf(bastion: string): string | undefined;
  logger: Logger;
  meter: Meter;
}

/**
 * Sends the batches of a round to the queues of their bastions. One that cannot be sent affects only itself: it is
 * counted, and the others are sent. @throws an error when none could be sent and a later try may succeed, so that the
 * round is planned again
 */
export async function sendBatches(batches: readonly Batch[], ports: Ports): Promise<void> {
  const errors: unknown[] = [];
  let unsent = 0;
  const fail = (bastion: string, some: readonly Batch[], error: unknown) => {
    errors.push(error);
    unsent += some.length;
    ports.meter.count('batches_failed_total', { bastion }, some.length);
    const which = some.map(({ index }) => index).join(', ');
    ports.logger.error('batches could not be sent', { bastion, batches: which, why: describeError(error) });
  };
  for (const [bastion, mine] of Map.groupBy(batches, (batch) => batch.bastion)) {
    const url = ports.queueOf(bastion);
    if (url === undefined) {
      unsent += mine.length;
      ports.meter.count('batches_failed_total', { bastion }, mine.length);
      ports.logger.error('a bastion has no queue: deploy again with this configuration', { bastion });
      continue;
    }
    const encoded = mine.map((batch) => ({ batch, body: encodeMessage(batch) }));
    const long = encoded.filter(({ body }) => Buffer.byteLength(body) > MESSAGE_LIMIT_BYTES);
    for (const { batch, body } of long) {
      const bytes = Buffer.byteLength(body);
      const why = `its message has ${bytes} bytes of at most ${MESSAGE_LIMIT_BYTES}; lower \`batchSize\``;
      fail(bastion, [batch], new PermanentError(why));
    }
    for (const some of batchesOf(encoded.filter((one) => !long.includes(one)))) {
      await sendSome(url, some as typeof encoded, ports.queues, (those, error) =>
        fail(bastion, those, error),
      );
    }
  }
  const temporary = errors.find((error) => !(error instanceof PermanentError));
  if (unsent === batches.length && temporary !== undefined) throw temporary;
}

/** A refused request is repeated message by message; a message that this sends twice is stored once. */
async function sendSome(
  url: string,
  some: readonly { batch: Batch; body: string }[],
  queues: Queues,
  fail: (batches: Batch[], error: unknown) => void,
): Promise<void> {
  const messages = some.map(({ body }) => ({ body }));
  try {
    await queues.send(url, messages);
  } catch (error) {
    // A queue that does not answer would not answer ten single requests either, and a call has a minute.
    if (some.length === 1 || error instanceof RetryableError) {
      fail(
        some.map(({ batch }) => batch),
        error,
      );
      return;
    }
    for (const one of some) await sendSome(url, [one], queues, fail);
  }
}
