import { labelKey } from '../labels.ts';
import type { Labels, Rule, Series } from '../model.ts';
import { addExactly, roundedSum } from './exact-sum.ts';
import { placeOf } from './identity.ts';
import type { AggregatePart, EvaluateInput, ExpectedTarget, GroupPart, GroupPoint } from './model.ts';
import { TARGET_LABELS } from './range.ts';
import { isOfBastions } from './shape.ts';

type Aggregate = NonNullable<Rule['aggregate']>;
type Operation = Aggregate['op'];

/**
 * What the series come to in each group, newer than `fromMs`, in a form that can be merged: a fleet may be judged in
 * parts. Each place must be whole in one of them. Without `targets` none is left out.
 */
export function partOf(
  series: readonly Series[],
  { by, op }: Aggregate,
  targets: readonly ExpectedTarget[] | undefined,
  fromMs: number,
): AggregatePart {
  const known = targets && new Set(targets.map(({ labels }) => placeOf(labels)));
  const groups = createGroups();
  for (const [place, there] of Map.groupBy(series, ({ labels }) => placeOf(labels))) {
    // What the inventory no longer has counts no more.
    if (place !== undefined && known && !known.has(place)) continue;
    const seen = new Set<GroupPoint>();
    for (const { labels: full, points } of there) {
      const labels = labelsOfGroup(full, by);
      if (!labels) continue;
      const group = groups.at(labels);
      for (const { timeMs, value } of points) {
        if (timeMs <= fromMs) continue;
        const point = group.at(timeMs);
        point.count++;
        take(op, point.numbers, value);
        // A place of one series, as most are, needs no set to be counted once.
        if (there.length === 1 || !seen.has(point)) point.places++;
        if (there.length > 1) seen.add(point);
      }
    }
  }
  return { fromMs: fromMs + 1, groups: groups.all() };
}

/** The compared series, newer than `fromMs` and what all parts have: a value where half of a group's targets have one. */
export function seriesOfParts(
  { rule, targets }: Pick<EvaluateInput, 'rule'> & { targets?: readonly ExpectedTarget[] },
  { by, op }: Aggregate,
  parts: readonly AggregatePart[],
  fromMs: number,
): Series[] {
  const afterMs = Math.max(fromMs, ...parts.map((part) => part.fromMs - 1));
  const expected = isOfTargets(rule, by) ? countsOf(targets ?? [], by) : undefined;
  return merged(parts, op).flatMap(({ labels, points }) => {
    const least = (expected?.get(labelKey(labels)) ?? 0) / 2;
    const values = points
      .filter(({ timeMs, places }) => timeMs > afterMs && places >= least)
      .map(({ timeMs, ...point }) => ({ timeMs, value: resultOf(op, point) }));
    return values.length > 0 ? [{ metric: rule.metric, labels, points: values }] : [];
  });
}

/** An aggregate of targets of which the inventory has none any more: its cluster was removed. */
export function isGroupGone(
  { rule, targets }: Pick<EvaluateInput, 'rule' | 'targets'>,
  labels: Labels,
): boolean {
  if (!rule.aggregate || !isOfTargets(rule, rule.aggregate.by)) return false;
  const wanted = Object.entries(labels);
  return !targets.some((target) => wanted.every(([name, value]) => target.labels[name] === value));
}

function merged(parts: readonly AggregatePart[], op: Operation): readonly GroupPart[] {
  if (parts.length === 1 && parts[0]) return parts[0].groups;
  const groups = createGroups();
  for (const { labels, points } of parts.flatMap((part) => part.groups)) {
    const group = groups.at(labels);
    for (const { timeMs, count, places, numbers } of points) {
      const point = group.at(timeMs);
      point.count += count;
      point.places += places;
      for (const number of numbers) take(op, point.numbers, number);
    }
  }
  return groups.all();
}

/** Groups that are made when first asked for; in the end in an order that does not depend on that of the samples. */
function createGroups() {
  const groups = new Map<string, { labels: Labels; times: Map<number, GroupPoint> }>();
  const at = (labels: Labels) => {
    const key = labelKey(labels);
    const group = groups.get(key) ?? { labels, times: new Map<number, GroupPoint>() };
    groups.set(key, group);
    return {
      at(timeMs: number): GroupPoint {
        const known = group.times.get(timeMs);
        if (known) return known;
        const point: GroupPoint = { timeMs, places: 0, count: 0, numbers: [] };
        group.times.set(timeMs, point);
        return point;
      },
    };
  };
  const all = (): GroupPart[] =>
    [...groups]
      .filter(([, { times }]) => times.size > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { labels, times }]) => ({
        labels,
        points: [...times.values()].sort((a, b) => a.timeMs - b.timeMs),
      }));
  return { at, all };
}

/** Takes one more number into those that the operation needs: a sum has several, an extreme one, a count none. */
function take(op: Operation, numbers: number[], value: number): void {
  switch (op) {
    case 'max':
    case 'min':
      numbers[0] = Math[op](numbers[0] ?? value, value);
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
    case 'sum':
      return roundedSum(numbers);
    case 'avg':
      return roundedSum(numbers) / count;
  }
}

/** The labels of an aggregate; undefined for a series that lacks one of them. */
function labelsOfGroup(labels: Labels, by: readonly string[]): Labels | undefined {
  const entries = by.map((name) => [name, labels[name]] as const);
  return entries.every(([, value]) => value !== undefined)
    ? (Object.fromEntries(entries) as Labels)
    : undefined;
}

/** Whether the inventory says how many a group has. */
function isOfTargets(rule: Rule, by: readonly string[]): boolean {
  return !isOfBastions(rule) && by.every((name) => TARGET_LABELS.some((label) => label === name));
}

function countsOf(targets: readonly ExpectedTarget[], by: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { labels } of targets) {
    const key = labelKey(labelsOfGroup(labels, by) ?? {});
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}
