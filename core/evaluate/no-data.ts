import type { SeriesState } from '../model/checkpoint.ts';
import type { Point } from '../model/sample.ts';
import type { IsBlind } from './blind-rounds.ts';
import type { CompiledRule } from './compiled-rule.ts';
import { end, fire, forgetLack } from './series-state.ts';
import type { Step } from './steps.ts';
import { coversDuration, extendStreak } from './streak.ts';

/** So many `up` samples newer than a series' last one mean that it has no data. */
export const NO_DATA_UPS = 3;
/**
 * After this long without samples, while its node is up and its check sees all, a label set is gone: its disk was unmounted. Of a slow check so many
 * of its rounds must pass: by then the series has lacked data before.
 */
const STALE_MS = 3_600_000;
const STALE_INTERVALS = 3;

/** Whether the check of a series was due at that time: rounds are multiples of its interval. */
function isRoundOf(intervalMs: number, timeMs: number): boolean {
  return timeMs % intervalMs === 0;
}

/**
 * Whether an `up` without a sample of the series counts, after `lacking` of them. Rounds of other checks show nothing about
 * it, so only the first of them counts: an hourly check has no data at its second round without a sample.
 */
export function countsAsLack(lacking: number, timeMs: number, intervalMs: number): boolean {
  return lacking === 0 || isRoundOf(intervalMs, timeMs);
}

/** An `up` of the series' node, at a time at which the series has no sample or an older one. */
export function takeUp(
  compiled: CompiledRule,
  input: { hasTarget: boolean; expected: boolean; intervalMs: number; isBlind?: IsBlind | undefined },
  state: SeriesState,
  up: Point,
  steps: Step[],
): void {
  const { intervalMs } = input;
  const isDue = isRoundOf(intervalMs, up.timeMs);
  const alerting = compiled.noData === 'alerting';
  if (state.status === 'ok' && !alerting) return;
  // A series that was never seen is missing only where its node is up, and could have had it.
  const isMissing =
    state.seenAtMs === undefined ? input.expected && up.value === 1 : up.timeMs > state.seenAtMs;
  if (!isMissing) return;
  const counts = countsAsLack(state.lacking, up.timeMs, intervalMs);
  if (input.hasTarget && state.lacking < NO_DATA_UPS && counts) {
    if (isDue) state.lackingSinceMs ??= up.timeMs;
    state.lacking++;
    if (state.lacking === NO_DATA_UPS) lackData(compiled, state, up.timeMs, steps);
  }
  // A label set that the inventory expects cannot be unmounted; under `alerting` its lack is the alert.
  if (alerting && input.expected) return;
  if (up.value !== 1 || !isDue || input.isBlind?.(up.timeMs)) return;
  const staleMs = Math.max(STALE_MS, STALE_INTERVALS * intervalMs);
  state.upRun = extendStreak(state.upRun, up.timeMs, staleMs, intervalMs);
  if (coversDuration(state.upRun, staleMs, intervalMs)) {
    if (state.status !== 'ok') end(state, up.timeMs, 'stale', steps);
    state.seenAtMs = undefined;
    forgetLack(state);
  }
}

/**
 * Whether an `up` may lie between the newest settled sample and the next one. The next evaluation does not find that sample;
 * without it in the checkpoint the metric would be one that was never seen, and a node that is down would not lack it. An
 * `up` that comes late counts: it is not there yet, but a gap longer than an interval has room for it.
 */
export function mayBeMissed(
  seenMs: number,
  { points, ups }: { points: readonly Point[]; ups: readonly Point[] },
  settleMs: number,
  intervalMs: number,
): boolean {
  const nextOf = (all: readonly Point[]) => all.find(({ timeMs }) => timeMs > settleMs)?.timeMs ?? Infinity;
  return nextOf(points) > Math.min(nextOf(ups), seenMs + intervalMs);
}

function lackData(compiled: CompiledRule, state: SeriesState, atMs: number, steps: Step[]): void {
  switch (compiled.noData) {
    case 'keepLast':
      return;
    case 'alerting':
      if (state.status === 'firing') return;
      state.sinceMs = state.lackingSinceMs;
      // The value is unknown now, and a checkpoint of an earlier round may not have it.
      state.value = undefined;
      fire(state, atMs, 'no-data', steps);
      return;
    case 'ok':
      end(state, atMs, 'no-data', steps);
      return;
  }
}
