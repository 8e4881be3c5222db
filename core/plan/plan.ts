import type { BastionConfig } from '../config/types.ts';
import { hashNumber } from '../hash.ts';
import { labelsMatch } from '../labels.ts';
import type { Batch, Check, Target } from '../model.ts';

/** The tick of the schedule: the greatest interval that meets every check's `every`. */
export function tickIntervalMs(checks: readonly Check[]): number {
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
 */
export function planRound(input: {
  roundMs: number;
  checks: readonly Check[];
  targets: readonly Target[];
  bastions: readonly BastionConfig[];
}): Batch[] {
  const { roundMs, checks, targets, bastions } = input;
  const batches: Batch[] = [];
  for (const bastion of bastions) {
    const groups = new Map<string, { checks: Check[]; targets: Target[] }>();
    for (const target of targets) {
      if (target.bastion !== bastion.name) continue;
      const { cluster, node, role } = target;
      const mine = checks.filter((check) => labelsMatch(check.where, { cluster, node, role }));
      if (mine.length === 0) continue;
      const key = mine.map((check) => check.name).join(',');
      const group = groups.get(key) ?? { checks: mine, targets: [] };
      group.targets.push(target);
      groups.set(key, group);
    }
    batches.push(
      ...splitGroups(
        roundMs,
        bastion,
        [...groups.entries()].sort(byKey).map(([, group]) => group),
      ),
    );
  }
  return batches;
}

function splitGroups(
  roundMs: number,
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
    const parts: Target[][] = Array.from({ length: size }, () => []);
    for (const target of group.targets) {
      parts[size === 1 ? 0 : hashNumber(`${target.cluster}/${target.node}`) % size]?.push(target);
    }
    parts.forEach((part, p) => {
      if (part.length === 0 || due.length === 0) return;
      batches.push({
        roundMs,
        bastion: bastion.name,
        index: first + p,
        count,
        checks: due.map((check) => check.name),
        targets: part,
        expiresAtMs: roundMs + Math.min(...due.map((check) => check.everyMs)),
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
