import type { PictureSeries } from '../../core/chart/series.ts';
import type { Labels } from '../../core/model/labels.ts';

/** Series for another thread, which takes over their numbers without copying them one by one. */
export interface PackedSeries {
  others: number;
  series: readonly {
    metric: string;
    labels: Labels;
    times: Float64Array<ArrayBuffer>;
    values: Float64Array<ArrayBuffer>;
  }[];
}

export function packSeries({ series, others }: PictureSeries): PackedSeries {
  const packed = series.map(({ metric, labels, points }) => ({
    metric,
    labels,
    times: Float64Array.from(points, ({ timeMs }) => timeMs),
    values: Float64Array.from(points, ({ value }) => value),
  }));
  return { others, series: packed };
}

export function unpackSeries({ series, others }: PackedSeries): PictureSeries {
  const unpacked = series.map(({ metric, labels, times, values }) => ({
    metric,
    labels,
    points: Array.from(times, (timeMs, i) => ({ timeMs, value: values[i] as number })),
  }));
  return { others, series: unpacked };
}
