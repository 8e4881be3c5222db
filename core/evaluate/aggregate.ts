import { labelKey } from '../labels.ts';
import type { GroupPoint, PartialAggregate, PartialGroup } from '../model/checkpoint.ts';
import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { Series } from '../model/sample.ts';
import { addExactly, roundedMean, roundedSum } from '../numbers/exact-sum.ts';
import { isWithoutCluster } from './alert-labels.ts';
import { nodeKey } from './identity.ts';
import type { EvaluateInput, ExpectedTarget } from './model.ts';
import { TARGET_LABELS } from './range.ts';

type Aggregate = NonNullable<Rule['aggregate']>;
type Operation = Aggregate['op'];

/**
 * Aggregates the series by group, newer than `fromMs`, in a form that can be merged with that of other shards. One shard
 * must have all series of a node. Without `targets` no node is left out. Where series have several intervals, `everyOf` is
 * that of one, and those of each are a group of their own.
 */
export function partialAggregate(
  series: readonly Series[],
  { by, op }: Aggregate,
  targets: readonly ExpectedTarget[] | undefined,
  fromMs: number,
  everyOf?: (labels: Labels) => number,
): PartialAggregate {
  const known = targets && new Set(targets.map(({ labels }) => nodeKey(labels)));
  const groups = createGroups();
  for (const [node, ofNode] of Map.groupBy(series, ({ labels }) => nodeKey(labels))) {
    // A node that has left the inventory does not count.
    if (node !== undefined && known && !known.has(node)) continue;
    const seen = new Set<GroupPoint>();
    for (const { labels: full, points } of ofNode) {
      const labels = labelsOfGroup(full, by);
      if (!labels) continue;
      const everyMs = everyOf?.(full);
      const group = groups.at(labels, everyMs);
      // The newest value of a slower member may lie before, and still count.
      const afterMs = fromMs - (everyMs ?? 0);
      for (const { timeMs, value } of points) {
        if (timeMs <= afterMs) continue;
        const point = group.at(timeMs);
        point.count++;
        take(op, point.numbers, value);
        // A node with one series, as most have, is counted once without a set.
        if (ofNode.length === 1 || !seen.has(point)) point.nodes++;
        if (ofNode.length > 1) seen.add(point);
      }
    }
  }
  return { fromMs: fromMs + 1, groups: groups.all() };
}

/** The aggregated series, newer than `fromMs` and in the range that all partials have: a value where half of a group's targets have one. */
export function mergedSeries(
  { rule, targets }: Pick<EvaluateInput, 'rule'> & { targets?: readonly ExpectedTarget[] },
  { by, op }: Aggregate,
  partials: readonly PartialAggregate[],
  fromMs: number,
): Series[] {
  const afterMs = Math.max(fromMs, ...partials.map((partial) => partial.fromMs - 1));
  const expected = isOfTargets(rule, by) ? countsOf(targets ?? [], by) : undefined;
  return merged(partials, op).flatMap(({ labels, points }) => {
    const least = (expected?.get(labelKey(labels)) ?? 0) / 2;
    const values = points
      .filter(({ timeMs, nodes }) => timeMs > afterMs && nodes >= least)
      .map(({ timeMs, ...point }) => ({ timeMs, value: resultOf(op, point) }));
    return values.length > 0 ? [{ metric: rule.metric, labels, points: values }] : [];
  });
}

/** Whether the inventory has none of the group's targets any more: its cluster was removed. */
export function isGroupGone(
  { rule, targets }: Pick<EvaluateInput, 'rule' | 'targets'>,
  labels: Labels,
): boolean {
  if (!rule.aggregate || !isOfTargets(rule, rule.aggregate.by)) return false;
  const wanted = Object.entries(labels);
  return !targets.some((target) => wanted.every(([name, value]) => target.labels[name] === value));
}

function merged(partials: readonly PartialAggregate[], op: Operation): readonly PartialGroup[] {
  if (partials.length === 1 && partials[0]) return withSlowMembers(partials[0].groups, op);
  const groups = createGroups();
  for (const { labels, everyMs, points } of partials.flatMap(({ groups: some }) => some)) {
    const group = groups.at(labels, everyMs);
    for (const one of points) addPoint(op, group.at(one.timeMs), one);
  }
  return withSlowMembers(groups.all(), op);
}

