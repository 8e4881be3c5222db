import type { Labels, Point } from '../model.ts';
import type { Judge } from './judge.ts';
import type { SeriesState } from './model.ts';
import { takeUp } from './no-data.ts';
import { extendRun, isHeld } from './run.ts';
import { copyOf, end, fire, forgetLack, freshState, type Step } from './series-state.ts';

/** A series and what is known of its node. Points and ups are ascending. */
export interface FoldInput {
  labels: Labels;
  points: readonly Point[];
  ups: readonly Point[];
  /** State as of `fromMs`; absent: ok, and nothing to remember. */
  state?: SeriesState;
  /** Of a target with an `up`: it can lack data. */
  hasTarget: boolean;
  /** The label set is the target's own: the inventory expects it even when it was never seen. */
  expected: boolean;
}

/** Judged is what is newer than `fromMs`, up to `toMs`; what is not newer than `settleMs` is settled by it. */
export interface Span {
  fromMs: number;
  settleMs: number;
  toMs: number;
}

export interface Folded {
  /** As of `settleMs`; absent when there is nothing to remember. */
  settled: SeriesState | undefined;
  end: SeriesState;
  steps: Step[];
}

/**
 * Folds what is newer than `fromMs`, up to `toMs`, in order of time; at equal times the sample comes before the `up`.
 * The result depends on nothing else, so folding in two goes is folding in one.
 */
export function fold(judge: Judge, input: FoldInput, span: Span): Folded {
  const { points, ups } = input;
  const state = input.state ? copyOf(input.state) : freshState(input.labels);
  const steps: Step[] = [];
  let settled: SeriesState | undefined;
  let i = firstAfter(points, span.fromMs);
  let j = firstAfter(ups, span.fromMs);
  for (;;) {
    const point = points[i];
    const up = ups[j];
    const pointMs = point ? point.timeMs : Infinity;
    const upMs = up ? up.timeMs : Infinity;
    const atMs = Math.min(pointMs, upMs);
    if (!settled && atMs > span.settleMs) settled = copyOf(state);
    if (atMs > span.toMs || atMs === Infinity) break;
    if (point && pointMs <= upMs) {
      takeSample(judge, state, point, steps);
      i++;
    } else if (up) {
      takeUp(judge, input, state, up, steps);
      j++;
    }
  }
  return {
    settled: settled && isWorthKeeping(judge, input, settled) ? settled : undefined,
    end: state,
    steps,
  };
}

function takeSample(judge: Judge, state: SeriesState, point: Point, steps: Step[]): void {
  const { timeMs, value } = point;
  state.seenAtMs = timeMs;
  state.value = Number.isNaN(value) ? undefined : value;
  forgetLack(state);
  if (state.status === 'firing') {
    if (judge.staysFiring(value)) {
      state.run = undefined;
      state.reason = 'threshold';
      return;
    }
    state.run = extendRun(state.run, timeMs, judge.keepFiringForMs, judge.intervalMs);
    if (isHeld(state.run, judge.keepFiringForMs, judge.intervalMs)) end(state, timeMs, 'threshold', steps);
    return;
  }
  if (!judge.breaches(value)) {
    if (state.status === 'pending') end(state, timeMs, 'threshold', steps);
    return;
  }
  const run = extendRun(state.run, timeMs, judge.forMs, judge.intervalMs);
  const isNew = run !== state.run;
  state.run = run;
  state.sinceMs = run.firstMs;
  state.reason = 'threshold';
  if (isHeld(run, judge.forMs, judge.intervalMs)) {
    fire(state, timeMs, 'threshold', steps);
  } else if (isNew) {
    state.status = 'pending';
    steps.push({ kind: 'pending', atMs: timeMs, reason: 'threshold', sinceMs: timeMs, value });
  }
}

/** Under `alerting` a series is remembered while it is ok, else nobody would know that it is missing. */
export function isWorthKeeping(judge: Judge, input: { expected: boolean }, state: SeriesState): boolean {
  if (state.status !== 'ok') return true;
  if (judge.noData !== 'alerting') return false;
  return input.expected ? state.lacking > 0 : state.seenAtMs !== undefined;
}

/** Index of the first point newer than `afterMs`; ranges start near it, so it is looked for from the front. */
function firstAfter(points: readonly Point[], afterMs: number): number {
  let i = 0;
  while (i < points.length && (points[i] as Point).timeMs <= afterMs) i++;
  return i;
}
