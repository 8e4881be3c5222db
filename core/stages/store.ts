import type { BatchObservation } from '../model.ts';
import { samplesOf } from '../parse/samples.ts';
import type { Clock, Logger, Meter, SampleStore, StateStore, TargetStatus, WriteResult } from '../ports.ts';

/**
 * Writes what a batch saw: its samples, and per target how its check ended. Safe to repeat: the first write of a
 * sample wins. @throws RetryableError when nothing was written
 */
export async function store(
  observation: BatchObservation,
  ports: { store: SampleStore; state: StateStore; clock: Clock; logger: Logger; meter: Meter },
  latenessMs: number,
): Promise<WriteResult> {
  const result = await ports.store.write(samplesOf(observation));
  // Kept, but no verdict looks back that far.
  const late = observation.batch.roundMs < ports.clock.nowMs() - latenessMs;
  ports.meter.count('samples_not_judged_total', {}, late ? result.written : 0);
  ports.meter.count('samples_written_total', {}, result.written);
  ports.meter.count('samples_duplicate_total', {}, result.duplicates);
  ports.meter.count('samples_rejected_total', {}, result.rejected.length);
  ports.meter.count('nodes_seen_total', {}, nodesSeen(observation));
  const first = result.rejected[0];
  if (first) {
    ports.logger.warn('samples rejected by the store', {
      count: result.rejected.length,
      metric: first.sample.metric,
      reason: first.reason,
    });
  }
  await ports.state.putTargetStatus(
    [statusOfBastion(observation), ...observation.observations.map(statusOf)],
    observation.batch,
  );
  return result;
}

/** Nodes of which a check succeeded. */
function nodesSeen({ observations }: BatchObservation): number {
  const seen = observations.filter(({ result }) => result.ok);
  return new Set(seen.map(({ target }) => JSON.stringify([target.cluster, target.node]))).size;
}

function statusOfBastion({ batch, bastion }: BatchObservation): TargetStatus {
  const { roundMs } = batch;
  const base = { cluster: '', node: batch.bastion, check: String(batch.index), roundMs, ok: bastion.ok };
  return bastion.ok ? base : { ...base, reason: bastion.failure.reason, detail: bastion.failure.detail };
}

function statusOf(observation: BatchObservation['observations'][number]): TargetStatus {
  const { target, check, roundMs, result } = observation;
  const base = { cluster: target.cluster, node: target.node, check, roundMs, ok: result.ok };
  return result.ok ? base : { ...base, reason: result.failure.reason, detail: result.failure.detail };
}
