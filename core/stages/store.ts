import { describeError } from '../errors.ts';
import type { BatchObservation, Observation } from '../model/observation.ts';
import type { Sample } from '../model/sample.ts';
import { type TargetStatus, WAY } from '../model/target-status.ts';
import { groupByNode, hasAnswered, samplesOf, samplesOfNode } from '../parse/samples.ts';
import type { Clock, Logger, Meter, SampleStore, StateStore, WriteResult } from '../ports.ts';
import { keepLateSamples, type StoreSettings } from './late-samples.ts';

export interface StorePorts {
  store: SampleStore;
  state: StateStore;
  clock: Clock;
  logger: Logger;
  meter: Meter;
}

/**
 * Writes the samples of a batch, and for each target how its check ended. Safe to repeat: the first write of a sample wins.
 * Samples of the observations in `stored` were written by `storeAnswered`.
 * @throws RetryableError when the caller must try again: nothing was written, or late samples were not kept
 */
export async function store(
  observation: BatchObservation,
  ports: StorePorts,
  settings: StoreSettings,
  stored?: ReadonlySet<Observation>,
): Promise<WriteResult> {
  const result = await writeSamples(
    samplesOf(observation, stored),
    observation.batch.roundMs,
    ports,
    settings,
  );
  // A node whose `up` the store calls invalid counts as absent, and keeps its earlier status.
  const invalid = result.rejected.filter(
    ({ sample, cause }) => cause === 'invalid' && sample.metric === 'up',
  );
  const refused = new Set(invalid.map(nodeOfSample));
  const taken = observation.observations.filter(({ target }) => !refused.has(nodeName(target)));
  ports.meter.count('nodes_seen_total', {}, nodesSeen(taken));
  await repeat(observation, ports);
  const { bastion, index } = observation.batch;
  const statuses = taken.map((one): TargetStatus => ({ ...statusOf(one), batch: { bastion, index } }));
  await ports.state.putTargetStatus(
    [statusOfBastion(observation), ...statusesOfWays(observation), ...statuses],
    { bastion, index },
  );
  return result;
}

/**
 * Writes the samples of nodes that answered while others of their batch are still waited for. Nothing is stored about the
 * bastion yet, nor of nodes that did not answer: only the whole batch shows whether those are down or unknown.
 * @throws as `store`
 */
export async function storeAnswered(
  answered: Pick<BatchObservation, 'observations' | 'batch' | 'repeats'>,
  ports: StorePorts,
  settings: StoreSettings,
): Promise<WriteResult> {
  const { roundMs } = answered.batch;
  const samples = [...groupByNode(answered.observations)]
    .filter(hasAnswered)
    .flatMap((ofNode) => samplesOfNode(ofNode, roundMs));
  const result = await writeSamples(samples, roundMs, ports, settings);
  await repeat(answered, ports);
  return result;
}

/** A failure costs readers of the store a glance at old values, and no sample: the next round writes them again. */
async function repeat(
  { repeats = [], batch }: Pick<BatchObservation, 'repeats' | 'batch'>,
  { store, meter, logger }: StorePorts,
): Promise<void> {
  if (repeats.length === 0 || !store.repeat) return;
  try {
    meter.count('samples_repeated_total', {}, await store.repeat(repeats));
  } catch (error) {
    meter.count('samples_not_repeated_total', {}, repeats.length);
    logger.warn('last values of slow checks were not written again: readers may see no current value', {
      bastion: batch.bastion,
      batch: batch.index,
      error: describeError(error),
    });
  }
}

/** Writes samples, keeps those that come too late for the store, and counts them. @throws as `store` */
export async function writeSamples(
  samples: readonly Sample[],
  roundMs: number,
  ports: StorePorts,
  settings: StoreSettings,
): Promise<WriteResult> {
  const { clock, logger, meter } = ports;
  const result = await ports.store.write(samples);
  const tooLate = result.rejected.filter(({ cause }) => cause === 'too-late');
  const invalid = result.rejected.filter(({ cause }) => cause === 'invalid');
  const kept = await keepLateSamples(
    tooLate.map(({ sample }) => sample),
    settings,
    ports,
  );
  // No evaluation reaches back that far.
  const late = roundMs < clock.nowMs() - settings.config.schedule.latenessMs;
  meter.count('samples_not_judged_total', {}, late ? result.written + tooLate.length : 0);
  meter.count('samples_written_total', {}, result.written);
  meter.count('samples_duplicate_total', {}, result.duplicates);
  meter.count('samples_rejected_total', {}, invalid.length);
  meter.count('samples_too_late_total', {}, tooLate.length);
  const [wrong, latest] = [invalid[0], tooLate[0]];
  if (wrong) {
    const { sample, reason } = wrong;
    logger.warn('samples rejected by the store', { count: invalid.length, metric: sample.metric, reason });
  }
  if (latest) {
    const fields = {
      count: tooLate.length,
      kept,
      round: new Date(roundMs).toISOString(),
      reason: latest.reason,
    };
    logger.warn(
      'samples came too late for the store: its history lacks them, rules use those that are kept',
      fields,
    );
  }
  return result;
}

/** How many nodes had a check that succeeded. */
function nodesSeen(observations: readonly Observation[]): number {
  const seen = observations.filter(({ result }) => result.ok);
  return new Set(seen.map(({ target }) => nodeName(target))).size;
}

function nodeName({ cluster, node }: { cluster?: string; node?: string }): string {
  return JSON.stringify([cluster, node]);
}

function nodeOfSample({ sample }: { sample: Sample }): string {
  return nodeName(sample.labels);
}

function statusOfBastion({ batch, bastion }: BatchObservation): TargetStatus {
  const { roundMs } = batch;
  const base = { cluster: '', node: batch.bastion, check: String(batch.index), roundMs, ok: bastion.ok };
  return bastion.ok ? base : { ...base, reason: bastion.failure.reason, detail: bastion.failure.detail };
}

/** Why each of several bastions failed; the status of the batch itself is about all of them. */
function statusesOfWays({ batch, ways = [] }: BatchObservation): TargetStatus[] {
  return ways.map(({ bastion, outcome }) => {
    const observation = { batch: { ...batch, bastion }, bastion: outcome, observations: [] };
    return { ...statusOfBastion(observation), check: `${WAY}${batch.bastion}/${batch.index}` };
  });
}

function statusOf(observation: BatchObservation['observations'][number]): TargetStatus {
  const { target, check, roundMs, result } = observation;
  const base = { cluster: target.cluster, node: target.node, check, roundMs, ok: result.ok };
  return result.ok ? base : { ...base, reason: result.failure.reason, detail: result.failure.detail };
}