/**
 * Joins the groups of several intervals that have the same labels: at each time at which any has a value, of each interval the
 * newest value since its last round. So a slow member counts between its rounds, and not when it has missed one.
 */
function withSlowMembers(groups: readonly PartialGroup[], op: Operation): readonly PartialGroup[] {
  if (groups.every(({ everyMs }) => everyMs === undefined)) return groups;
  const joined = createGroups();
  for (const alike of Map.groupBy(groups, ({ labels }) => labelKey(labels)).values()) {
    const [first] = alike;
    if (!first) continue;
    const group = joined.at(first.labels);
    const times = [...new Set(alike.flatMap(({ points }) => points.map(({ timeMs }) => timeMs)))];
    times.sort((a, b) => a - b);
    for (const { everyMs = 0, points } of alike) {
      let next = 0;
      for (const timeMs of times) {
        while ((points[next]?.timeMs ?? Infinity) <= timeMs) next++;
        const newest = points[next - 1];
        const isCounted = newest && (newest.timeMs === timeMs || newest.timeMs > timeMs - everyMs);
        if (isCounted) addPoint(op, group.at(timeMs), newest);
      }
    }
  }
  return joined.all();
}

function addPoint(op: Operation, point: GroupPoint, { count, nodes, numbers }: GroupPoint): void {
  point.count += count;
  point.nodes += nodes;
  for (const number of numbers) take(op, point.numbers, number);
}

/** Groups are made at their first sample; `all` lists them in an order that does not depend on that of the samples. */
function createGroups() {
  const groups = new Map<
    string,
    { labels: Labels; everyMs: number | undefined; times: Map<number, GroupPoint> }
  >();
  const at = (labels: Labels, everyMs?: number) => {
    const key = everyMs === undefined ? labelKey(labels) : `${labelKey(labels)} ${everyMs}`;
    const group = groups.get(key) ?? { labels, everyMs, times: new Map<number, GroupPoint>() };
    groups.set(key, group);
    return {
      at(timeMs: number): GroupPoint {
        const known = group.times.get(timeMs);
        if (known) return known;
        const point: GroupPoint = { timeMs, nodes: 0, count: 0, numbers: [] };
        group.times.set(timeMs, point);
        return point;
      },
    };
  };
  const all = (): PartialGroup[] =>
    [...groups]
      .filter(([, { times }]) => times.size > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { labels, everyMs, times }]) => ({
        labels,
        ...(everyMs !== undefined && { everyMs }),
        points: [...times.values()].sort((a, b) => a.timeMs - b.timeMs),
      }));
  return { at, all };
}

/** Adds one number to those that the operation keeps: an exact sum has several, a spread both extremes, an extreme one, a count none. */
function take(op: Operation, numbers: number[], value: number): void {
  switch (op) {
    case 'max':
    case 'min':
      numbers[0] = Math[op](numbers[0] ?? value, value);
      return;
    case 'spread':
      numbers[0] = Math.min(numbers[0] ?? value, value);
      numbers[1] = Math.max(numbers[1] ?? value, value);
      return;
    case 'sum':
    case 'avg':
      addExactly(numbers, value);
      return;
    case 'count':
  }
}

function resultOf(op: Operation, { count, numbers }: Pick<GroupPoint, 'count' | 'numbers'>): number {
  switch (op) {
    case 'count':
      return count;
    case 'max':
    case 'min':
      return numbers[0] as number;
    case 'spread':
      return (numbers[1] as number) - (numbers[0] as number);
    case 'sum':
      return roundedSum(numbers);
    case 'avg':
      return roundedMean(numbers, count);
  }
}

/** The labels of an aggregate; undefined for a series that lacks one of them. */
function labelsOfGroup(labels: Labels, by: readonly string[]): Labels | undefined {
  const entries = by.map((name) => [name, labels[name]] as const);
  return entries.every(([, value]) => value !== undefined)
    ? (Object.fromEntries(entries) as Labels)
    : undefined;
}

/** Whether the inventory tells how many targets a group has. */
function isOfTargets(rule: Rule, by: readonly string[]): boolean {
  return !isWithoutCluster(rule) && by.every((name) => TARGET_LABELS.some((label) => label === name));
}

function countsOf(targets: readonly ExpectedTarget[], by: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { labels } of targets) {
    const key = labelKey(labelsOfGroup(labels, by) ?? {});
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}
