import type { SeriesState } from '../model/checkpoint.ts';
import type { Labels } from '../model/labels.ts';
import type { Point } from '../model/sample.ts';
import type { IsBlind } from './blind-rounds.ts';
import type { CompiledRule } from './compiled-rule.ts';
import { mayBeMissed, takeUp } from './no-data.ts';
import type { Span } from './range.ts';
import { copyOf, end, fire, forgetLack, freshState } from './series-state.ts';
import type { Step } from './steps.ts';
import { coversDuration, extendStreak } from './streak.ts';

/** A series and what is known of its node. Points and ups are ascending. */
export interface FoldInput {
  labels: Labels;
  points: readonly Point[];
  ups: readonly Point[];
  /** How far apart its samples are. */
  intervalMs: number;
  /** State as of `fromMs`; absent: ok, and nothing to remember. */
  state?: SeriesState;
  /** Its node is in the inventory and has an `up`: the series can lack data. */
  hasTarget: boolean;
  /** Absent: every round could have shown it. */
  isBlind?: IsBlind | undefined;
  /** The label set is the target's own: the inventory expects it even when it was never seen. */
  expected: boolean;
}

/** A rule's first evaluation, where it lies in the span: the state goes on as `begin` returns it, and its steps replace those before. */
export interface SeriesStart {
  atMs: number;
  /** Whether an alert was open before: what the fold has seen of its series since must not be forgotten. */
  isOpen: boolean;
  begin(state: SeriesState): { state: SeriesState; steps: Step[] };
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
export function fold(compiled: CompiledRule, input: FoldInput, span: Span, start?: SeriesStart): Folded {
  const { points, ups } = input;
  let state = input.state ? copyOf(input.state) : freshState(input.labels);
  let steps: Step[] = [];
  let pending = start;
  let settled: SeriesState | undefined;
  let i = firstAfter(points, span.fromMs);
  let j = firstAfter(ups, span.fromMs);
  // While a series is ok, only a breach changes that, unless the rule is about missing data, too.
  const skipsGood = !start && compiled.noData !== 'alerting';
  for (;;) {
    if (skipsGood && state.status === 'ok') {
      const next = nextBreach(compiled, points, i, span.toMs);
      if (next > i) takeSample(compiled, input.intervalMs, state, points[next - 1] as Point, steps);
      i = next;
      const untilMs = points[i]?.timeMs ?? Infinity;
      while (j < ups.length && (ups[j] as Point).timeMs < untilMs) j++;
    }
    const point = points[i];
    const up = ups[j];
    const pointMs = point ? point.timeMs : Infinity;
    const upMs = up ? up.timeMs : Infinity;
    const atMs = Math.min(pointMs, upMs);
    if (pending && atMs > pending.atMs) {
      // A state settled before the start does not hold the start's changes: the next evaluation starts the series again.
      if (!settled && span.settleMs < pending.atMs) settled = copyOf(state);
      ({ state, steps } = pending.begin(state));
      pending = undefined;
    }
    if (!settled && atMs > span.settleMs) settled = copyOf(state);
    if (atMs > span.toMs || atMs === Infinity) break;
    if (point && pointMs <= upMs) {
      takeSample(compiled, input.intervalMs, state, point, steps);
      i++;
    } else if (up) {
      takeUp(compiled, input, state, up, steps);
      j++;
    }
  }
  const keeps = start?.isOpen && span.settleMs < start.atMs;
  return {
    settled: settled && (keeps || isWorthKeeping(compiled, input, settled, span)) ? settled : undefined,
    end: state,
    steps,
  };
}

/** Index of the first point from `i` on that breaches, or is newer than `toMs`. */
function nextBreach(compiled: CompiledRule, points: readonly Point[], i: number, toMs: number): number {
  let next = i;
  for (; next < points.length; next++) {
    const { timeMs, value } = points[next] as Point;
    if (timeMs > toMs || compiled.breaches(value)) break;
  }
  return next;
}

function takeSample(
  compiled: CompiledRule,
  intervalMs: number,
  state: SeriesState,
  point: Point,
  steps: Step[],
): void {
  const { timeMs, value } = point;
  state.seenAtMs = timeMs;
  state.value = Number.isNaN(value) ? undefined : value;
  forgetLack(state);
  if (state.status === 'firing') {
    if (compiled.staysFiring(value)) {
      state.run = undefined;
      state.reason = 'threshold';
      return;
    }
    state.run = extendStreak(state.run, timeMs, compiled.keepFiringForMs, intervalMs);
    if (coversDuration(state.run, compiled.keepFiringForMs, intervalMs))
      end(state, timeMs, 'threshold', steps);
    return;
  }
  if (!compiled.breaches(value)) {
    if (state.status === 'pending') end(state, timeMs, 'threshold', steps);
    return;
  }
  const streak = extendStreak(state.run, timeMs, compiled.forMs, intervalMs);
  const isNew = streak !== state.run;
  state.run = streak;
  state.sinceMs = streak.firstMs;
  state.reason = 'threshold';
  if (coversDuration(streak, compiled.forMs, intervalMs)) {
    fire(state, timeMs, 'threshold', steps);
  } else if (isNew) {
    state.status = 'pending';
    steps.push({ kind: 'pending', atMs: timeMs, reason: 'threshold', sinceMs: timeMs, value });
  }
}

/** Under `alerting` the checkpoint also keeps a series that is ok, or no evaluation would know that it is missing. */
function isWorthKeeping(compiled: CompiledRule, input: FoldInput, state: SeriesState, span: Span): boolean {
  if (state.status !== 'ok') return true;
  if (compiled.noData !== 'alerting') return false;
  if (state.lacking > 0) return true;
  if (state.seenAtMs === undefined) return false;
  return !input.expected || mayBeMissed(state.seenAtMs, input, span.settleMs, input.intervalMs);
}

/** Index of the first point newer than `afterMs`. Ranges start near it, so the search starts at the front. */
function firstAfter(points: readonly Point[], afterMs: number): number {
  let i = 0;
  while (i < points.length && (points[i] as Point).timeMs <= afterMs) i++;
  return i;
}
