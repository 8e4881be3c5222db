import { hashNumber } from '../hash.ts';
import type { Batch } from '../model/batch.ts';
import type { Check } from '../model/check.ts';
import type { BastionConfig } from '../model/config.ts';
import type { Target } from '../model/target.ts';
import { isSelected } from '../selection.ts';
import { bastionsOf } from './ways.ts';

/**
 * EventBridge Scheduler starts a round anywhere within the minute of its scheduled time
 * (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html).
 */
export const SCHEDULER_PRECISION_MS = 60_000;

/** The tick of the schedule: the greatest interval that meets every check's `every`. */
export function tickIntervalMs(checks: readonly Pick<Check, 'everyMs'>[]): number {
  return checks.reduce((tick, check) => gcd(tick, check.everyMs), 0);
}

/** Scheduled times are multiples of the tick since the epoch, so that every runner agrees on them. */
export function nextRoundMs(afterMs: number, tickMs: number): number {
  return (Math.floor(afterMs / tickMs) + 1) * tickMs;
}

export function isDue(check: Check, roundMs: number): boolean {
  return roundMs % check.everyMs === 0;
}

/**
 * The batches of a round. Targets that share a bastion and the same checks share batches; which one follows
 * from the target's name, so it stays while the number of batches does. Which batch a target belongs to is
 * decided over all checks, due or not: a batch keeps its counters whatever is due.
 *
 * A batch expires an interval after `startsByMs`, not after its own start: two rounds may start seconds apart, and the
 * second then waits for the first. A bastion that needs no longer than an interval for a round so loses no batch, however
 * starts are spread; and a queue holds batches of two rounds at most.
 */
export function planRound(input: {
  roundMs: number;
  /** The latest that the round is started, as far as the scheduler promises. Default: `roundMs`. */
  startsByMs?: number;
  checks: readonly Check[];
  targets: readonly Target[];
  bastions: readonly BastionConfig[];
}): Batch[] {
  const { roundMs, startsByMs = roundMs, checks, targets, bastions } = input;
  const batches: Batch[] = [];
  for (const bastion of bastions) {
    const groups = new Map<string, { checks: Check[]; targets: Target[] }>();
    for (const target of targets) {
      if (target.bastion !== bastion.name) continue;
      const { cluster, node, role } = target;
      const mine = checks.filter((check) => isSelected(check, { cluster, node, role }));
      if (mine.length === 0) continue;
      const names = mine.map((check) => check.name).join(',');
      const key = [names, ...(target.otherBastions ?? [])].join(' ');
      const group = groups.get(key) ?? { checks: mine, targets: [] };
      group.targets.push(withoutLabels(target));
      groups.set(key, group);
    }
    batches.push(
      ...splitGroups(
        { roundMs, startsByMs },
        bastion,
        [...groups.entries()].sort(byKey).map(([, group]) => group),
      ),
    );
  }
  return batches.map(checkingBastions());
}

/** A probe needs no labels, and a batch is a message. */
function withoutLabels(target: Target): Target {
  if (!target.labels) return target;
  const { labels: _labels, ...rest } = target;
  return rest;
}

/** Marks the first batch of each list of bastions. */
function checkingBastions(): (batch: Batch) => Batch {
  const checked = new Set<string>();
  return (batch) => {
    if (!batch.otherBastions) return batch;
    const ways = JSON.stringify(bastionsOf(batch));
    if (checked.has(ways)) return batch;
    checked.add(ways);
    return { ...batch, checksBastions: true };
  };
}

function splitGroups(
  { roundMs, startsByMs }: { roundMs: number; startsByMs: number },
  bastion: BastionConfig,
  groups: readonly { checks: Check[]; targets: Target[] }[],
): Batch[] {
  const sizes = groups.map((group) => Math.ceil(group.targets.length / bastion.batchSize));
  const count = sizes.reduce((sum, size) => sum + size, 0);
  const batches: Batch[] = [];
  let first = 0;
  groups.forEach((group, g) => {
    const size = sizes[g] ?? 1;
    const due = group.checks.filter((check) => isDue(check, roundMs));
    const chunks: Target[][] = Array.from({ length: size }, () => []);
    for (const target of group.targets) {
      chunks[size === 1 ? 0 : hashNumber(`${target.cluster}/${target.node}`) % size]?.push(target);
    }
    chunks.forEach((chunk, p) => {
      if (chunk.length === 0 || due.length === 0) return;
      const otherBastions = chunk[0]?.otherBastions;
      const intervalMs = Math.min(...due.map((check) => check.everyMs));
      batches.push({
        roundMs,
        bastion: bastion.name,
        ...(otherBastions && { otherBastions }),
        index: first + p,
        count,
        checks: due.map((check) => check.name),
        targets: chunk,
        intervalMs,
        expiresAtMs: startsByMs + intervalMs,
      });
    });
    first += size;
  });
  return batches;
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}

function gcd(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}
