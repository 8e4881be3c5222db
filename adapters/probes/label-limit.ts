import { createHash } from 'node:crypto';
import { describeError } from '../../core/errors.ts';
import type { Batch } from '../../core/model/batch.ts';
import type { Check } from '../../core/model/check.ts';
import type { Observation } from '../../core/model/observation.ts';
import {
  admitLabelSets,
  isKnownLabelSets,
  type KnownLabelSets,
  MAX_NEW_LABEL_SETS,
} from '../../core/parse/label-sets.ts';
import type { Counters, Logger, Meter } from '../../core/ports.ts';

export interface LabelLimit {
  /** Drops samples with new label sets beyond the limit, and adds how many sets that were. */
  admit(check: Pick<Check, 'name' | 'maxNewLabelSets'>, observation: Observation): Observation;
  /** Stores the known label sets of the batch's nodes for the next round, if they changed. */
  save(): Promise<void>;
}

/** Longer keys are stored as a hash. A cryptographic one: a node could construct names that collide in `hashText`. */
const LONGEST_KEY = 64;

/**
 * Limits how many new label sets the nodes of a batch may bring, over rounds and restarts. The known sets are one object
 * beside the counters of the last round. If it is lost, each node starts with a fresh limit; the round does not fail.
 */
export async function openLabelLimit(
  batch: Batch,
  { counters, logger, meter }: { counters: Counters; logger: Logger; meter?: Meter | undefined },
): Promise<LabelLimit> {
  const key = `${batch.bastion}/${batch.index}of${batch.count}/label-sets`;
  const known = await counters.load(key).then(entriesOf, (error: unknown) => {
    logger.warn('the known label sets are lost: nodes may bring new ones again', {
      error: describeError(error),
    });
    return new Map<string, KnownLabelSets>();
  });
  let isChanged = false;
  return {
    admit(check, observation) {
      const { target, roundMs, result } = observation;
      if (!result.ok) return observation;
      const name = `${target.cluster}/${target.node}/${check.name}`;
      const { cluster, node, role } = target;
      const admitted = admitLabelSets(result.samples, known.get(name), {
        nowMs: roundMs,
        maxNew: check.maxNewLabelSets ?? MAX_NEW_LABEL_SETS,
        keyOf: keyOfText,
      });
      known.set(name, admitted.known);
      isChanged ||= admitted.isChanged;
      if (admitted.dropped > 0) {
        meter?.count('label_sets_dropped_total', { check: check.name }, admitted.dropped);
      }
      const labels = { cluster, node, role, check: check.name };
      const sample = { metric: 'label_sets_dropped', labels, timeMs: roundMs, value: admitted.dropped };
      const samples = [...admitted.samples, sample];
      return { ...observation, result: { ...result, samples, notes: [...result.notes, ...admitted.notes] } };
    },
    async save() {
      if (!isChanged) return;
      const names = new Set(batch.targets.map(({ cluster, node }) => `${cluster}/${node}/`));
      const nodes = [...known].filter(([name]) => names.has(name.slice(0, name.lastIndexOf('/') + 1)));
      try {
        await counters.save(key, { version: 1, nodes });
      } catch (error) {
        logger.warn('the known label sets could not be stored: nodes may bring new ones again', {
          error: describeError(error),
        });
      }
    },
  };
}

function keyOfText(text: string): string {
  return text.length <= LONGEST_KEY ? text : createHash('sha256').update(text).digest('base64');
}

function entriesOf(stored: unknown): Map<string, KnownLabelSets> {
  const { version, nodes } = (stored ?? {}) as { version?: unknown; nodes?: unknown };
  if (version !== 1 || !Array.isArray(nodes)) return new Map();
  return new Map(
    nodes.filter(
      (entry): entry is [string, KnownLabelSets] =>
        Array.isArray(entry) && typeof entry[0] === 'string' && isKnownLabelSets(entry[1]),
    ),
  );
}
