import type { SQSEvent } from 'aws-lambda';
import { holdsHeartbeat } from '../core/health.ts';
import { tickIntervalMs } from '../core/plan/plan.ts';
import type { Shard } from '../core/plan/shards.ts';
import type { SampleStore } from '../core/ports.ts';
import { evaluate } from '../core/stages/evaluate.ts';
import { eachMessage } from './batch.ts';
import {
  type DeliveryHealth,
  MISSING_ROUNDS,
  readDelivery,
  readHealth,
  readJudged,
  writeHealth,
  writeJudged,
} from './health.ts';
import { lambda } from './lambda.ts';
import { batchPorts, theWorld, type World } from './world.ts';

/** Judges a shard up to a round. Twice, late or at once with another: the same verdicts. */
export function createEvaluate(world: () => World) {
  return lambda(async (event: SQSEvent) => {
    const { clock, logger, meter, ...ports } = world();
    return eachMessage(event, await batchPorts(world()), async (message) => {
      const { roundMs, shard } = message as { roundMs: number; shard: Shard };
      const config = await ports.config();
      const targets = await (await ports.fleet()).list();
      const failed = new Set<string>();
      const onRuleFailed = (rule: string) => void failed.add(rule);
      const ready = {
        store: await ports.store(),
        state: await ports.state(),
        clock,
        logger,
        meter,
        onRuleFailed,
      };
      await evaluate({ config, targets, roundMs, shard }, ready);
      const lagMs = clock.nowMs() - roundMs;
      meter.gauge('evaluation_lag_seconds', lagMs / 1000);
      const bucket = await ports.bucket();
      if (shard.kind === 'clusters') return writeJudged(bucket, shard, roundMs, failed.size);
      // The whole, or the fleet, which is judged last: it speaks for the round.
      const tickMs = tickIntervalMs(config.checks);
      const sinceMs = roundMs - MISSING_ROUNDS * tickMs;
      const parts = shard.kind === 'fleet' ? shard.count : 0;
      const { behind, failedRules } = await readJudged(bucket, parts, sinceMs);
      if (behind.length > 0) {
        meter.count('parts_behind_total', {}, behind.length);
        logger.error('parts of the fleet were not judged lately: the round does not count as complete', {
          parts: behind.join(', '),
        });
        return;
      }
      meter.count('rounds_total');
      const isFirst = (await readHealth(bucket)) === undefined;
      const completedAtMs = clock.nowMs();
      await writeHealth(bucket, { roundMs, completedAtMs, failedRules: failedRules + failed.size });
      const heartbeat = await ports.heartbeat();
      if (!heartbeat) return;
      const why =
        (targets.length === 0 || (await wasSeen(sinceMs, ready.store))
          ? undefined
          : 'no node was seen in the last rounds') ??
        undeliverable(await readDelivery(bucket, { nowMs: completedAtMs, tickMs }), isFirst);
      if (why === undefined) return heartbeat.beat();
      meter.count('heartbeats_withheld_total');
      logger.warn('no heartbeat: alerts may not leave', { why });
    });
  });
}

/** Whether a node was up: what judges rounds would go on by itself where none is reached, or no batch probed, any more. */
async function wasSeen(sinceMs: number, store: Pick<SampleStore, 'latest'>): Promise<boolean> {
  const isUp = async (metric: string) =>
    (await store.latest({ metric, sinceMs })).some(({ points }) => points.at(-1)?.value === 1);
  // Bastions first: they are few.
  return (await isUp('bastion_up')) && (await isUp('up'));
}

/** Why alerts may not leave. Of the first round notify has not spoken yet. */
function undeliverable(delivery: DeliveryHealth | undefined, isFirst: boolean): string | undefined {
  if (!delivery) return isFirst ? undefined : 'notify has never said what is undelivered';
  return holdsHeartbeat(delivery)?.words;
}

export const handler = createEvaluate(theWorld);
