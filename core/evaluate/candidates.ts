import { labelKey } from '../labels.ts';
import type { Alert, Labels, Point, Series, Transition } from '../model.ts';
import { isGroupGone } from './aggregate.ts';
import type { FoldInput, Span } from './fold.ts';
import { placeOf } from './identity.ts';
import type { Judge } from './judge.ts';
import type { EvaluateInput, SeriesState } from './model.ts';
import { NO_DATA_UPS } from './no-data.ts';
import { mergePoints, type Places, sameLabels } from './places.ts';
import { hasShapeOf, namesNode } from './shape.ts';

/** A label set that has to be looked at closely: it breaches, it is known, or its data may be missing. */
export interface Candidate extends Omit<FoldInput, 'state'> {
  key: string;
  known: Known;
  /** The node or cluster is no longer in the inventory, or the rule has other labels since an edit. */
  removed: boolean;
}

/** What checkpoint and stored alerts know of a label set. */
export interface Known {
  labels: Labels;
  state?: SeriesState;
  last?: Transition;
  stored?: Alert;
}

export function knownAlerts(input: Pick<EvaluateInput, 'checkpoint' | 'alerts'>): Map<string, Known> {
  const known = new Map<string, Known>();
  const at = (labels: Labels): Known => {
    const key = labelKey(labels);
    const entry = known.get(key) ?? { labels };
    known.set(key, entry);
    return entry;
  };
  for (const state of input.checkpoint?.series ?? []) at(state.labels).state = state;
  for (const last of input.checkpoint?.emitted ?? []) at(last.labels).last = last;
  for (const stored of input.alerts ?? []) at(stored.labels).stored = stored;
  return known;
}

/** Finds the few label sets that need folding. All others are ok and stay ok, and cost one comparison a sample. */
export function findCandidates(
  input: EvaluateInput,
  context: { judge: Judge; known: ReadonlyMap<string, Known>; places: Places; span: Span },
): { candidates: Candidate[]; ignoredSamples: number } {
  const { judge, known, places, span } = context;
  const alerting = judge.noData === 'alerting';
  const knownPlaces = new Set([...known.values()].map(({ labels }) => placeOf(labels)));
  const found = new Map<string, Candidate>();
  let ignoredSamples = 0;

  const add = (labels: Labels, points: readonly Point[], key = labelKey(labels)) => {
    const place = placeOf(labels);
    const target = place === undefined ? undefined : places.targetAt(place);
    const entry = known.get(key) ?? { labels };
    const gone = place === undefined ? isGroupGone(input, labels) : !target;
    const removed = gone || !hasShapeOf(input.rule, labels);
    // What was told of it is kept for a while: the inventory may have had a bad moment.
    if (removed && !entry.last && !isOpen(entry)) return;
    const hasTarget = target !== undefined;
    const expected = hasTarget && sameLabels(target.labels, labels);
    const ups = places.upsAt(place);
    found.set(key, { key, labels, points, ups, known: entry, removed, expected, hasTarget });
  };

  for (const { labels, points } of input.series) {
    let breaching = false;
    for (const { timeMs, value } of points) {
      if (timeMs <= span.fromMs || timeMs > span.toMs) ignoredSamples++;
      else if (!breaching) breaching = judge.breaches(value);
    }
    if (breaching || (alerting && mayLackData(labels, points, places, span))) {
      add(labels, points);
    } else if (known.size > 0 && knownPlaces.has(placeOf(labels))) {
      const key = labelKey(labels);
      if (known.has(key)) add(labels, points, key);
    }
  }
  if (alerting && namesNode(input.rule)) {
    for (const { labels } of input.targets) {
      const there = places.seriesAt(placeOf(labels) ?? '');
      if (there.some((series) => sameLabels(series.labels, labels))) continue;
      const key = labelKey(labels);
      if (known.has(key) || lacksData(labels, there, places, span)) add(labels, presenceOf(there), key);
    }
  }
  for (const [key, { labels }] of known) if (!found.has(key)) add(labels, [], key);
  // In an order that does not depend on the store's: equal states make equal checkpoints.
  const candidates = [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  return { candidates, ignoredSamples };
}

/** Whether anybody may still believe that it is pending or firing. */
function isOpen({ state, last, stored }: Known): boolean {
  if (stored) return true;
  if (last) return last.kind === 'pending' || last.kind === 'firing';
  return state !== undefined && state.status !== 'ok';
}

/** Under `alerting`: a label set beyond the target's own must be remembered, or it could not be missed. */
function mayLackData(labels: Labels, points: readonly Point[], places: Places, span: Span): boolean {
  const place = placeOf(labels);
  const target = place === undefined ? undefined : places.targetAt(place);
  if (place === undefined || !target) return false;
  return !sameLabels(target.labels, labels) || isLacking(points, places.upsAt(place), span);
}

function lacksData(labels: Labels, there: readonly Series[], places: Places, span: Span): boolean {
  const ups = places.upsAt(placeOf(labels));
  return there.length === 0 ? ups.length > 0 : there.every(({ points }) => isLacking(points, ups, span));
}

/** Whether it lacks data at some time, or is about to at `settleMs`: then the checkpoint must say so. */
function isLacking(points: readonly Point[], ups: readonly Point[], span: Span): boolean {
  let lacking = 0;
  let lackingSettled = 0;
  let i = 0;
  let seenMs = span.fromMs;
  for (const { timeMs } of ups) {
    if (timeMs <= span.fromMs || timeMs > span.toMs) continue;
    const before = i;
    for (; i < points.length && (points[i] as Point).timeMs <= timeMs; i++) {
      seenMs = (points[i] as Point).timeMs;
    }
    if (i > before) lacking = 0;
    if (seenMs !== timeMs && ++lacking >= NO_DATA_UPS) return true;
    if (timeMs <= span.settleMs) lackingSettled = lacking;
  }
  return lackingSettled > 0;
}

/** A target without a series of its own label set has data while any of its series has; values do not matter. */
function presenceOf(there: readonly Series[]): Point[] {
  return mergePoints(there).map(({ timeMs }) => ({ timeMs, value: Number.NaN }));
}
