import type { SQSEvent } from 'aws-lambda';
import { readEvaluation } from '../adapters/queues/message-shapes.ts';
import { holdsHeartbeat } from '../core/health.ts';
import { tickIntervalMs } from '../core/plan/plan.ts';
import { shardName, shardsOf } from '../core/plan/shards.ts';
import { evaluateShard } from '../core/stages/evaluate.ts';
import { writeFleetSamples } from '../core/stages/fleet-samples.ts';
import { eachMessage } from './batch.ts';
import { type DeliveryHealth, isEvaluatedFurther, readDelivery, writeEvaluated } from './health.ts';
import { lambda } from './lambda.ts';
import { closeRound } from './round-account.ts';
import { batchPorts, productionServices, type Services } from './services.ts';

/** Evaluates a shard up to a round. Twice, late, or beside another call, the result is the same. */
export function createEvaluate(services: () => Services) {
  return lambda(async (event: SQSEvent, context) => {
    const { clock, logger, meter, environment, ...ports } = services();
    return eachMessage(event, await batchPorts(services(), context), async (message) => {
      const { roundMs, shard } = readEvaluation(message);
      const bucket = await ports.bucket();
      if (await isEvaluatedFurther(bucket, shard, { roundMs, nowMs: clock.nowMs() }, logger)) {
        meter.count('evaluations_outdated_total');
        const round = new Date(roundMs).toISOString();
        logger.info('evaluation dropped: a later round is evaluated already', {
          shard: shardName(shard),
          round,
        });
        return;
      }
      const fleet = await ports.fleet(shard);
      const { config } = fleet;
      const targets = await fleet.list();
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
      let listed: ReturnType<typeof ready.state.listTargetStatus> | undefined;
      const statuses = () => (listed ??= ready.state.listTargetStatus());
      if (shard.kind !== 'clusters') {
        const settings = { config, shards: shardsOf(environment.BARTIZAN_SHARDS) };
        await writeFleetSamples({ roundMs, targets, answers: fleet.answers(), statuses }, ready, settings);
      }
      await evaluateShard({ config, targets, roundMs, shard }, ready);
      const nowMs = clock.nowMs();
      meter.gauge('evaluation_lag_seconds', (nowMs - roundMs) / 1000);
      await writeEvaluated(bucket, shard, { roundMs, failedRules: failed.size, nowMs });
      if (shard.kind === 'clusters') return;
      // The shard that is evaluated last closes the round.
      const round = await closeRound(
        { config, roundMs, shard, failedRules: failed.size, statuses },
        services(),
      );
      if (!round?.isComplete) return;
      const heartbeat = await ports.heartbeat();
      if (!heartbeat) return;
      const times = { nowMs: clock.nowMs(), tickMs: tickIntervalMs(config.checks) };
      const why = round.isSeen
        ? undeliverable(await readDelivery(bucket, times, logger), round.isFirst)
        : 'no node was seen in the last rounds';
      if (why === undefined) return heartbeat.beat();
      meter.count('heartbeats_withheld_total');
      logger.warn('no heartbeat: alerts may not be sent', { why });
    });
  });
}

/** Why alerts may not be sent. In the first round notify has not reported yet. */
function undeliverable(delivery: DeliveryHealth | undefined, isFirst: boolean): string | undefined {
  if (!delivery) return isFirst ? undefined : 'notify has never reported undelivered alerts';
  return holdsHeartbeat(delivery)?.words;
}

export const handler = createEvaluate(productionServices);
