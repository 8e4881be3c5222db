import type { SQSEvent } from 'aws-lambda';
import type { Config } from '../core/config/types.ts';
import type { Shard } from '../core/plan/shards.ts';
import type { SampleStore } from '../core/ports.ts';
import { evaluate } from '../core/stages/evaluate.ts';
import { eachMessage } from './batch.ts';
import { HEALTH_KEY } from './history.ts';
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
      const ready = { store: await ports.store(), state: await ports.state(), logger, meter };
      await evaluate({ config, targets, roundMs, shard }, ready);
      const lagMs = clock.nowMs() - roundMs;
      meter.gauge('evaluation_lag_seconds', lagMs / 1000);
      if (!isFirst(shard)) return;
      meter.count('rounds_total');
      const health = JSON.stringify({ roundMs, completedAtMs: clock.nowMs() });
      await (await ports.bucket()).put(HEALTH_KEY, Buffer.from(health), { contentType: 'application/json' });
      const heartbeat = await ports.heartbeat();
      if (!heartbeat) return;
      if (targets.length === 0 || (await wasSeen(roundMs, config, ready.store))) await heartbeat.beat();
      else logger.warn('no heartbeat: of the last rounds nothing is in the store');
    });
  });
}

/** Rounds that may be missing before the watcher is no longer told that all is well. */
const MISSING_ROUNDS = 3;

/** Whether rounds get as far as the store: what judges them would go on by itself where no batch is probed any more. */
async function wasSeen(
  roundMs: number,
  { checks }: Pick<Config, 'checks'>,
  store: Pick<SampleStore, 'latest'>,
): Promise<boolean> {
  const sinceMs = roundMs - MISSING_ROUNDS * Math.min(...checks.map(({ everyMs }) => everyMs));
  return (await store.latest({ metric: 'bastion_up', sinceMs })).length > 0;
}

/** One of the shards stands for the round where rounds are counted. */
function isFirst(shard: Shard): boolean {
  return shard.kind === 'whole' || (shard.kind === 'clusters' && shard.index === 0);
}

export const handler = createEvaluate(theWorld);
