import { scaleLinear } from 'd3-scale';
import type { Unit } from '../catalogue.ts';
import { formatTime, formatValue } from '../format.ts';

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

/** Ticks at round wall-clock times of the zone. */
export function timeAxis(fromMs: number, toMs: number, timeZone: string): Axis {
  const spanMs = Math.max(1, toMs - fromMs);
  const stepMs = TIME_STEPS.find((step) => spanMs / step <= MOST_TIME_TICKS) ?? 30 * DAY;
  const offsetMs = zoneOffsetMs(fromMs, timeZone);
  const ticks: { at: number; label: string }[] = [];
  for (let at = Math.ceil((fromMs + offsetMs) / stepMs) * stepMs - offsetMs; at <= toMs; at += stepMs) {
    const label = stepMs >= DAY ? dayText(at, timeZone) : formatTime(at, timeZone, stepMs < MINUTE);
    ticks.push({ at, label });
  }
  return { min: fromMs, max: fromMs + spanMs, ticks };
}

/** Percent from 0 to 100, states as no and yes, all else round numbers around values and bounds. */
export function valueAxis(values: readonly number[], bounds: readonly number[], unit: Unit): Axis {
  if (unit === 'bool') {
    return { min: -0.15, max: 1.15, ticks: [0, 1].map((at) => ({ at, label: formatValue(at, unit) })) };
  }
  let least = 0;
  let most = unit === 'percent' ? 100 : 0;
  for (const value of [...values, ...bounds]) {
    if (!Number.isFinite(value)) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  if (least === most) most = least + 1;
  const size = Math.max(Math.abs(least), Math.abs(most));
  const factor = stepFactor(size, unit);
  const headroom = unit === 'percent' && most <= 100 ? 0 : (most - least) * 0.08;
  const scale = scaleLinear()
    .domain([(least < 0 ? least - headroom : least) / factor, (most + headroom) / factor])
    .nice(VALUE_TICKS);
  const [min = 0, max = 1] = scale.domain();
  const ticks = scale
    .ticks(VALUE_TICKS)
    .map((at) => ({ at: at * factor, label: formatValue(at * factor, unit) }));
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
function zoneOffsetMs(ms: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(ms);
  const part = (type: string) => Number(parts.find((p) => p.type === type)?.value);
  const wall = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  );
  return wall - Math.floor(ms / SECOND) * SECOND;
}

function dayText(ms: number, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone, day: 'numeric', month: 'short' }).format(ms);
}
