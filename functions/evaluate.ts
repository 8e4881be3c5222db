import type { SQSEvent } from 'aws-lambda';
import type { Shard } from '../core/plan/shards.ts';
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
    });
  });
}

/** One of the shards stands for the round where rounds are counted. */
function isFirst(shard: Shard): boolean {
  return shard.kind === 'whole' || (shard.kind === 'clusters' && shard.index === 0);
}

export const handler = createEvaluate(theWorld);
