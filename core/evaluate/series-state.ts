import type { Labels, TransitionKind, TransitionReason } from '../model.ts';
import type { SeriesState } from './model.ts';

/** A change of state that the fold saw. */
export interface Step {
  kind: TransitionKind;
  atMs: number;
  reason: TransitionReason;
  sinceMs: number;
  clearedAtMs?: number;
  value?: number;
}

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
