import type { SeriesState } from '../model/checkpoint.ts';
import type { Labels } from '../model/labels.ts';
import type { TransitionReason } from '../model/transition.ts';
import type { Step } from './steps.ts';

export function freshState(labels: Labels): SeriesState {
  return { labels, status: 'ok', reason: 'threshold', lacking: 0 };
}

export function copyOf(state: SeriesState): SeriesState {
  return { ...state, run: state.run && { ...state.run }, upRun: state.upRun && { ...state.upRun } };
}

export function fire(state: SeriesState, atMs: number, reason: TransitionReason, steps: Step[]): void {
  state.status = 'firing';
  state.reason = reason;
  state.firedAtMs = atMs;
  state.run = undefined;
  steps.push({ kind: 'firing', atMs, reason, sinceMs: state.sinceMs ?? atMs, value: state.value });
}

/** Firing resolves, pending is cancelled. */
export function end(state: SeriesState, atMs: number, reason: TransitionReason, steps: Step[]): void {
  const firing = state.status === 'firing';
  steps.push({
    kind: firing ? 'resolved' : 'cancelled',
    atMs,
    reason,
    sinceMs: state.sinceMs ?? atMs,
    clearedAtMs: firing ? state.run?.firstMs : undefined,
    value: state.value,
  });
  state.status = 'ok';
  state.reason = reason;
  state.run = undefined;
  state.sinceMs = undefined;
  state.firedAtMs = undefined;
}

export function forgetLack(state: SeriesState): void {
  state.lacking = 0;
  state.lackingSinceMs = undefined;
  state.upRun = undefined;
}
