import type { SQSBatchItemFailure, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { decodeMessage } from '../adapters/queues/messages.ts';
import { type Queues, queueUrlOf } from '../adapters/queues/sqs.ts';
import { describeError, PermanentError, RetryableError } from '../core/errors.ts';
import type { Clock, Logger, Meter } from '../core/ports.ts';

export interface BatchPorts {
  queues: Queues;
  clock: Clock;
  logger: Logger;
  meter: Meter;
  /** How long the call may still run before Lambda kills it. */
  remainingMs: () => number;
}

/**
 * The wait between tries doubles from the first on. The longest is short compared with `schedule.lateness`, so that
 * rules still use samples that waited for a server.
 */
const FIRST_WAIT_S = 5;
const LONGEST_WAIT_S = 60;
/**
 * A server may ask for more:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
 */
const MOST_WAIT_S = 3_600;

/**
 * A message of a standard queue that was received this often and not deleted no longer counts in
 * ApproximateAgeOfOldestMessage:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
 */
const LEFT_OUT_AT = 3;

type Handle<Result> = (message: unknown, record: SQSRecord) => Promise<Result>;

/**
 * Handles each message separately. One that succeeds leaves the queue; one that may succeed later stays, and waits
 * longer each time; one that never will goes to the dead letters at once, where an alarm sees it. When `handle` returns
 * a number of ms, the message has more to do then: see `keepMessage`. A killed call deletes nothing. So only the first
 * message begins when less than half of the call's time is left, which is as long as one may take (`lib/timing.ts`).
 * With `timeOf` the oldest goes first.
 */
export async function eachMessage(
  event: SQSEvent,
  ports: BatchPorts,
  handle: Handle<void> | Handle<number | undefined>,
  timeOf: (message: unknown) => number = () => 0,
): Promise<SQSBatchResponse> {
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  const read = event.Records.map((record) => {
    try {
      const message = decodeMessage(record.body);
      return { record, open: () => message, atMs: timeOf(message) };
    } catch (error) {
      const fail = () => {
        throw error;
      };
      return { record, open: fail, atMs: 0 };
    }
  });
  const leastMs = ports.remainingMs() / 2;
  const oldestFirst = read.sort((a, b) => a.atMs - b.atMs);
  for (const [i, { record, open }] of oldestFirst.entries()) {
    if (i > 0 && ports.remainingMs() < leastMs) {
      const rest = oldestFirst.slice(i).map((one) => one.record);
      batchItemFailures.push(...(await putOff(rest, ports)));
      break;
    }
    try {
      const againInMs = await handle(open(), record);
      if (typeof againInMs === 'number') batchItemFailures.push(await keepMessage(record, againInMs, ports));
    } catch (error) {
      const kept = await settle(record, error, ports);
      if (kept) batchItemFailures.push(kept);
    }
  }
  return { batchItemFailures };
}

/** Messages for which the call has no time. */
async function putOff(rest: readonly SQSRecord[], ports: BatchPorts): Promise<SQSBatchItemFailure[]> {
  ports.meter.count('messages_put_off_total', {}, rest.length);
  ports.logger.warn('messages stay in their queue: those before them took the time of the call', {
    messages: rest.length,
  });
  for (const record of rest) noteAge(record, ports);
  return Promise.all(rest.map((record) => keepMessage(record, FIRST_WAIT_S * 1000, ports)));
}

/** Measures the age of a failed message, which SQS no longer measures. Messages that wait on purpose are left out. */
function noteAge({ attributes }: SQSRecord, { clock, meter }: Pick<BatchPorts, 'clock' | 'meter'>): void {
  if (Number(attributes.ApproximateReceiveCount) < LEFT_OUT_AT) return;
  const ageMs = clock.nowMs() - Number(attributes.SentTimestamp);
  meter.gauge('failing_message_age_seconds', Math.max(0, ageMs / 1000));
}

/**
 * Leaves the message in its queue, to be received again in that many ms. Lambda treats a function that sends a message
 * to itself, directly or through others, as a loop and stops it
 * (https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html); a message that comes again is not one.
 * Reporting it as failed does not slow its queue down
 * (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
 */
async function keepMessage(
  record: SQSRecord,
  againInMs: number,
  { queues, logger }: Pick<BatchPorts, 'queues' | 'logger'>,
): Promise<SQSBatchItemFailure> {
  const url = queueUrlOf(record.eventSourceARN);
  await queues
    .extendVisibility(url, record.receiptHandle, Math.ceil(againInMs / 1000))
    .catch((cause: unknown) => {
      // It comes again when its visibility ends.
      logger.warn('the visibility time-out of a message could not be extended', {
        error: describeError(cause),
      });
    });
  return { itemIdentifier: record.messageId };
}

/** Undefined when the message leaves its queue. */
async function settle(
  record: SQSRecord,
  error: unknown,
  ports: BatchPorts,
): Promise<SQSBatchItemFailure | undefined> {
  const { logger, meter } = ports;
  const url = queueUrlOf(record.eventSourceARN);
  const tries = Number(record.attributes.ApproximateReceiveCount);
  const fields = { messageId: record.messageId, tries, error: describeError(error) };
  if (error instanceof PermanentError && (await isPutAside(record, url, ports))) {
    meter.count('messages_dead_total');
    logger.error('message can never succeed: it went to the dead letters', fields);
    return undefined;
  }
  meter.count('messages_retried_total');
  noteAge(record, ports);
  logger.warn('message stays in its queue', fields);
  const asked = error instanceof RetryableError ? (error.retryAfterMs ?? 0) / 1000 : 0;
  const ours = Math.min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** Math.min(10, tries - 1));
  const waitS = Math.min(MOST_WAIT_S, Math.max(asked, ours));
  return keepMessage(record, waitS * 1000, ports);
}

/** A message that the dead-letter queue does not accept now stays in its queue, and is moved at the next try. */
async function isPutAside(record: SQSRecord, url: string, { queues, logger }: BatchPorts): Promise<boolean> {
  const groupId = record.attributes.MessageGroupId;
  const fifo = groupId === undefined ? undefined : { groupId, deduplicationId: record.messageId };
  try {
    await queues.send(await queues.deadLettersOf(url), [{ body: record.body, fifo }]);
    return true;
  } catch (error) {
    logger.error('the dead-letter queue did not take a message', { error: describeError(error) });
    return false;
  }
}
