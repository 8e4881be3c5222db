import { setTimeout as delay } from 'node:timers/promises';
import type { SQSEvent } from 'aws-lambda';
import { createOwnThread } from '../adapters/charts/own-thread.ts';
import { createChartRenderer } from '../adapters/charts/renderer.ts';
import { deliverIncident } from '../core/stages/deliver.ts';
import { createDraw } from '../core/stages/draw.ts';
import { eachMessage } from './batch.ts';
import { lambda } from './lambda.ts';
import { wakeAtNextDue } from './notify.ts';
import { batchPorts, theWorld, type World } from './world.ts';

/** Left of the function's time to record what became of a message. */
const REST_MS = 5_000;

/** Says what an incident has to say. Messages of one incident come one after the other, from a FIFO queue. */
export function createDeliver(world: () => World) {
  const renderer = createChartRenderer();
  return lambda(async (event: SQSEvent, context) => {
    const { clock, logger, meter, secrets, ...ports } = world();
    const answer = await eachMessage(event, await batchPorts(world()), async (message) => {
      const config = await ports.config();
      const charts = await ports.charts();
      const store = await ports.store();
      // A call is one message: there is nothing else that drawing could hold up.
      const drawer = createOwnThread(store, renderer);
      const draw = createDraw({ drawer, charts, config });
      const sleep = async (ms: number, signal: AbortSignal) => {
        await delay(ms, undefined, { signal }).catch(() => undefined);
      };
      const ready = {
        state: await ports.state(),
        channels: await ports.channels(),
        store,
        draw,
        sleep,
        clock,
        logger,
        meter,
        secrets,
      };
      const signal = AbortSignal.timeout(Math.max(1_000, context.getRemainingTimeInMillis() - REST_MS));
      await deliverIncident((message as { incidentId: string }).incidentId, config, ready, signal);
    });
    await wakeAtNextDue(world());
    return answer;
  });
}

export const handler = createDeliver(theWorld);
