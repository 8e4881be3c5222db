import type { SQSEvent } from 'aws-lambda';
import { observationMessages } from '../adapters/queues/messages.ts';
import type { Batch } from '../core/model.ts';
import { probe } from '../core/stages/probe.ts';
import { eachMessage } from './batch.ts';
import { neededQueue } from './environment.ts';
import { lambda } from './lambda.ts';
import { batchPorts, theWorld, type World } from './world.ts';

/** Left of the function's time for what follows the probing. */
const REST_MS = 5_000;

/** Probes the targets of a batch; what was seen goes to the store's queue. */
export function createProbe(world: () => World) {
  return lambda(async (event: SQSEvent, context) => {
    const { environment, clock, logger, meter, state, ...ports } = world();
    return eachMessage(event, await batchPorts(world()), async (message) => {
      const batch = message as Batch;
      // Clusters of sources may be new since the last batch; without sources it asks nobody.
      await (await ports.fleet()).list();
      const { prober, audit } = await ports.prober();
      const signal = AbortSignal.timeout(Math.max(1_000, context.getRemainingTimeInMillis() - REST_MS));
      const observation = await probe(batch, { prober, clock, logger, meter }, { signal });
      if (!observation) return;
      const messages = observationMessages(observation).map((body) => ({ body }));
      await (await ports.queues()).send(neededQueue(environment, 'BARTIZAN_STORE_QUEUE'), messages);
      const { writer, sequence, hash } = audit.head();
      await (await state()).putAuditHead(writer, { sequence, hash, atMs: batch.roundMs });
    });
  });
}

export const handler = createProbe(theWorld);
