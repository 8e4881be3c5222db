import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { Point, Series } from '../model/sample.ts';
import type { Role, Target } from '../model/target.ts';
import { metricsOf, selectionFor } from '../rule-query.ts';
import { isSelected } from '../selection.ts';
import type { Story, StorySeries } from './model.ts';
import type { Mark } from './notation.ts';

/** What evaluateRule() gets from store and inventory at a time of the story. */
export interface StoryInputs {
  /** Time of the last round. */
  endMs: number;
  ruleAt(nowMs: number): Rule;
  series(range: { rule: Rule; fromMs: number; toMs: number }): Series[];
  up(range: { fromMs: number; toMs: number }): Series[];
  /** The nodes in the inventory. */
  targets(nowMs: number): Node[];
}

type Node = Pick<Target, 'cluster' | 'node' | 'role'>;

interface Arriving extends Point {
  arrivesMs: number;
}

interface ArrivingSeries {
  metric?: string | undefined;
  labels: Labels;
  points: Arriving[];
}

export function createInputs(story: Story): StoryInputs {
  const { everyMs, rule } = story;
  const rounds = Math.max(1, ...story.series.map(({ marks }) => marks.length));
  const samples = story.series.map((series) => arrivalsOf(story, series, sampleValue));
  const nodes = new Map<string, { node: Node; ups: ArrivingSeries[] }>();
  for (const series of story.series) {
    const node = nodeOf(series.labels);
    if (!node) continue;
    const key = `${node.cluster}/${node.node}`;
    const ups = arrivalsOf(story, { ...series, labels: { ...node } }, upValue);
    nodes.set(key, { node, ups: [...(nodes.get(key)?.ups ?? []), ups] });
  }
  const ups = rule.metric === 'up' ? samples : [...nodes.values()].map((entry) => onePointATime(entry.ups));
  return {
    endMs: (rounds - 1) * everyMs,
    ruleAt: (nowMs) => story.edits.findLast(({ atMs }) => atMs <= nowMs)?.rule ?? rule,
    series: ({ rule: asked, ...range }) =>
      metricsOf(asked).flatMap((metric) => {
        const own = samples.filter((series) => series.metric === undefined || series.metric === metric);
        const selection = selectionFor(metric, asked);
        return arrived(metric, own, range).filter(({ labels }) => isSelected(selection, labels));
      }),
    up: (range) => arrived('up', ups, range),
    targets: (nowMs) => {
      const gone = story.removed.filter(({ atMs }) => atMs <= nowMs).map(({ node }) => node);
      return [...nodes].filter(([key]) => !gone.includes(key)).map(([, { node }]) => node);
    },
  };
}

function nodeOf({ cluster, node, role }: Labels): Node | undefined {
  if (cluster === undefined || node === undefined || role === undefined) return undefined;
  return { cluster, node, role: role as Role };
}

function sampleValue(mark: Mark): number | undefined {
  return mark.kind === 'sample' ? mark.value : undefined;
}

function upValue(mark: Mark): number | undefined {
  switch (mark.kind) {
    case 'sample':
    case 'lacking':
      return 1;
    case 'down':
      return 0;
    case 'untried':
      return undefined;
  }
}

function arrivalsOf(
  { everyMs, late }: Story,
  { name, metric, labels, marks }: StorySeries,
  read: (mark: Mark) => number | undefined,
): ArrivingSeries {
  const points = marks.flatMap((mark, round): Arriving[] => {
    const timeMs = round * everyMs;
    const value = read(mark);
    const arrival = late.find(({ series, atMs }) => series === name && atMs === timeMs);
    return value === undefined ? [] : [{ timeMs, value, arrivesMs: arrival?.arrivesMs ?? timeMs }];
  });
  return { metric, labels, points };
}

function arrived(
  metric: string,
  all: readonly ArrivingSeries[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
): Series[] {
  return all
    .map(({ labels, points }) => ({
      metric,
      labels,
      points: points
        .filter(({ timeMs, arrivesMs }) => timeMs >= fromMs && timeMs <= toMs && arrivesMs <= toMs)
        .map(({ timeMs, value }) => ({ timeMs, value })),
    }))
    .filter(({ points }) => points.length > 0);
}

/** Several series of a node (its disks) imply the same `up`, which is there as soon as one of them is. */
function onePointATime(ups: readonly ArrivingSeries[]): ArrivingSeries {
  const byTime = new Map<number, Arriving>();
  for (const point of ups.flatMap(({ points }) => points)) {
    const there = byTime.get(point.timeMs);
    const arrivesMs = Math.min(point.arrivesMs, there?.arrivesMs ?? Infinity);
    byTime.set(point.timeMs, { ...point, value: Math.max(point.value, there?.value ?? 0), arrivesMs });
  }
  const points = [...byTime.values()].sort((a, b) => a.timeMs - b.timeMs);
  return { labels: ups[0]?.labels ?? {}, points };
}
