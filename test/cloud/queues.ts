// Queues that behave like SQS, in virtual time: delays, visibility, receive counts, dead letters, FIFO groups, limits.
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import type { QueueMessage, Queues } from '../../adapters/queues/sqs.ts';
import { createLineages, type Lineage, type Lineages } from './lineage.ts';

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const LIMIT_BYTES = 262_144;
const MOST_DELAY_S = 900;
const DEDUPLICATION_MS = 300_000;
const LEFT_OUT_AT = 3;
/** The longest retention of SQS. */
const MOST_RETENTION_S = 14 * 24 * 3_600;

interface Stored extends QueueMessage {
  id: string;
  sentAtMs: number;
  visibleAtMs: number;
  receives: number;
  lineage: Lineage;
}

interface Queue {
  url: string;
  visibilityS: number;
  maxReceives: number;
  retentionS: number;
  expired: number;
  deadLetterUrl: string;
  messages: Stored[];
  seen: Map<string, number>;
}

export interface CloudQueues extends Queues {
  lineages: Lineages;
  /** Withholds messages by their bodies: SQS does not promise when a standard queue hands out a message. */
  withhold: (body: string) => boolean;
  define(url: string, options?: { visibilityS?: number; maxReceives?: number; retentionS?: number }): void;
  /** The messages that were deleted because their retention was over; SQS reports them nowhere. */
  expired(url: string): number;
  /** The number of messages that can be received now. */
  visible(url: string): number;
  /**
   * ApproximateAgeOfOldestMessage in seconds, undefined when SQS measures nothing. SQS leaves out messages that were
   * received three times
   * (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html).
   * The page does not say whether that holds for FIFO queues; this assumes the worse case.
   */
  ageOfOldest(url: string): number | undefined;
  /** The bodies of all messages in the queue, also hidden ones. */
  bodies(url: string): string[];
  /** The longest body that any queue ever got. */
  longest(): number;
  /** When the next hidden message of any queue becomes visible. */
  nextMs(): number | undefined;
  /**
   * Invokes the function of the queue with up to `size` messages, and deletes those that it does not report as failed.
   * Returns false when there was no message.
   */
  poll(
    url: string,
    size: number,
    handle: (event: SQSEvent) => Promise<{ batchItemFailures: { itemIdentifier: string }[] } | undefined>,
  ): Promise<boolean>;
}

export const deadLettersOf = (url: string): string => url.replace(/(\.fifo)?$/, '-dead$1');

