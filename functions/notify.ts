import type { DynamoDBStreamEvent, SQSEvent } from 'aws-lambda';
import { encodeMessage, wakeMessage } from '../adapters/queues/messages.ts';
import { fanOut } from '../core/stages/fan-out.ts';
import { reconcileIncidents } from '../core/stages/reconcile.ts';
import { neededQueue } from './environment.ts';
import { writeDelivery } from './health.ts';
import { lambda } from './lambda.ts';
import { theWorld, type World } from './world.ts';

/** Of incidents that are handed on in one call. */
const DUE_PAGE = 1_000;
/** Left of the function's time for what is due, however long the outbox is. */
const REST_MS = 20_000;
/** When there is more than one call can do: the next comes so much later, when some of it was delivered. */
const MORE_AFTER_S = 5;
/** What is due later than the next tick, that one sees to. */
const SOON_MS = 60_000;

/**
 * Takes what is due from the outbox into incidents, and has those that are due delivered. Woken by the table's stream,
 * by its queue, and at every tick: it looks for itself what is to be done, so that no wake-up need arrive.
 */
export function createNotify(world: () => World) {
  return lambda(async (event: SQSEvent | DynamoDBStreamEvent, context) => {
    const { meter } = world();
    try {
      await handOn(world(), AbortSignal.timeout(Math.max(0, context.getRemainingTimeInMillis() - REST_MS)));
      // Once a round is enough to say what is undelivered.
      if (isTick(event)) await writeDelivery(world());
    } catch (error) {
      meter.count('notify_failures_total');
      throw error;
    }
  });
}

async function handOn(world: World, cut: AbortSignal): Promise<void> {
  const { environment, clock, logger, meter, ...ports } = world;
  const [config, state, queues] = await Promise.all([ports.config(), ports.state(), ports.queues()]);
  await fanOut(config, { state, clock, logger, meter }, cut);
  await reconcileIncidents(config, { state, clock, logger, meter }, { alone: false });
  const due = await state.dueIncidents(clock.nowMs(), DUE_PAGE);
  await queues.send(
    neededQueue(environment, 'BARTIZAN_DELIVER_QUEUE'),
    due.map(({ value, version }) => ({
      body: encodeMessage({ incidentId: value.id }),
      fifo: { groupId: value.id, deduplicationId: `${value.id}-${version}` },
    })),
  );
  if (!cut.aborted && due.length < DUE_PAGE) return wakeAtNextDue(world);
  await queues.send(neededQueue(environment, 'BARTIZAN_NOTIFY_QUEUE'), [
    { body: wakeMessage('more'), delaySeconds: MORE_AFTER_S },
  ]);
}

function isTick({ Records }: SQSEvent | DynamoDBStreamEvent): boolean {
  return Records.some((record) => 'body' in record && record.body === wakeMessage('tick'));
}

/** Sends a wake-up for what is due before the next tick. */
export async function wakeAtNextDue({ environment, clock, ...ports }: World): Promise<void> {
  const nextMs = await (await ports.state()).nextDueMs();
  const waitMs = (nextMs ?? Number.POSITIVE_INFINITY) - clock.nowMs();
  if (waitMs <= 0 || waitMs > SOON_MS) return;
  await (await ports.queues()).send(neededQueue(environment, 'BARTIZAN_NOTIFY_QUEUE'), [
    { body: wakeMessage('due'), delaySeconds: Math.ceil(waitMs / 1000) },
  ]);
}

export const handler = createNotify(theWorld);
