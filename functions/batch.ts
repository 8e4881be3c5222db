import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { decodeMessage } from '../adapters/queues/messages.ts';
import { type Queues, queueUrlOf } from '../adapters/queues/sqs.ts';
import { describeError, PermanentError, RetryableError } from '../core/errors.ts';
import type { Logger, Meter } from '../core/ports.ts';

export interface BatchPorts {
  queues: Queues;
  logger: Logger;
  meter: Meter;
}

/**
 * Waits between tries: doubled from the first on. The longest is short against `schedule.lateness`, so that what waited
 * for a server to come back is still judged.
 */
const FIRST_WAIT_S = 5;
const LONGEST_WAIT_S = 60;
/** A server may ask for more: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html */
const MOST_WAIT_S = 3_600;

/**
 * Handles each message by itself: what succeeded leaves the queue, what may succeed later stays in it, longer each time
 * and for as long as its server is out, and what never will goes to the dead letters at once, where an alarm sees it.
 */
export async function eachMessage(
  event: SQSEvent,
  ports: BatchPorts,
  handle: (message: unknown, record: SQSRecord) => Promise<void>,
): Promise<SQSBatchResponse> {
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const record of event.Records) {
    try {
      await handle(decodeMessage(record.body), record);
    } catch (error) {
      const kept = await settle(record, error, ports);
      if (kept) batchItemFailures.push({ itemIdentifier: record.messageId });
    }
  }
  return { batchItemFailures };
}

/** Whether the message stays in its queue. */
async function settle(record: SQSRecord, error: unknown, ports: BatchPorts): Promise<boolean> {
  const { queues, logger, meter } = ports;
  const url = queueUrlOf(record.eventSourceARN);
  const tries = Number(record.attributes.ApproximateReceiveCount);
  const fields = { messageId: record.messageId, tries, error: describeError(error) };
  if (error instanceof PermanentError && (await isPutAside(record, url, ports))) {
    meter.count('messages_dead_total');
    logger.error('message can never succeed: it went to the dead letters', fields);
    return false;
  }
  meter.count('messages_retried_total');
  logger.warn('message stays in its queue', fields);
  const asked = error instanceof RetryableError ? (error.retryAfterMs ?? 0) / 1000 : 0;
  const ours = Math.min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** Math.min(10, tries - 1));
  const waitS = Math.min(MOST_WAIT_S, Math.max(asked, ours));
  await queues.hide(url, record.receiptHandle, Math.ceil(waitS)).catch((cause: unknown) => {
    // It comes again when its visibility ends.
    logger.warn('message is not hidden for longer', { error: describeError(cause) });
  });
  return true;
}

/** What cannot be put aside now stays, and is next time. */
async function isPutAside(record: SQSRecord, url: string, { queues, logger }: BatchPorts): Promise<boolean> {
  const groupId = record.attributes.MessageGroupId;
  const fifo = groupId === undefined ? undefined : { groupId, deduplicationId: record.messageId };
  try {
    await queues.send(await queues.deadLettersOf(url), [{ body: record.body, fifo }]);
    return true;
  } catch (error) {
    logger.error('message is not taken by the dead letters', { error: describeError(error) });
    return false;
  }
}
