// How fast a series changes in a window: `rate` and its relatives, and least squares.

import { addTo, type KahanSum } from './kahan-sum.ts';
import { countEvents, isReset } from './over-time.ts';
import type { ColumnSeries } from './source.ts';
import type { RangeFunction, Window, WindowFunction } from './windows.ts';

/** Up to this many mean distances from a window's edge, the series is taken to go on to the edge. */
const EDGE_DISTANCES = 1.1;

/** A counter grows from zero, and begins anew when its value falls. */
const extrapolated =
  ({ isCounter, isPerSecond }: { isCounter: boolean; isPerSecond: boolean }) =>
  (series: ColumnSeries): WindowFunction => {
    const { values } = series;
    const resets = isCounter ? countEvents(series, isReset) : undefined;
    return (window) => {
      const { from, to } = window;
      if (to - from < 2) return undefined;
      let change = values[to - 1]! - values[from]!;
      if (resets && resets[to - 1] !== resets[from]) {
        for (let i = from + 1; i < to; i++) if (isReset(values[i - 1]!, values[i]!)) change += values[i - 1]!;
      }
      const factor = extrapolation(series, window, isCounter ? change : undefined);
      return change * (isPerSecond ? factor / ((window.endMs - window.startMs) / 1000) : factor);
    };
  };

/**
 * By how much the change between first and last sample grows, when the series is extended to the edges of the window: to the edge
 * where the sample nearest to it is close, else by half the mean distance of samples. A counter that grew (`growth`) is
 * not extended to below zero.
 */
function extrapolation(
  { times, values }: ColumnSeries,
  { from, to, startMs, endMs }: Window,
  growth: number | undefined,
): number {
  let toStart = (times[from]! - startMs) / 1000;
  let toEnd = (endMs - times[to - 1]!) / 1000;
  const sampled = (times[to - 1]! - times[from]!) / 1000;
  const distance = sampled / (to - from - 1);
  const close = distance * EDGE_DISTANCES;
  if (toStart >= close) toStart = distance / 2;
  if (growth !== undefined && growth > 0 && values[from]! >= 0) {
    const toZero = sampled * (values[from]! / growth);
    if (toZero < toStart) toStart = toZero;
  }
  if (toEnd >= close) toEnd = distance / 2;
  return (sampled + toStart + toEnd) / sampled;
}

/** From the last two samples alone. */
const instantaneous =
  ({ isCounter }: { isCounter: boolean }): RangeFunction =>
  ({ times, values }) =>
  ({ from, to }) => {
    if (to - from < 2) return undefined;
    const before = values[to - 2]!;
    const last = values[to - 1]!;
    if (!isCounter) return last - before;
    const change = isReset(before, last) ? last : last - before;
    return change / ((times[to - 1]! - times[to - 2]!) / 1000);
  };

interface Line {
  slope: number;
  intercept: number;
}

/** Least squares; `intercept` at the time `zeroMs`, the slope per second. */
function fitLine({ times, values }: ColumnSeries, { from, to }: Window, zeroMs: number): Line {
  const first = values[from]!;
  let isConstant = true;
  const x: KahanSum = { sum: 0, lost: 0 };
  const y: KahanSum = { sum: 0, lost: 0 };
  const xy: KahanSum = { sum: 0, lost: 0 };
  const xx: KahanSum = { sum: 0, lost: 0 };
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    if (i > from && value !== first) isConstant = false;
    const seconds = (times[i]! - zeroMs) / 1000;
    addTo(x, seconds);
    addTo(y, value);
    addTo(xy, seconds * value);
    addTo(xx, seconds * seconds);
  }
  if (isConstant) {
    return Math.abs(first) === Infinity
      ? { slope: Number.NaN, intercept: Number.NaN }
      : { slope: 0, intercept: first };
  }
  const count = to - from;
  const sumX = x.sum + x.lost;
  const sumY = y.sum + y.lost;
  const covariance = xy.sum + xy.lost - (sumX * sumY) / count;
  const variance = xx.sum + xx.lost - (sumX * sumX) / count;
  const slope = covariance / variance;
  return { slope, intercept: sumY / count - (slope * sumX) / count };
}

const fitted =
  (compute: (series: ColumnSeries, window: Window) => number): RangeFunction =>
  (series) =>
  (window) =>
    window.to - window.from < 2 ? undefined : compute(series, window);

export const RATES = {
  rate: extrapolated({ isCounter: true, isPerSecond: true }),
  increase: extrapolated({ isCounter: true, isPerSecond: false }),
  delta: extrapolated({ isCounter: false, isPerSecond: false }),
  irate: instantaneous({ isCounter: true }),
  idelta: instantaneous({ isCounter: false }),
  // The first sample is zero: seconds since 1970 would cost the sums their last digits.
  deriv: fitted((series, window) => fitLine(series, window, series.times[window.from]!).slope),
  predict_linear: fitted((series, window) => {
    const { slope, intercept } = fitLine(series, window, window.timeMs);
    return slope * window.parameter + intercept;
  }),
} as const satisfies Readonly<Record<string, RangeFunction>>;
