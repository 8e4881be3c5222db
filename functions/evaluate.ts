import type { SQSEvent } from 'aws-lambda';
import { tickIntervalMs } from '../core/plan/plan.ts';
import type { Shard } from '../core/plan/shards.ts';
import type { SampleStore } from '../core/ports.ts';
import { evaluate } from '../core/stages/evaluate.ts';
import { eachMessage } from './batch.ts';
import { MISSING_ROUNDS, partsBehind, writeHealth, writeJudged } from './health.ts';
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
      const ready = { store: await ports.store(), state: await ports.state(), clock, logger, meter };
      await evaluate({ config, targets, roundMs, shard }, ready);
      const lagMs = clock.nowMs() - roundMs;
      meter.gauge('evaluation_lag_seconds', lagMs / 1000);
      const bucket = await ports.bucket();
      if (shard.kind === 'clusters') return writeJudged(bucket, shard, roundMs);
      // The whole, or the fleet, which is judged last: it speaks for the round.
      const sinceMs = roundMs - MISSING_ROUNDS * tickIntervalMs(config.checks);
      const behind = shard.kind === 'fleet' ? await partsBehind(bucket, shard.count, sinceMs) : [];
      if (behind.length > 0) {
        meter.count('parts_behind_total', {}, behind.length);
        logger.error('parts of the fleet were not judged lately: the round does not count as complete', {
          parts: behind.join(', '),
        });
        return;
      }
      meter.count('rounds_total');
      await writeHealth(bucket, { roundMs, completedAtMs: clock.nowMs() });
      const heartbeat = await ports.heartbeat();
      if (!heartbeat) return;
      if (targets.length === 0 || (await wasSeen(sinceMs, ready.store))) await heartbeat.beat();
      else logger.warn('no heartbeat: of the last rounds nothing is in the store');
    });
  });
}

/** Whether rounds get as far as the store: what judges them would go on by itself where no batch is probed any more. */
async function wasSeen(sinceMs: number, store: Pick<SampleStore, 'latest'>): Promise<boolean> {
  return (await store.latest({ metric: 'bastion_up', sinceMs })).length > 0;
}

export const handler = createEvaluate(theWorld);
