import type { SQSEvent } from 'aws-lambda';
import { readBatch } from '../adapters/queues/message-shapes.ts';
import { answeredMessages, observationMessages, repeatMessages } from '../adapters/queues/messages.ts';
import { describeError } from '../core/errors.ts';
import type { AuditEntry } from '../core/model/audit.ts';
import type { Batch } from '../core/model/batch.ts';
import type { Observation } from '../core/model/observation.ts';
import { hasAnswered } from '../core/parse/samples.ts';
import { probe } from '../core/stages/probe.ts';
import { eachMessage } from './batch.ts';
import { neededQueue } from './environment.ts';
import { lambda } from './lambda.ts';
import { batchPorts, productionServices, type Services } from './services.ts';

/** The time that the function keeps for sending observations and the audit. */
const REST_MS = 5_000;

/**
 * Observations that exist by then are sent without waiting for silent nodes of the batch, because rules are evaluated
 * half a minute after the start. Most batches end before. The whole batch contains them again.
 */
const ANSWERED_AFTER_MS = 10_000;

/**
 * An entry of the audit: an earlier try of the batch did not end. If its function was killed, the accesses since its
 * last write are missing there.
 */
const AGAIN = 'tried-again';

/** Probes the targets of a batch, and sends the observations to the queue of store. */
export function createProbe(services: () => Services) {
  return lambda(async (event: SQSEvent, context) => {
    const { environment, clock, logger, meter, state, ...ports } = services();
    return eachMessage(event, await batchPorts(services(), context), async (message, record) => {
      const batch = readBatch(message);
      // Clusters of sources may be new since the last batch; without sources nothing is read.
      await (await ports.fleet('logins')).list();
      const { prober, audit } = await ports.prober();
      const anchor = async () => {
        const { writer, sequence, hash } = audit.head();
        await (await state()).putAuditHead(writer, { sequence, hash, atMs: batch.roundMs });
      };
      if (Number(record.attributes.ApproximateReceiveCount) > 1) {
        await Promise.all([audit.append([triedAgain(batch, clock.nowMs())]), audit.flush?.()]);
        await anchor();
      }
      const signal = AbortSignal.timeout(Math.max(1_000, context.getRemainingTimeInMillis() - REST_MS));
      const send = async (bodies: readonly string[]) =>
        (await ports.queues()).send(
          neededQueue(environment, 'BARTIZAN_STORE_QUEUE'),
          bodies.map((body) => ({ body })),
        );
      const answered: Observation[] = [];
      const early = setTimeout(() => {
        if (answered.length === 0) return;
        send(answeredMessages(batch, answered)).catch((error: unknown) =>
          logger.warn('observations wait for their batch', { error: describeError(error) }),
        );
      }, ANSWERED_AFTER_MS);
      const onNode = (ofNode: readonly Observation[]) => {
        if (hasAnswered(ofNode)) answered.push(...ofNode);
      };
      const observation = await probe(batch, { prober, clock, logger, meter }, { signal, onNode })
        .catch((error: unknown) => {
          meter.count('batches_failed_total', { bastion: batch.bastion });
          throw error;
        })
        .finally(() => clearTimeout(early));
      if (!observation) return;
      const tooLarge = ({ check, target: { cluster, node } }: Observation) => {
        meter.count('observations_too_large_total', { check });
        logger.warn('the observation of a check on a node exceeds a message: it counts as failed', {
          check,
          cluster,
          node,
        });
      };
      await send([...observationMessages(observation, tooLarge), ...repeatMessages(observation)]);
      await anchor();
    });
  });
}

function triedAgain({ bastion, index, count, roundMs }: Batch, atMs: number): AuditEntry {
  const batch = `${index + 1} of ${count}, round ${new Date(roundMs).toISOString()}`;
  return { atMs, kind: 'probe', actor: 'bartizan', bastion, batch, durationMs: 0, bytes: 0, outcome: AGAIN };
}

export const handler = createProbe(productionServices);