/** With `random`, a standard queue hands out its messages in any order. Default: first in, first out. */
export function createCloudQueues(nowMs: () => number, random?: () => number): CloudQueues {
  const queues = new Map<string, Queue>();
  const lineages = createLineages();
  let ids = 0;
  let longest = 0;
  const of = (url: string): Queue => {
    const queue = queues.get(url);
    if (!queue) throw new Error(`AWS.SimpleQueueService.NonExistentQueue: ${url}`);
    const kept = queue.messages.filter(({ sentAtMs }) => nowMs() - sentAtMs < queue.retentionS * 1000);
    queue.expired += queue.messages.length - kept.length;
    queue.messages = kept;
    return queue;
  };

  function accept(queue: Queue, message: QueueMessage): void {
    const { body, delaySeconds = 0, fifo } = message;
    const bytes = Buffer.byteLength(body);
    longest = Math.max(longest, bytes);
    if (bytes === 0 || bytes > LIMIT_BYTES)
      throw new Error(`InvalidParameterValue: a message of ${bytes} bytes`);
    if (delaySeconds < 0 || delaySeconds > MOST_DELAY_S || !Number.isInteger(delaySeconds))
      throw new Error(`InvalidParameterValue: DelaySeconds ${delaySeconds}`);
    if (queue.url.endsWith('.fifo') !== (fifo !== undefined))
      throw new Error('MissingParameter: MessageGroupId');
    if (fifo) {
      if (delaySeconds > 0) throw new Error('InvalidParameterValue: DelaySeconds on a FIFO queue');
      const seenMs = queue.seen.get(fifo.deduplicationId);
      if (seenMs !== undefined && nowMs() - seenMs < DEDUPLICATION_MS) return;
      queue.seen.set(fifo.deduplicationId, nowMs());
    }
    const id = `m-${++ids}`;
    queue.messages.push({
      ...message,
      id,
      sentAtMs: nowMs(),
      visibleAtMs: nowMs() + delaySeconds * 1000,
      receives: 0,
      lineage: lineages.current(),
    });
  }

  function take(queue: Queue, size: number): Stored[] {
    const blocked = new Set(
      queue.messages.filter((m) => m.receives > 0 && m.visibleAtMs > nowMs()).map((m) => m.fifo?.groupId),
    );
    const taken: Stored[] = [];
    const any = random && !queue.url.endsWith('.fifo') ? shuffled(queue.messages, random) : queue.messages;
    for (const message of [...any]) {
      if (all.withhold(message.body)) continue;
      if (taken.length === size || message.visibleAtMs > nowMs()) continue;
      const group = message.fifo?.groupId;
      if (group !== undefined && blocked.has(group)) continue;
      if (message.receives >= queue.maxReceives) {
        queue.messages.splice(queue.messages.indexOf(message), 1);
        of(queue.deadLetterUrl).messages.push({ ...message, receives: 0 });
        continue;
      }
      message.receives++;
      message.visibleAtMs = nowMs() + queue.visibilityS * 1000;
      if (group !== undefined) blocked.add(group);
      taken.push(message);
    }
    return taken;
  }

  const all: CloudQueues = {
    lineages,
    withhold: () => false,
    define(url, { visibilityS = 60, maxReceives = 3, retentionS = MOST_RETENTION_S } = {}) {
      const deadLetterUrl = deadLettersOf(url);
      for (const each of [url, deadLetterUrl]) {
        queues.set(each, {
          url: each,
          visibilityS,
          maxReceives,
          retentionS: each === url ? retentionS : MOST_RETENTION_S,
          expired: 0,
          deadLetterUrl,
          messages: [],
          seen: new Map(),
        });
      }
    },
    expired: (url) => of(url).expired,
    async send(url, messages) {
      for (const message of messages) accept(of(url), message);
    },
    async extendVisibility(url, receiptHandle, seconds) {
      const message = of(url).messages.find(({ id }) => id === receiptHandle);
      if (message) message.visibleAtMs = nowMs() + seconds * 1000;
    },
    deadLettersOf: async (url) => of(url).deadLetterUrl,
    visible: (url) => of(url).messages.filter((m) => m.visibleAtMs <= nowMs()).length,
    ageOfOldest(url) {
      const sentMs = of(url)
        .messages.filter(({ receives }) => receives < LEFT_OUT_AT)
        .map(({ sentAtMs }) => sentAtMs);
      return sentMs.length === 0 ? undefined : (nowMs() - Math.min(...sentMs)) / 1000;
    },
    bodies: (url) => of(url).messages.map(({ body }) => body),
    longest: () => longest,
    nextMs: () => {
      const times = [...queues.values()].flatMap((queue) =>
        queue.url.includes('-dead')
          ? []
          : queue.messages.map((m) => m.visibleAtMs).filter((ms) => ms > nowMs()),
      );
      return times.length > 0 ? Math.min(...times) : undefined;
    },
    async poll(url, size, handle) {
      const queue = of(url);
      const taken = take(queue, size);
      if (taken.length === 0) return false;
      let failed = new Set<string>();
      const event = { Records: taken.map((message) => recordOf(message, arnOf(url))) };
      const invoked = await lineages.invoke(
        readerOf(url),
        taken.map(({ lineage }) => lineage),
        async () => {
          try {
            const answer = await handle(event);
            failed = new Set(answer?.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier) ?? []);
          } catch {
            failed = new Set(taken.map(({ id }) => id));
          }
        },
      );
      if (!invoked) of(queue.deadLetterUrl).messages.push(...taken.map((m) => ({ ...m, receives: 0 })));
      queue.messages = queue.messages.filter((m) => !taken.includes(m) || failed.has(m.id));
      return true;
    },
  };
  return all;
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const keyed = list.map((one) => ({ one, key: random() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ one }) => one);
}

/** The function that reads the queue. */
function readerOf(url: string): string {
  return (url.split('/').at(-1) ?? '').replace(/\.fifo$/, '');
}

/** The name in `https://sqs.us-east-1.amazonaws.com/ACCOUNT/NAME`. */
function arnOf(url: string): string {
  return `arn:aws:sqs:us-east-1:${url.split('/').slice(-2).join(':')}`;
}

function recordOf({ id, body, receives, fifo, sentAtMs }: Stored, eventSourceARN: string): SQSRecord {
  return {
    messageId: id,
    receiptHandle: id,
    body,
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: String(sentAtMs),
      SenderId: 'test',
      ApproximateFirstReceiveTimestamp: '0',
      ...(fifo && { MessageGroupId: fifo.groupId }),
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN,
    awsRegion: 'us-east-1',
  };
}
