// How values, times and spans are shown to people: in messages, on charts, in tables.

import type { Metric, Unit } from './catalogue.ts';
import type { Condition } from './model/rule.ts';

const BYTE_STEPS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** A value with its unit, three significant digits or so: `94.1%`, `1.5 GiB`, `3.2 MiB/s`, `2h5m`, `yes`, `12`. */
export function formatValue(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return '–';
  switch (unit) {
    case 'percent':
      return `${trimZeros(value.toFixed(Math.abs(value) >= 99.95 ? 0 : 1))}%`;
    case 'bytes':
      return formatBytes(value);
    case 'bytes_per_second':
      return `${formatBytes(value)}/s`;
    case 'seconds':
      return formatSeconds(value);
    case 'bool':
      return value === 1 ? 'yes' : value === 0 ? 'no' : formatNumber(value);
    case 'ratio':
    case 'count':
      return formatNumber(value);
    case 'version':
      return formatVersion(value);
  }
}

/** The same of a metric of the catalogue, whose states may have names: `down`. */
export function formatMetricValue(
  value: number,
  metric: Pick<Metric, 'unit' | 'states'> | undefined,
): string {
  const state = value === 0 || value === 1 ? metric?.states?.[value] : undefined;
  return state ?? formatValue(value, metric?.unit ?? 'count');
}

/** `1.37.2` of 1037002; of a number that is none, such as an average, the number. */
function formatVersion(value: number): string {
  if (!Number.isInteger(value) || value < 0) return formatNumber(value);
  return [Math.floor(value / 1e6), Math.floor(value / 1e3) % 1e3, value % 1e3].join('.');
}

/** `12`, `1.25`, `12,345`, `1.2M`: at most four significant digits. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e15) return value.toExponential(2);
  for (const [limit, suffix] of [
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
  ] as const) {
    if (size >= limit) return `${trimZeros((value / limit).toFixed(2))}${suffix}`;
  }
  if (size >= 10_000)
    return Math.round(value)
      .toString()
      .replace(/\B(?=(\d{3})+$)/g, ',');
  if (size !== 0 && size < 0.01) return trimZeros(value.toPrecision(2));
  return trimZeros(value.toFixed(size >= 100 ? 0 : 2));
}

function formatBytes(value: number): string {
  let rest = value;
  let step = 0;
  while (Math.abs(rest) >= 1024 && step < BYTE_STEPS.length - 1) {
    rest /= 1024;
    step++;
  }
  const digits = step === 0 || Math.abs(rest) >= 100 ? 0 : 1;
  return `${trimZeros(rest.toFixed(digits))} ${BYTE_STEPS[step]}`;
}

function formatSeconds(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0 s';
  // A few microseconds below zero are none: `-0`.
  if (size < 1) return `${trimZeros((value * 1000).toFixed(size < 0.01 ? 1 : 0)).replace(/^-0$/, '0')} ms`;
  if (size < 60) return `${trimZeros(value.toFixed(1))} s`;
  return `${value < 0 ? '-' : ''}${formatSpan(size * 1000)}`;
}

function trimZeros(text: string): string {
  return text.includes('.') && !text.includes('e') ? text.replace(/\.?0+$/, '') : text;
}

/** A span in its two largest units, for people: `45s`, `12m`, `2h5m`, `3d4h`. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const units: [string, number][] = [
    ['d', Math.floor(seconds / 86_400)],
    ['h', Math.floor(seconds / 3600) % 24],
    ['m', Math.floor(seconds / 60) % 60],
    ['s', seconds % 60],
  ];
  const first = units.findIndex(([, count]) => count > 0);
  if (first < 0) return '0s';
  return units
    .slice(first, first + 2)
    .filter(([, count]) => count > 0)
    .map(([unit, count]) => `${count}${unit}`)
    .join('');
}

/** The text for times that have not come yet: the clock was set back since, so the true time is unknown. */
export const UNKNOWN_TIME = 'an unknown time';
/** Clocks of the machines of one deployment differ by less. */
const SKEW_MS = 5_000;

/** Whether something that has happened lies ahead of the clock: it was set back since. */
export function isAhead(ms: number, nowMs: number): boolean {
  return ms - nowMs > SKEW_MS;
}

/** `12m`, from one time to another; `an unknown time` where one of them is ahead, or the end before the beginning. */
export function formatElapsed(fromMs: number, toMs: number, nowMs: number): string {
  const isKnown = !isAhead(fromMs, nowMs) && !isAhead(toMs, nowMs) && !isAhead(fromMs, toMs);
  return isKnown ? formatSpan(toMs - fromMs) : UNKNOWN_TIME;
}

/** What the rule asks, in words that fit behind the value: `> 90%`, `< 1`, `outside 10%–90%`. */
export function formatCondition(condition: Condition, unit: Unit): string {
  // A threshold between yes and no is a number; "< yes" would mean nothing.
  const show = (value: number) => formatValue(value, unit === 'bool' ? 'count' : unit);
  switch (condition.kind) {
    case 'above':
      return `> ${show(condition.threshold)}`;
    case 'below':
      return `< ${show(condition.threshold)}`;
    case 'outside':
      // A dash would read as a second minus.
      return `outside ${show(condition.low)}${condition.low < 0 ? ' to ' : '–'}${show(condition.high)}`;
    case 'equals':
      return `= ${show(condition.value)}`;
  }
}

const clocks = new Map<string, Intl.DateTimeFormat>();

/** Making a formatter costs far more than using it. */
function clockOf(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale} ${JSON.stringify(options)}`;
  let clock = clocks.get(key);
  if (!clock) {
    clock = new Intl.DateTimeFormat(locale, options);
    clocks.set(key, clock);
  }
  return clock;
}

/** Wall-clock time in a zone (IANA name): `09:10`, or with seconds `09:10:05`. */
export function formatTime(ms: number, timeZone: string, seconds = false): string {
  const second = seconds ? '2-digit' : undefined;
  return clockOf('en-GB', { hour: '2-digit', minute: '2-digit', second, timeZone, hourCycle: 'h23' }).format(
    ms,
  );
}

/** Day of a zone: `24 Nov`. */
export function formatDay(ms: number, timeZone: string): string {
  return clockOf('en-GB', { timeZone, day: 'numeric', month: 'short' }).format(ms);
}

/** Wall-clock time, with its day unless that is the day of `nowMs`, and its year: `09:10`, `21 Nov 09:10`, `21 Nov 2025 09:10`. */
export function formatMoment(ms: number, nowMs: number, timeZone: string, seconds = false): string {
  const time = formatTime(ms, timeZone, seconds);
  const date = (at: number) => formatDateTime(at, timeZone).slice(0, 'yyyy-mm-dd'.length);
  if (date(ms) === date(nowMs)) return time;
  const year = date(ms).slice(0, 'yyyy'.length);
  const ofYear = year === date(nowMs).slice(0, 'yyyy'.length) ? '' : ` ${year}`;
  return `${formatDay(ms, timeZone)}${ofYear} ${time}`;
}

/** The same of something that has happened; `an unknown time` where that is ahead. */
export function formatPast(ms: number, nowMs: number, timeZone: string, seconds = false): string {
  return isAhead(ms, nowMs) ? UNKNOWN_TIME : formatMoment(ms, nowMs, timeZone, seconds);
}

/** Date and time in a zone: `2026-11-24 09:10:05`. */
export function formatDateTime(ms: number, timeZone: string): string {
  return clockOf('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(ms);
}
