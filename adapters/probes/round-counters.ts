import { describeError } from '../../core/errors.ts';
import type { Batch, Target } from '../../core/model.ts';
import type { Counters, Logger } from '../../core/ports.ts';
import type { Look } from './node-look.ts';

/** What was kept of each node, per check: plain data, of which nothing is known until the probe has looked at it. */
export interface RoundCounters {
  get(check: string, target: Target): unknown;
  of(check: string): ReadonlyMap<string, unknown>;
}

/** One object per batch and check. Without it rates start anew, which is no reason to fail a round. */
export async function loadCounters(batch: Batch, counters: Counters, logger: Logger): Promise<RoundCounters> {
  const checks = new Map<string, ReadonlyMap<string, unknown>>();
  for (const check of batch.checks) {
    try {
      checks.set(check, new Map(entriesOf(await counters.load(keyOf(batch, check)))));
    } catch (error) {
      logger.warn('counters of the last round are lost: rates start anew', {
        check,
        error: describeError(error),
      });
    }
  }
  const of = (check: string) => checks.get(check) ?? new Map<string, unknown>();
  return { of, get: (check, target) => of(check).get(nameOf(target)) };
}

/** Of nodes that did not answer the old counters are kept, of nodes that left the batch none. */
export async function saveCounters(
  batch: Batch,
  counters: Counters,
  logger: Logger,
  earlier: RoundCounters,
  looks: readonly Look[],
): Promise<void> {
  for (const check of batch.checks) {
    const nodes = new Map(earlier.of(check));
    for (const { observation, counters: now } of looks) {
      if (observation.check === check && now !== undefined) nodes.set(nameOf(observation.target), now);
    }
    const names = new Set(batch.targets.map(nameOf));
    const value = { version: 1, nodes: [...nodes].filter(([name]) => names.has(name)) };
    try {
      await counters.save(keyOf(batch, check), value);
    } catch (error) {
      logger.warn('counters could not be kept: the next rates start anew', {
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

function entriesOf(stored: unknown): [string, unknown][] {
  const { version, nodes } = (stored ?? {}) as { version?: unknown; nodes?: unknown };
  return version === 1 && Array.isArray(nodes)
    ? (nodes as [string, unknown][]).filter((entry) => Array.isArray(entry))
    : [];
}
