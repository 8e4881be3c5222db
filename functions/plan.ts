import { randomUUID } from 'node:crypto';
import { readTick } from '../adapters/queues/message-shapes.ts';
import { evaluationMessage, tickMessage } from '../adapters/queues/messages.ts';
import { ConfigError } from '../core/errors.ts';
import { SCHEDULER_PRECISION_MS, tickIntervalMs } from '../core/plan/plan.ts';
import { shardsOf } from '../core/plan/shards.ts';
import { plan } from '../core/stages/plan.ts';
import { neededQueue } from './environment.ts';
import { lambda } from './lambda.ts';
import { claimRound, endClaim } from './planned.ts';
import { openRound } from './round-account.ts';
import { sendBatches } from './send-batches.ts';
import { productionServices, type Services } from './services.ts';

/** The event that the schedule sends. */
export interface Tick {
  /** ISO 8601: the scheduled time, not that of the call. */
  scheduledTime: string;
}

/**
 * How long after its planning a round is evaluated. The next evaluation reads late samples, and may change the result.
 */
const EVALUATE_AFTER_S = 30;
/** The cross-cluster shard merges the partials of the others, so it comes after them. */
const EVALUATE_FLEET_AFTER_S = 45;

/**
 * Plans a round: sends a tick to notify, batches to the queues of their bastions, an evaluation for each shard. A start
 * without a due round does nothing.
 */
export function createPlan(services: () => Services) {
  return lambda(async (event: Tick, context) => {
    const { scheduledTime } = readTick(event);
    const { activate, clock, logger, meter, ...ports } = services();
    if (!(await activate())) {
      // Normal between the first deployment and its upload: a failure would be retried, and start an alarm.
      meter.count('rounds_unconfigured_total');
      logger.warn('there is no active configuration: nothing is planned until a valid one is uploaded');
      return { batches: 0 };
    }
    const { config } = await ports.fleet('all');
    const nowMs = clock.nowMs();
    const roundMs = roundOf(scheduledTime, tickIntervalMs(config.checks), nowMs);
    const bucket = await ports.bucket();
    const claim = { roundMs, by: randomUUID(), untilMs: nowMs + context.getRemainingTimeInMillis() };
    if (!(await claimRound(bucket, claim, nowMs))) {
      meter.count('rounds_not_due_total');
      return { roundMs, batches: 0 };
    }
    try {
      const batches = await sendRound(services(), roundMs);
      await endClaim(bucket, claim, 'planned');
      meter.count('rounds_planned_total');
      return { roundMs, batches };
    } catch (error) {
      await endClaim(bucket, claim, 'given up').catch(() => {});
      throw error;
    }
  });
}

/** Returns the number of its batches. */
async function sendRound(services: Services, roundMs: number): Promise<number> {
  const { environment, meter, logger, clock } = services;
  const fleet = await services.fleet('all');
  const { config } = fleet;
  const queues = await services.queues();
  const tickMs = tickIntervalMs(config.checks);
  // Due messages are sent even if the round cannot be planned, and until the next round has surely started.
  const tick = { body: tickMessage(roundMs + tickMs + SCHEDULER_PRECISION_MS) };
  await queues.send(neededQueue(environment, 'BARTIZAN_NOTIFY_QUEUE'), [tick]);
  const request = { roundMs, precisionMs: SCHEDULER_PRECISION_MS, config };
  const { batches } = await plan(request, { inventory: fleet, clock });
  const probeQueues = environment.BARTIZAN_PROBE_QUEUES ?? {};
  // A batch without a queue is not due: below it counts as failed. That happens to a bastion between the deployment
  // that removed it and the upload after that.
  const due = batches.filter(({ bastion }) => probeQueues[bastion] !== undefined);
  await openRound({ roundMs, config, batches: due }, services);
  const evaluateQueue = neededQueue(environment, 'BARTIZAN_EVALUATE_QUEUE');
  const queueOf = (bastion: string) => {
    const name = probeQueues[bastion];
    return name === undefined ? undefined : new URL(name, evaluateQueue).href;
  };
  await sendBatches(batches, { queues, queueOf, logger, meter });
  const tickS = tickMs / 1000;
  await queues.send(
    evaluateQueue,
    shardsOf(environment.BARTIZAN_SHARDS).map((shard) => ({
      body: evaluationMessage(roundMs, shard),
      delaySeconds:
        shard.kind === 'crossCluster'
          ? Math.min(EVALUATE_FLEET_AFTER_S, Math.floor((tickS * 3) / 4))
          : Math.min(EVALUATE_AFTER_S, Math.floor(tickS / 2)),
    })),
  );
  return batches.length;
}

/**
 * An emulator leaves the schedule's placeholder unchanged, and starts within the tick. @throws ConfigError for an
 * invalid time
 */
function roundOf(scheduledTime: string, tickMs: number, nowMs: number): number {
  const ms = scheduledTime === '<aws.scheduler.scheduled-time>' ? nowMs : Date.parse(scheduledTime);
  if (Number.isNaN(ms)) throw new ConfigError(`scheduledTime: ${scheduledTime} is no time`);
  return Math.floor(ms / tickMs) * tickMs;
}

export const handler = createPlan(productionServices);
