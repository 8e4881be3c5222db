import type { SQSEvent } from 'aws-lambda';
import { readObservations } from '../adapters/queues/message-shapes.ts';
import { isPartial } from '../adapters/queues/messages.ts';
import type { BatchObservation } from '../core/model/observation.ts';
import { shardsOf } from '../core/plan/shards.ts';
import { store, storeAnswered } from '../core/stages/store.ts';
import { eachMessage } from './batch.ts';
import { lambda } from './lambda.ts';
import { batchPorts, productionServices, type Services } from './services.ts';

/**
 * Writes observations to the store. While the store fails, messages wait in the queue; samples that are then too late
 * are kept only for evaluation. The oldest rounds are written first, as a Prometheus-compatible store requires; a
 * standard queue hands them out in any order.
 */
export function createStore(services: () => Services) {
  return lambda(async (event: SQSEvent, context) => {
    const { clock, logger, meter, environment, ...ports } = services();
    const handle = async (message: unknown) => {
      const seen = readObservations(message);
      const settings = { config: await ports.config(), shards: shardsOf(environment.BARTIZAN_SHARDS) };
      const ready = { store: await ports.store(), state: await ports.state(), clock, logger, meter };
      if (isPartial(seen)) await storeAnswered(seen, ready, settings);
      else await store(seen, ready, settings);
    };
    // Before the message is known to be one of ours.
    const roundOf = (message: unknown) => (message as Partial<BatchObservation> | null)?.batch?.roundMs ?? 0;
    return eachMessage(event, await batchPorts(services(), context), handle, roundOf);
  });
}

export const handler = createStore(productionServices);
