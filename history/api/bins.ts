import { labelKey } from '../../core/labels.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { TimeRange } from './parameters.ts';
import { unitOf } from './schemas.ts';

export interface Column {
  /** `weight`: how much it counts in a mean. `least` undefined: it is unknown, and so is that of the whole column. */
  add(timeMs: number, least: number | undefined, mean: number, greatest: number, weight?: number): void;
}

export interface Bins {
  binMs: number;
  /** The column of a series; a new one where it is not known. */
  columnOf(metric: string, labels: Labels): Column;
  size(): number;
  cells(): number;
  columns(): ReturnType<typeof columnsOf>;
}

interface Cells {
  metric: string;
  labels: Labels;
  /** Sums of weights. */
  counts: Float64Array;
  sums: Float64Array;
  least: Float64Array;
  greatest: Float64Array;
  isLeastKnown: boolean;
}

/** Bins of one length from the begin of the range on. What lies before the range belongs to the first. */
export function createBins({ fromMs, toMs }: TimeRange, count: number): Bins {
  const binMs = Math.max(1, Math.ceil((toMs - fromMs + 1) / count));
  const bins = Math.max(1, Math.ceil((toMs - fromMs + 1) / binMs));
  const found = new Map<string, Cells & Column>();

  function create(metric: string, labels: Labels): Cells & Column {
    const cells: Cells = {
      metric,
      labels,
      counts: new Float64Array(bins),
      sums: new Float64Array(bins),
      least: new Float64Array(bins).fill(Infinity),
      greatest: new Float64Array(bins).fill(-Infinity),
      isLeastKnown: true,
    };
    const column = {
      ...cells,
      add(timeMs: number, least: number | undefined, mean: number, greatest: number, weight = 1) {
        if (!Number.isFinite(mean)) return;
        const i = Math.min(bins - 1, Math.max(0, Math.floor((timeMs - fromMs) / binMs)));
        cells.counts[i] = (cells.counts[i] as number) + weight;
        cells.sums[i] = (cells.sums[i] as number) + mean * weight;
        if (least === undefined) column.isLeastKnown = false;
        else cells.least[i] = Math.min(cells.least[i] as number, least);
        cells.greatest[i] = Math.max(cells.greatest[i] as number, greatest);
      },
    };
    return column;
  }

  return {
    binMs,
    columnOf(metric, labels) {
      const key = `${metric} ${labelKey(labels)}`;
      const column = found.get(key) ?? create(metric, labels);
      found.set(key, column);
      return column;
    },
    size: () => found.size,
    cells: () => found.size * bins * 3,
    columns: () => columnsOf([...found.values()], { fromMs, binMs, bins }),
  };
}

function columnsOf(
  all: readonly Cells[],
  { fromMs, binMs, bins }: { fromMs: number; binMs: number; bins: number },
) {
  const series = all.map(({ metric, labels, counts, sums, least, greatest, isLeastKnown }) => {
    const filled = (valueAt: (i: number) => number) =>
      Array.from(counts, (count, i) => (count === 0 ? null : valueAt(i)));
    return {
      metric,
      unit: unitOf(metric),
      labels,
      ...(isLeastKnown && { min: filled((i) => least[i] as number) }),
      // Rounding must not put the mean beyond the extremes.
      avg: filled((i) =>
        clamp(
          (sums[i] as number) / (counts[i] as number),
          isLeastKnown ? (least[i] as number) : -Infinity,
          greatest[i] as number,
        ),
      ),
      max: filled((i) => greatest[i] as number),
    };
  });
  return { binMs, times: Array.from({ length: bins }, (_, i) => fromMs + i * binMs), series };
}

function clamp(value: number, least: number, greatest: number): number {
  return Math.min(greatest, Math.max(least, value));
}
