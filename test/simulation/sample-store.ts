import { labelKey } from '../../core/labels.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { Point, Sample } from '../../core/model/sample.ts';
import type { SampleStore } from '../../core/ports.ts';
import { isSelected } from '../../core/selection.ts';

/** `writtenMs` is the time since when the store has the sample. */
export interface KeptPoint extends Point {
  writtenMs: number;
}

interface Kept {
  metric: string;
  labels: Labels;
  points: KeptPoint[];
}

export interface TinyStore extends SampleStore {
  /** All series of a metric. */
  seriesOf(metric: string): readonly Kept[];
}

/** Samples of a few nodes in memory. They survive every process of the simulation, as on a disk. */
export function createTinyStore(trueMs: () => number): TinyStore {
  const metrics = new Map<string, Map<string, Kept>>();

  function add({ metric, labels, timeMs, value }: Sample): boolean {
    const ofMetric = metrics.get(metric) ?? new Map<string, Kept>();
    metrics.set(metric, ofMetric);
    const key = labelKey(labels);
    const series = ofMetric.get(key) ?? { metric, labels, points: [] };
    ofMetric.set(key, series);
    const { points } = series;
    let i = points.length;
    while (i > 0 && (points[i - 1] as Point).timeMs > timeMs) i--;
    if (i > 0 && (points[i - 1] as Point).timeMs === timeMs) return false;
    points.splice(i, 0, { timeMs, value, writtenMs: trueMs() });
    return true;
  }

  const seriesOf = (metric: string) => [...(metrics.get(metric)?.values() ?? [])];
  return {
    seriesOf,
    async write(samples) {
      const written = samples.filter(add).length;
      return { written, duplicates: samples.length - written, rejected: [] };
    },
    query: async ({ metric, fromMs, toMs, ...selection }) =>
      seriesOf(metric)
        .filter(({ labels }) => isSelected(selection, labels))
        .map((series) => ({ ...series, points: within(series.points, fromMs, toMs) }))
        .filter(({ points }) => points.length > 0),
    latest: async ({ metric, sinceMs, ...selection }) =>
      seriesOf(metric)
        .filter(({ labels }) => isSelected(selection, labels))
        .map((series) => ({ ...series, points: within(series.points, sinceMs, Infinity).slice(-1) }))
        .filter(({ points }) => points.length > 0),
    rollUps: async () => [],
    rollUp: async () => 0,
    prune: async () => 0,
    close: async () => undefined,
  };
}

function within(points: readonly KeptPoint[], fromMs: number, toMs: number): Point[] {
  let from = points.length;
  while (from > 0 && (points[from - 1] as Point).timeMs >= fromMs) from--;
  let to = points.length;
  while (to > from && (points[to - 1] as Point).timeMs > toMs) to--;
  return points.slice(from, to);
}
