import type { Step } from '../../core/evaluate/steps.ts';
import type { Rule } from '../../core/model/rule.ts';
import type { Point } from '../../core/model/sample.ts';

/**
 * The transitions of a target's own series, read off the definitions of docs/rules.md over the complete samples:
 * slow, without state to carry, and written apart from fold.ts. Tests compare the two.
 */
export function referenceSteps(
  rule: Rule,
  intervalMs: number,
  points: readonly Point[],
  ups: readonly Point[],
): Omit<Step, 'value'>[] {
  const steps: Omit<Step, 'value'>[] = [];
  const goneMs = Math.max(3_600_000, 3 * intervalMs);
  const last = () => steps.at(-1);
  const status = () =>
    ({ pending: 'pending', firing: 'firing', resolved: 'ok', cancelled: 'ok' })[last()?.kind ?? 'resolved'];
  const pendingEnd = () => (status() === 'firing' ? 'resolved' : 'cancelled');
  /** Runs begin after the newest firing or end: what counted for that counts for nothing else. */
  const decidedMs = () => steps.findLast(({ kind }) => kind !== 'pending')?.atMs ?? -Infinity;
  const times = [...new Set([...points, ...ups].map(({ timeMs }) => timeMs))].sort((a, b) => a - b);

  for (const atMs of times) {
    const seen = points.filter(({ timeMs }) => timeMs <= atMs);
    const sample = seen.at(-1);
    const sinceMs = last()?.sinceMs ?? atMs;
    if (sample?.timeMs === atMs) {
      const evaluated = seen.filter(({ timeMs }) => timeMs > decidedMs());
      if (status() === 'firing') {
        const clear = runAtEnd(evaluated, (v) => !satisfies(rule, v, true), rule.keepFiringForMs, intervalMs);
        const clearedAtMs = clear[0]?.timeMs;
        if (held(clear, rule.keepFiringForMs, intervalMs)) {
          steps.push({ kind: 'resolved', atMs, reason: 'threshold', sinceMs, clearedAtMs });
        }
        continue;
      }
      const breach = runAtEnd(evaluated, (v) => satisfies(rule, v, false), rule.forMs, intervalMs);
      const firstMs = breach[0]?.timeMs ?? atMs;
      if (breach.length === 0) {
        if (status() === 'pending')
          steps.push({ kind: 'cancelled', atMs, reason: 'threshold', sinceMs, clearedAtMs: undefined });
      } else if (held(breach, rule.forMs, intervalMs)) {
        steps.push({ kind: 'firing', atMs, reason: 'threshold', sinceMs: firstMs, clearedAtMs: undefined });
      } else if (breach.length === 1) {
        steps.push({ kind: 'pending', atMs, reason: 'threshold', sinceMs: firstMs, clearedAtMs: undefined });
      }
      continue;
    }
    // What was never seen is missed while the node is up.
    const without = ups.filter(({ timeMs, value }) =>
      sample ? timeMs > sample.timeMs && timeMs <= atMs : timeMs <= atMs && value === 1,
    );
    // Rounds of other checks count once: the first shows that the node was tried.
    const isDue = ({ timeMs }: Point) => timeMs % intervalMs === 0;
    const counted = without.filter((up, i) => i === 0 || isDue(up));
    const lacksSince = counted.length === 3 && counted[2]?.timeMs === atMs ? counted.find(isDue) : undefined;
    const clear =
      status() === 'firing'
        ? runAtEnd(
            seen.filter(({ timeMs }) => timeMs > decidedMs()),
            (v) => !satisfies(rule, v, true),
            rule.keepFiringForMs,
            intervalMs,
          )
        : [];
    const clearedAtMs = clear[0]?.timeMs;
    if (lacksSince && rule.noData === 'alerting' && status() !== 'firing') {
      steps.push({
        kind: 'firing',
        atMs,
        reason: 'no-data',
        sinceMs: lacksSince.timeMs,
        clearedAtMs: undefined,
      });
    } else if (lacksSince && rule.noData === 'ok' && status() !== 'ok') {
      steps.push({ kind: pendingEnd(), atMs, reason: 'no-data', sinceMs, clearedAtMs });
    } else if (rule.noData !== 'alerting' && status() !== 'ok') {
      const present = runAtEnd(
        without.filter((up) => up.value === 1 && isDue(up)),
        () => true,
        goneMs,
        intervalMs,
      );
      if (held(present, goneMs, intervalMs) && present.at(-1)?.timeMs === atMs)
        steps.push({ kind: pendingEnd(), atMs, reason: 'stale', sinceMs, clearedAtMs });
    }
  }
  return steps;
}

function satisfies(rule: Rule, value: number, firing: boolean): boolean {
  const recovery = firing ? rule.recoveryThreshold : undefined;
  const one = typeof recovery === 'number' ? recovery : undefined;
  switch (rule.condition.kind) {
    case 'above':
      return value > (one ?? rule.condition.threshold);
    case 'below':
      return value < (one ?? rule.condition.threshold);
    case 'outside': {
      const [low, high] = typeof recovery === 'object' ? recovery : [rule.condition.low, rule.condition.high];
      return value < low || value > high;
    }
    case 'equals':
      return value === rule.condition.value;
  }
}

/** The longest run of samples that ends with the last one, passes the test, and has no gap that breaks it. */
function runAtEnd(
  points: readonly Point[],
  test: (value: number) => boolean,
  durationMs: number,
  intervalMs: number,
): Point[] {
  const run: Point[] = [];
  for (const point of points.toReversed()) {
    const next = run[0];
    const gapMs = next ? next.timeMs - point.timeMs : 0;
    if (!test(point.value) || (gapMs > durationMs && gapMs > 3 * intervalMs)) break;
    run.unshift(point);
  }
  return run;
}

function held(run: readonly Point[], durationMs: number, intervalMs: number): boolean {
  const first = run[0];
  const last = run.at(-1);
  if (!first || !last) return false;
  const expected = Math.floor((last.timeMs - first.timeMs) / intervalMs) + 1;
  return last.timeMs - first.timeMs >= durationMs && run.length >= expected / 2;
}
