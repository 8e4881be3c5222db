import type { DynamoDBStreamEvent, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { readWake, requireRecords } from '../adapters/queues/message-shapes.ts';
import { encodeMessage } from '../adapters/queues/messages.ts';
import { LEASE_MS } from '../core/notify/attempt.ts';
import { takeTurns } from '../core/notify/turns.ts';
import { groupTransitions } from '../core/stages/group.ts';
import { reconcileIncidents } from '../core/stages/reconcile.ts';
import { eachMessage } from './batch.ts';
import { neededQueue } from './environment.ts';
import { writeDelivery } from './health.ts';
import { lambda } from './lambda.ts';
import { batchPorts, productionServices, type Services } from './services.ts';

/** How many due incidents one call reads, to send messages for some of each channel. */
const DUE_PAGE = 5_000;
/** The time that the function keeps for due incidents, however long the outbox is. */
const REST_MS = 20_000;
/** How often, and how far ahead, notify searches for due incidents. */
const SWEEP_MS = 60_000;
/** When one call cannot send everything, the next call comes this much later. */
const MORE_AFTER_MS = 5_000;
/**
 * After this many receives the message comes only once a minute: its queue allows 200, and a tick may take 60 minutes.
 */
const MOST_HURRIED = 100;

/**
 * Groups due transitions of the outbox into incidents, and sends a message for each incident that is due soon. The
 * table's stream wakes it, and so does the message of each tick, which stays in the queue until the next tick: so it
 * needs no wake-up. None of its messages leads to a function that wakes it.
 */
export function createNotify(services: () => Services) {
  return lambda(async (event: SQSEvent | DynamoDBStreamEvent, context): Promise<SQSBatchResponse> => {
    const { clock, meter } = services();
    requireRecords(event);
    const records = event.Records.filter((record) => 'body' in record);
    try {
      const cut = AbortSignal.timeout(Math.max(0, context.getRemainingTimeInMillis() - REST_MS));
      const isMore = await groupAndEnqueue(services(), cut);
      const isFirst = records.some(({ attributes }) => attributes.ApproximateReceiveCount === '1');
      // Once a minute is enough to report undelivered alerts.
      if (records.length > 0 && (isFirst || !isMore)) await writeDelivery(services());
      return await eachMessage(
        { Records: records },
        await batchPorts(services(), context),
        async (message, record) => waitOf(readWake(message), isMore, record, clock.nowMs()),
      );
    } catch (error) {
      meter.count('notify_failures_total');
      throw error;
    }
  });
}

/**
 * The stage `group`, then a message to `deliver` for each incident that is due soon. Returns whether there is more to
 * do.
 */
async function groupAndEnqueue(services: Services, cut: AbortSignal): Promise<boolean> {
  const { environment, clock, logger, meter, ...ports } = services;
  const [config, state, queues] = await Promise.all([ports.config(), ports.state(), ports.queues()]);
  await groupTransitions(config, { state, clock, logger, meter }, cut);
  await reconcileIncidents(config, { state, clock, logger, meter }, { alone: false });
  const nowMs = clock.nowMs();
  // Incidents that a sender has count too: they are due when the lease ends.
  const due = await state.dueIncidents(nowMs + LEASE_MS, DUE_PAGE);
  const isSoon = ({ value: { dueAtMs = 0, attempt } }: (typeof due)[number]) =>
    dueAtMs <= nowMs + SWEEP_MS || attempt?.leaseUntilMs !== undefined;
  const { taken, leftOut } = takeTurns(due.filter(isSoon), nowMs);
  // SQS drops a second message with the same id for five minutes, also when the first was read. Each attempt changes
  // the version of its incident; the minute lets the next sweep replace a lost message.
  const minute = Math.floor(nowMs / SWEEP_MS);
  await queues.send(
    neededQueue(environment, 'BARTIZAN_DELIVER_QUEUE'),
    taken.map(({ value, version }) => ({
      body: encodeMessage({ incidentId: value.id }),
      fifo: { groupId: value.id, deduplicationId: `${value.id}-${version}-${minute}` },
    })),
  );
  return cut.aborted || leftOut > 0 || due.length >= DUE_PAGE;
}

/**
 * How long the message of a tick waits for the next sweep: a minute, or less when there is more to do now. Undefined
 * when the next tick comes before.
 */
function waitOf(
  { untilMs = 0 }: ReturnType<typeof readWake>,
  isMore: boolean,
  record: SQSRecord,
  nowMs: number,
): number | undefined {
  const isHurried = isMore && Number(record.attributes.ApproximateReceiveCount) < MOST_HURRIED;
  const waitMs = isHurried ? MORE_AFTER_MS : SWEEP_MS;
  return nowMs + waitMs < untilMs ? waitMs : undefined;
}

export const handler = createNotify(productionServices);
