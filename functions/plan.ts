import { encodeMessage, wakeMessage } from '../adapters/queues/messages.ts';
import { ConfigError } from '../core/errors.ts';
import { tickIntervalMs } from '../core/plan/plan.ts';
import { shardsOf } from '../core/plan/shards.ts';
import { plan } from '../core/stages/plan.ts';
import { neededQueue } from './environment.ts';
import { lambda } from './lambda.ts';
import { theWorld, type World } from './world.ts';

/** What the schedule sends. */
export interface Tick {
  /** ISO 8601: the scheduled time, not that of the call. */
  scheduledTime: string;
}

/** A round is judged so long after its start, and again with the next: samples that are late change the verdict then. */
const EVALUATE_AFTER_S = 30;
/** The fleet is judged of what the others have added: after them, or it would wait for the next round. */
const EVALUATE_FLEET_AFTER_S = 45;

/** Plans a round: batches to the queues of their bastions, an evaluation for each shard, a look at what is due. */
export function createPlan(world: () => World) {
  return lambda(async ({ scheduledTime }: Tick) => {
    const { environment, meter, logger, activate, ...ports } = world();
    await activate();
    const config = await ports.config();
    const roundMs = roundOf(scheduledTime, tickIntervalMs(config.checks), ports.clock.nowMs());
    const { batches } = await plan({ roundMs, config }, { inventory: await ports.fleet() });
    const queues = await ports.queues();
    const probeQueues = environment.BARTIZAN_PROBE_QUEUES ?? {};
    const evaluateQueue = neededQueue(environment, 'BARTIZAN_EVALUATE_QUEUE');
    for (const [bastion, mine] of Map.groupBy(batches, (batch) => batch.bastion)) {
      const name = probeQueues[bastion];
      if (name === undefined) {
        meter.count('batches_failed_total', {}, mine.length);
        logger.error('a bastion has no queue: deploy again with this configuration', { bastion });
        continue;
      }
      await queues.send(
        new URL(name, evaluateQueue).href,
        mine.map((batch) => ({ body: encodeMessage(batch) })),
      );
    }
    const tickS = tickIntervalMs(config.checks) / 1000;
    await queues.send(
      evaluateQueue,
      shardsOf(environment.BARTIZAN_SHARDS).map((shard) => ({
        body: encodeMessage({ roundMs, shard }),
        delaySeconds:
          shard.kind === 'fleet'
            ? Math.min(EVALUATE_FLEET_AFTER_S, Math.floor((tickS * 3) / 4))
            : Math.min(EVALUATE_AFTER_S, Math.floor(tickS / 2)),
      })),
    );
    await queues.send(neededQueue(environment, 'BARTIZAN_NOTIFY_QUEUE'), [{ body: wakeMessage('tick') }]);
    meter.count('rounds_planned_total');
    return { roundMs, batches: batches.length };
  });
}

/** An emulator leaves the schedule's placeholder as it is, and starts within the tick. @throws ConfigError for no time */
function roundOf(scheduledTime: string, tickMs: number, nowMs: number): number {
  const ms = scheduledTime === '<aws.scheduler.scheduled-time>' ? nowMs : Date.parse(scheduledTime);
  if (Number.isNaN(ms)) throw new ConfigError(`scheduledTime: ${scheduledTime} is no time`);
  return Math.floor(ms / tickMs) * tickMs;
}

export const handler = createPlan(theWorld);
