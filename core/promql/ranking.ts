// `topk` and `bottomk`: at each step the k best series of each group, with all their labels.

import { groupSeries } from './aggregation.ts';
import type { AggregateNode } from './ast.ts';
import type { Evaluation } from './evaluation.ts';
import { hasValue, type SteppedSeries } from './grid.ts';
import { QueryError } from './source.ts';

interface Candidate {
  series: SteppedSeries;
  value: number;
}

/** Whether `a` leaves before `b`; NaN leaves first. */
type Worse = (a: number, b: number) => boolean;

const SMALLER: Worse = (a, b) => Number.isNaN(a) || a < b;
const LARGER: Worse = (a, b) => Number.isNaN(a) || a > b;

/** Counts are integers of 64 bits. */
const LARGEST_COUNT = 2 ** 63;

export async function rankSeries(
  node: AggregateNode,
  vector: readonly SteppedSeries[],
  counts: Float64Array,
  evaluation: Evaluation,
): Promise<SteppedSeries[]> {
  if (counts.every((count) => count < 1)) return [];
  checkCounts(node, counts);
  const worse = node.op === 'topk' ? SMALLER : LARGER;
  const groups = groupSeries(node, vector);
  const steps = counts.length;
  const kept = new Map<SteppedSeries, Uint8Array>();
  const ordered = new Set<SteppedSeries>();
  for (const { members } of groups) {
    for (const series of members) kept.set(series, new Uint8Array(steps));
    for (let step = 0; step < steps; step++) {
      for (const { series } of best(members, step, Math.trunc(counts[step]!), worse)) {
        kept.get(series)![step] = 1;
        ordered.add(series);
      }
      if (evaluation.isPauseDue(members.length)) await evaluation.pause();
    }
  }
  return [...ordered].map((series) => ({ ...series, present: kept.get(series)! })).filter(hasValue);
}

function checkCounts({ op }: AggregateNode, counts: Float64Array): void {
  for (const count of counts) {
    if (Number.isNaN(count)) throw new QueryError('execution', `the number of series of ${op} is NaN`);
    if (Math.abs(count) >= LARGEST_COUNT) {
      throw new QueryError(
        'execution',
        `the number of series of ${op} is ${count}, which is no 64-bit integer`,
      );
    }
  }
}

/** The best first. A heap with the worst on top, and of equal ones the first that came, so that ties end as they do in Prometheus. */
function best(members: readonly SteppedSeries[], step: number, count: number, worse: Worse): Candidate[] {
  const heap: Candidate[] = [];
  if (count < 1) return heap;
  for (const series of members) {
    if (!series.present[step]) continue;
    const value = series.values[step]!;
    if (heap.length < count) {
      heap.push({ series, value });
      siftUp(heap, worse);
    } else if (!Number.isNaN(value) && worse(heap[0]!.value, value)) {
      heap[0] = { series, value };
      siftDown(heap, worse);
    }
  }
  return sortBy(heap, (a, b) => worse(b.value, a.value));
}

function siftUp(heap: Candidate[], worse: Worse): void {
  for (let child = heap.length - 1; child > 0; ) {
    const parent = (child - 1) >> 1;
    if (!worse(heap[child]!.value, heap[parent]!.value)) return;
    swap(heap, child, parent);
    child = parent;
  }
}

function siftDown(heap: Candidate[], worse: Worse): void {
  for (let parent = 0; ; ) {
    let child = 2 * parent + 1;
    if (child >= heap.length) return;
    if (child + 1 < heap.length && worse(heap[child + 1]!.value, heap[child]!.value)) child++;
    if (!worse(heap[child]!.value, heap[parent]!.value)) return;
    swap(heap, parent, child);
    parent = child;
  }
}

function swap<T>(list: T[], i: number, j: number): void {
  const held = list[i]!;
  list[i] = list[j]!;
  list[j] = held;
}

const SHORT = 12;

/**
 * NaN comes before itself, which sorting must survive: short lists are sorted by insertion as Go sorts them, so that equal values
 * come in the order of Prometheus, longer ones by value alone.
 */
export function sortBy<T>(list: readonly T[], before: (a: T, b: T) => boolean): T[] {
  if (list.length > SHORT) return list.toSorted((a, b) => Number(before(b, a)) - Number(before(a, b)));
  const sorted = [...list];
  for (let i = 1; i < sorted.length; i++) {
    for (let j = i; j > 0 && before(sorted[j]!, sorted[j - 1]!); j--) swap(sorted, j, j - 1);
  }
  return sorted;
}

/** `sort` and `sort_desc` of an instant query; NaN comes last in both. */
export function sortByValue(vector: readonly SteppedSeries[], direction: 'up' | 'down'): SteppedSeries[] {
  const worse = direction === 'up' ? LARGER : SMALLER;
  return sortBy(vector, (a, b) => worse(b.values[0]!, a.values[0]!));
}
