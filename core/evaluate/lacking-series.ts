// Under `noData: alerting`: which series lack data, or may when all samples so far are settled.
import type { Labels } from '../model/labels.ts';
import type { Point, Series } from '../model/sample.ts';
import { nodeKey } from './identity.ts';
import type { EvaluateInput } from './model.ts';
import { countsAsLack, mayBeMissed, NO_DATA_UPS } from './no-data.ts';
import type { Span } from './range.ts';
import { comparedEveryMs } from './rule-series.ts';
import { mergePoints, sameLabels, type TargetIndex } from './target-index.ts';

interface Context {
  input: Pick<EvaluateInput, 'rule' | 'intervalMs' | 'intervalOf' | 'targets'>;
  index: TargetIndex;
  span: Span;
}

/** A label set beyond the target's own must be remembered, or nobody could miss it. */
export function mayLackData(labels: Labels, points: readonly Point[], context: Context): boolean {
  const { index } = context;
  const node = nodeKey(labels);
  const target = node === undefined ? undefined : index.target(node);
  if (node === undefined || !target) return false;
  return !sameLabels(target.labels, labels) || isLacking(points, index.ups(node), labels, context);
}

/** Whether a target without a series of its own label set lacks data; `ofNode` are the other series of its node. */
export function lacksData(labels: Labels, ofNode: readonly Series[], context: Context): boolean {
  const ups = context.index.ups(nodeKey(labels));
  return ofNode.length === 0
    ? ups.some(({ value }) => value === 1)
    : ofNode.every((one) => isLacking(one.points, ups, one.labels, context));
}

/** A target without a series of its own label set has data while any series of its node has; values do not matter. */
export function presenceOf(ofNode: readonly Series[]): Point[] {
  return mergePoints(ofNode).map(({ timeMs }) => ({ timeMs, value: Number.NaN }));
}

/** Whether data are lacking at some time, or may be once all samples are settled: then the checkpoint must keep the series. */
function isLacking(
  points: readonly Point[],
  ups: readonly Point[],
  labels: Labels,
  { input, span }: Context,
): boolean {
  const intervalMs = comparedEveryMs(input, labels);
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
    if (seenMs !== timeMs && countsAsLack(lacking, timeMs, intervalMs) && ++lacking >= NO_DATA_UPS)
      return true;
    if (timeMs <= span.settleMs) lackingSettled = lacking;
  }
  if (lackingSettled > 0) return true;
  const settled = points.findLast(({ timeMs }) => timeMs > span.fromMs && timeMs <= span.settleMs);
  return settled !== undefined && mayBeMissed(settled.timeMs, { points, ups }, span.settleMs, intervalMs);
}
