import type { Point } from '../model.ts';
import type { Judge } from './judge.ts';
import type { SeriesState } from './model.ts';
import { extendRun, isHeld } from './run.ts';
import { end, fire, forgetLack, type Step } from './series-state.ts';

/** So many `up` samples newer than a series' last one mean that it has no data. */
export const NO_DATA_UPS = 3;
/** A label set lacking for so long while its node is up is gone: a disk was unmounted. */
export const STALE_MS = 3_600_000;

/** An `up` of the series' node, at a time at which the series has no sample or an older one. */
export function takeUp(
  judge: Judge,
  input: { hasTarget: boolean; expected: boolean },
  state: SeriesState,
  up: Point,
  steps: Step[],
): void {
  const alerting = judge.noData === 'alerting';
  if (state.status === 'ok' && !alerting) return;
  if (state.seenAtMs === undefined ? !input.expected : up.timeMs <= state.seenAtMs) return;
  if (input.hasTarget && state.lacking < NO_DATA_UPS) {
    state.lackingSinceMs ??= up.timeMs;
    state.lacking++;
    if (state.lacking === NO_DATA_UPS) lackData(judge, state, up.timeMs, steps);
  }
  // What the inventory expects cannot be unmounted; under `alerting` its lack is the alert.
  if (alerting && input.expected) return;
  if (up.value !== 1) {
    state.upRun = undefined;
    return;
  }
  state.upRun = extendRun(state.upRun, up.timeMs, STALE_MS, judge.intervalMs);
  if (isHeld(state.upRun, STALE_MS, judge.intervalMs)) {
    if (state.status !== 'ok') end(state, up.timeMs, 'stale', steps);
    state.seenAtMs = undefined;
    forgetLack(state);
  }
}

function lackData(judge: Judge, state: SeriesState, atMs: number, steps: Step[]): void {
  switch (judge.noData) {
    case 'keepLast':
      return;
    case 'alerting':
      if (state.status === 'firing') return;
      state.sinceMs = state.lackingSinceMs;
      // Nobody knows it now, and a checkpoint of the time before may not have it.
      state.value = undefined;
      fire(state, atMs, 'no-data', steps);
      return;
    case 'ok':
      end(state, atMs, 'no-data', steps);
      return;
  }
}
