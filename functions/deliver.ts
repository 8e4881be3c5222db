import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { createOwnThread } from '../adapters/charts/own-thread.ts';
import { createChartRenderer } from '../adapters/charts/renderer.ts';
import { readIncidentMessage } from '../adapters/queues/message-shapes.ts';
import type { Clock, StateStore } from '../core/ports.ts';
import { deliverIncident } from '../core/stages/deliver.ts';
import { createDraw } from '../core/stages/draw.ts';
import { epochOfTable } from '../core/stages/epoch.ts';
import { eachMessage } from './batch.ts';
import { lambda } from './lambda.ts';
import { batchPorts, productionServices, type Services } from './services.ts';

/** The time that the function keeps for recording the outcome of a message. */
const REST_MS = 5_000;
/** Notify sends messages for incidents that are due later: it runs each minute and reads a minute ahead. */
const AHEAD_MS = 90_000;
/** A waiting message delays later messages of its incident by at most this. */
const LONGEST_WAIT_MS = 15_000;
/** The shortest wait: the clocks of two functions differ by less. */
const SHORTEST_WAIT_MS = 1_000;

/**
 * Sends the messages of an incident. The FIFO queue hands out one message of an incident at a time. When the incident
 * is due again soon, its message waits in the queue.
 */
export function createDeliver(services: () => Services) {
  const renderer = createChartRenderer();
  return lambda(async (event: SQSEvent, context) => {
    const { clock, logger, meter, secrets, environment, ...ports } = services();
    return eachMessage(event, await batchPorts(services(), context), async (message, record) => {
      const { incidentId } = readIncidentMessage(message);
      const config = await ports.config();
      const charts = await ports.charts();
      const store = await ports.store();
      // A call handles one message, so drawing delays no other.
      const drawer = createOwnThread(store, renderer);
      const draw = createDraw({ drawer, charts, config });
      const remainingMs = () => context.getRemainingTimeInMillis() - REST_MS;
      const state = await ports.state();
      const ready = {
        state,
        epoch: () => epochOfTable(environment.BARTIZAN_TABLE, state),
        channels: await ports.channels(),
        store,
        draw,
        sleep: ports.sleep,
        clock,
        logger,
        meter,
        secrets,
        remainingMs,
      };
      const signal = AbortSignal.timeout(Math.max(1_000, remainingMs()));
      await deliverIncident(incidentId, config, ready, signal);
      return waitOf(incidentId, record, ready);
    });
  });
}

/** How long the message waits until its incident is due again; undefined when notify sends another message by then. */
async function waitOf(
  incidentId: string,
  { attributes }: SQSRecord,
  { state, clock }: { state: StateStore; clock: Clock },
): Promise<number | undefined> {
  const incident = (await state.loadIncident(incidentId))?.value;
  const nowMs = clock.nowMs();
  const dueInMs = (incident?.closedAtMs === undefined ? (incident?.dueAtMs ?? Infinity) : Infinity) - nowMs;
  // Notify sends a message each minute for an incident that stays due: each waits a limited time, so that they do not
  // accumulate.
  if (dueInMs > AHEAD_MS || nowMs - Number(attributes.SentTimestamp) > AHEAD_MS) return undefined;
  return Math.min(LONGEST_WAIT_MS, Math.max(SHORTEST_WAIT_MS, dueInMs));
}

export const handler = createDeliver(productionServices);
