import { scaleLinear } from 'd3-scale';
import type { Metric, Unit } from '../catalogue.ts';
import { formatDay, formatMetricValue, formatTime } from '../format.ts';

export interface Axis {
  min: number;
  max: number;
  ticks: readonly { at: number; label: string }[];
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TIME_STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 30].map((n) => n * DAY),
];
const MOST_TIME_TICKS = 8;
const VALUE_TICKS = 4;
/** Percent that stay below that would lie flat on the ground of an axis up to 100. */
const SMALL_PERCENT = 25;

/** Ticks at round wall-clock times of the zone, summer time or not. The label of midnight is the day. */
export function timeAxis(fromMs: number, toMs: number, timeZone: string): Axis {
  const spanMs = Math.max(1, toMs - fromMs);
  const stepMs = TIME_STEPS.find((step) => spanMs / step <= MOST_TIME_TICKS) ?? 30 * DAY;
  const offsetAt = zoneOffset(timeZone);
  const firstOffset = offsetAt(fromMs);
  const ticks: { at: number; label: string }[] = [];
  for (let wall = Math.ceil((fromMs + firstOffset) / stepMs) * stepMs; ; wall += stepMs) {
    const at = wall - offsetAt(wall - firstOffset);
    if (at > toMs) break;
    const label = wall % DAY === 0 ? formatDay(at, timeZone) : formatTime(at, timeZone, stepMs < MINUTE);
    ticks.push({ at, label });
  }
  return { min: fromMs, max: fromMs + spanMs, ticks };
}

/** Percent from 0 to 100 unless all are small, states by their two names, all else round numbers around it all. */
export function valueAxis(
  values: readonly number[],
  bounds: readonly number[],
  metric: Pick<Metric, 'unit' | 'states'>,
): Axis {
  const { unit } = metric;
  const tick = (at: number) => ({ at, label: formatMetricValue(at, metric) });
  if (unit === 'bool') return { min: -0.15, max: 1.15, ticks: [tick(0), tick(1)] };
  let least = 0;
  let most = 0;
  for (const value of [...values, ...bounds]) {
    if (!Number.isFinite(value)) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  if (unit === 'percent' && (most > SMALL_PERCENT || most === 0)) most = Math.max(100, most);
  if (least === most) most = least + 1;
  const size = Math.max(Math.abs(least), Math.abs(most));
  const factor = stepFactor(size, unit);
  const headroom = unit === 'percent' && most === 100 ? 0 : (most - least) * 0.08;
  const scale = scaleLinear()
    .domain([(least < 0 ? least - headroom : least) / factor, (most + headroom) / factor])
    .nice(VALUE_TICKS);
  const [min = 0, max = 1] = scale.domain();
  const ticks = scale.ticks(VALUE_TICKS).map((at) => tick(at * factor));
  return { min: min * factor, max: max * factor, ticks };
}

/** Round numbers are round in the unit people read: MiB rather than bytes, hours rather than seconds. */
function stepFactor(size: number, unit: Unit): number {
  if (unit === 'bytes' || unit === 'bytes_per_second')
    return 1024 ** Math.max(0, Math.floor(Math.log2(size) / 10));
  if (unit !== 'seconds') return 1;
  return [86_400, 3_600, 60].find((factor) => size >= 2 * factor) ?? 1;
}

/** Zone minus UTC at a time, in ms. */
function zoneOffset(timeZone: string): (ms: number) => number {
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (ms) => {
    const parts = new Map(clock.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
    const day = Date.UTC(part('year'), part('month') - 1, part('day'));
    const time = part('hour') * HOUR + part('minute') * MINUTE + part('second') * SECOND;
    return day + time - Math.floor(ms / SECOND) * SECOND;
  };
}
