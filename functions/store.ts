import type { SQSEvent } from 'aws-lambda';
import type { BatchObservation } from '../core/model.ts';
import { store } from '../core/stages/store.ts';
import { eachMessage } from './batch.ts';
import { lambda } from './lambda.ts';
import { batchPorts, theWorld, type World } from './world.ts';

/** Writes what was seen. While the store is out, its messages wait in the queue: nothing is lost. */
export function createStore(world: () => World) {
  return lambda(async (event: SQSEvent) => {
    const { clock, logger, meter, ...ports } = world();
    return eachMessage(event, await batchPorts(world()), async (message) => {
      const { schedule } = await ports.config();
      const ready = { store: await ports.store(), state: await ports.state(), clock, logger, meter };
      await store(message as BatchObservation, ready, schedule.latenessMs);
    });
  });
}

export const handler = createStore(theWorld);
