import { describeError } from '../../core/errors.ts';
import type { Batch } from '../../core/model/batch.ts';
import type { Check } from '../../core/model/check.ts';
import type { Observation } from '../../core/model/observation.ts';
import type { Sample } from '../../core/model/sample.ts';
import {
  isRepeatRound,
  isSlow,
  keyOf,
  type LastValues,
  repeatsOf,
  takeLastValues,
} from '../../core/parse/last-values.ts';
import type { Counters, Logger } from '../../core/ports.ts';

/**
 * Takes the values of slow checks from what a batch observed, and returns those of its nodes that must be written again. One
 * object beside the counters of the last round holds them, written in rounds in which a slow check ran, and read in these and in
 * those that write values again. If it is lost, or
 * the number of batches changes, values are repeated again from the next run on; the round does not fail.
 */
export async function repeatLastValues(
  batch: Batch,
  observations: readonly Observation[],
  { checks, counters, logger }: { checks: readonly Check[]; counters: Counters; logger: Logger },
): Promise<Sample[]> {
  if (!checks.some(isSlow)) return [];
  const ran = observations.some(({ check }) => checks.some((one) => one.name === check && isSlow(one)));
  const isDue = isRepeatRound(batch);
  if (!ran && !isDue) return [];
  const key = `${batch.bastion}/${batch.index}of${batch.count}/last-values`;
  try {
    const known = entriesOf(await counters.load(key));
    const now = takeLastValues(known, checks, observations);
    if (ran) {
      const names = new Set(batch.targets.flatMap((target) => checks.map(({ name }) => keyOf(name, target))));
      await counters.save(key, { version: 1, nodes: [...now].filter(([name]) => names.has(name)) });
    }
    return isDue ? repeatsOf(batch, now, checks, observations) : [];
  } catch (error) {
    logger.warn('last values of slow checks are not written again in this round', {
      bastion: batch.bastion,
      batch: batch.index,
      error: describeError(error),
    });
    return [];
  }
}

function entriesOf(stored: unknown): Map<string, LastValues> {
  const { version, nodes } = (stored ?? {}) as { version?: unknown; nodes?: unknown };
  if (version !== 1 || !Array.isArray(nodes)) return new Map();
  return new Map(
    nodes.filter(
      (entry): entry is [string, LastValues] =>
        Array.isArray(entry) && typeof entry[0] === 'string' && isLastValues(entry[1]),
    ),
  );
}

function isLastValues(stored: unknown): stored is LastValues {
  const { roundMs, values } = (stored ?? {}) as Partial<LastValues>;
  return typeof roundMs === 'number' && Array.isArray(values) && values.every(isValue);
}

function isValue(stored: unknown): boolean {
  if (!Array.isArray(stored)) return false;
  const [metric, labels, value] = stored as unknown[];
  if (typeof metric !== 'string' || typeof value !== 'number') return false;
  return typeof labels === 'object' && labels !== null && Object.values(labels).every(isText);
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}
