import { describeError } from '../../core/errors.ts';
import type { Batch } from '../../core/model/batch.ts';
import type { Target } from '../../core/model/target.ts';
import type { Counters, Logger } from '../../core/ports.ts';
import type { NodeProbe } from './probe-node.ts';

/** The stored counters of each node, per check: unchecked data, which the probe validates. */
export interface RoundCounters {
  get(check: string, target: Target): unknown;
  of(check: string): ReadonlyMap<string, unknown>;
  /** Nodes that refused our address, for `createPenalties`. */
  penalties: readonly unknown[];
}

/** Loads one object per batch and check. If it is lost, rates start anew; the round does not fail. */
export async function loadCounters(batch: Batch, counters: Counters, logger: Logger): Promise<RoundCounters> {
  const checks = new Map<string, ReadonlyMap<string, unknown>>();
  const penalties: unknown[] = [];
  for (const check of batch.checks) {
    try {
      const stored = await counters.load(keyOf(batch, check));
      checks.set(check, new Map(entriesOf(stored, 'nodes')));
      penalties.push(...entriesOf(stored, 'penalties'));
    } catch (error) {
      logger.warn('counters of the last round are lost: rates start anew', {
        check,
        error: describeError(error),
      });
    }
  }
  const of = (check: string) => checks.get(check) ?? new Map<string, unknown>();
  return { of, penalties, get: (check, target) => of(check).get(nameOf(target)) };
}

/** Keeps the old counters of nodes that did not answer, and drops those of nodes that left the batch. */
export async function saveCounters(
  batch: Batch,
  counters: Counters,
  logger: Logger,
  earlier: RoundCounters,
  probes: readonly NodeProbe[],
  penalties: readonly unknown[],
): Promise<void> {
  for (const check of batch.checks) {
    const nodes = new Map(earlier.of(check));
    for (const { observation, kept: now } of probes) {
      if (observation.check === check && now !== undefined) nodes.set(nameOf(observation.target), now);
    }
    const names = new Set(batch.targets.map(nameOf));
    const value = {
      version: 1,
      nodes: [...nodes].filter(([name]) => names.has(name)),
      ...(penalties.length > 0 && { penalties }),
    };
    try {
      await counters.save(keyOf(batch, check), value);
    } catch (error) {
      logger.warn('counters could not be stored: the next rates start anew', {
        check,
        error: describeError(error),
      });
    }
  }
}

function keyOf({ bastion, index, count }: Batch, check: string): string {
  return `${bastion}/${index}of${count}/${check}`;
}

function nameOf({ cluster, node }: Target): string {
  return `${cluster}/${node}`;
}

function entriesOf(stored: unknown, name: 'nodes' | 'penalties'): [string, unknown][] {
  const { version, [name]: entries } = (stored ?? {}) as Record<string, unknown>;
  return version === 1 && Array.isArray(entries)
    ? (entries as [string, unknown][]).filter((entry) => Array.isArray(entry))
    : [];
}
