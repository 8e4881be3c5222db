// Functions of one value, and of numbers beside it.

import type { FunctionName } from './functions.ts';

type NumberFunction = (value: number, ...numbers: number[]) => number;

/** Infinity is the larger one even beside NaN, where `Math.max` answers NaN. */
function larger(a: number, b: number): number {
  return a === Infinity || b === Infinity ? Infinity : Math.max(a, b);
}

function smaller(a: number, b: number): number {
  return a === -Infinity || b === -Infinity ? -Infinity : Math.min(a, b);
}

/** Ties go up. Dividing by the inverse is what Prometheus does: multiples of 0.1 come out as they are written. */
function round(value: number, toNearest = 1): number {
  const inverse = 1 / toNearest;
  return Math.floor(value * inverse + 0.5) / inverse;
}

/** Reads a time in seconds as a date. A year that ECMAScript cannot count gives NaN. */
const ofDate =
  (read: (date: Date) => number): NumberFunction =>
  (seconds) =>
    read(new Date(Math.trunc(seconds) * 1000));

const DAY_MS = 86_400_000;

function dayOfYear(date: Date): number {
  const year = new Date(date);
  year.setUTCMonth(0, 1);
  year.setUTCHours(0, 0, 0, 0);
  return Math.floor((date.getTime() - year.getTime()) / DAY_MS) + 1;
}

function daysInMonth(date: Date): number {
  const next = new Date(date);
  next.setUTCDate(1);
  next.setUTCMonth(next.getUTCMonth() + 1);
  next.setUTCDate(0);
  return next.getUTCDate();
}

export const NUMBER_FUNCTIONS = {
  abs: Math.abs,
  acos: Math.acos,
  acosh: Math.acosh,
  asin: Math.asin,
  asinh: Math.asinh,
  atan: Math.atan,
  atanh: Math.atanh,
  ceil: Math.ceil,
  clamp: (value, least, most) => larger(least!, smaller(most!, value)),
  clamp_max: (value, most) => smaller(most!, value),
  clamp_min: (value, least) => larger(least!, value),
  cos: Math.cos,
  cosh: Math.cosh,
  day_of_month: ofDate((date) => date.getUTCDate()),
  day_of_week: ofDate((date) => date.getUTCDay()),
  day_of_year: ofDate(dayOfYear),
  days_in_month: ofDate(daysInMonth),
  deg: (value) => (value * 180) / Math.PI,
  exp: Math.exp,
  floor: Math.floor,
  hour: ofDate((date) => date.getUTCHours()),
  ln: Math.log,
  log10: Math.log10,
  log2: Math.log2,
  minute: ofDate((date) => date.getUTCMinutes()),
  month: ofDate((date) => date.getUTCMonth() + 1),
  rad: (value) => (value * Math.PI) / 180,
  round,
  sgn: Math.sign,
  sin: Math.sin,
  sinh: Math.sinh,
  sqrt: Math.sqrt,
  tan: Math.tan,
  tanh: Math.tanh,
  year: ofDate((date) => date.getUTCFullYear()),
} as const satisfies Partial<Record<FunctionName, NumberFunction>>;

/** The numbers with which no value has a result at all. */
export function areEmptyBounds(name: string, least: number | undefined, most: number | undefined): boolean {
  return name === 'clamp' && most! < least!;
}
