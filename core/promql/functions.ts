// The functions and aggregations of the query language, with their types: the parser checks calls by them, the evaluator has an
// implementation of each, and docs/promql.md lists them.

import type { ValueType } from './ast.ts';

export interface FunctionType {
  args: readonly ValueType[];
  /** How many of the last arguments may be left out. */
  optional?: number;
  /** The last argument may come any number of times, or not at all. */
  repeats?: boolean;
  returns: 'scalar' | 'vector';
}

const VECTOR: FunctionType = { args: ['vector'], returns: 'vector' };
const RANGE: FunctionType = { args: ['matrix'], returns: 'vector' };
/** Without an argument it reads `vector(time())`. */
const DATE: FunctionType = { args: ['vector'], optional: 1, returns: 'vector' };
const SCALAR: FunctionType = { args: [], returns: 'scalar' };

export const FUNCTIONS = {
  abs: VECTOR,
  absent: VECTOR,
  absent_over_time: RANGE,
  acos: VECTOR,
  acosh: VECTOR,
  asin: VECTOR,
  asinh: VECTOR,
  atan: VECTOR,
  atanh: VECTOR,
  avg_over_time: RANGE,
  ceil: VECTOR,
  changes: RANGE,
  clamp: { args: ['vector', 'scalar', 'scalar'], returns: 'vector' },
  clamp_max: { args: ['vector', 'scalar'], returns: 'vector' },
  clamp_min: { args: ['vector', 'scalar'], returns: 'vector' },
  cos: VECTOR,
  cosh: VECTOR,
  count_over_time: RANGE,
  day_of_month: DATE,
  day_of_week: DATE,
  day_of_year: DATE,
  days_in_month: DATE,
  deg: VECTOR,
  delta: RANGE,
  deriv: RANGE,
  exp: VECTOR,
  floor: VECTOR,
  hour: DATE,
  idelta: RANGE,
  increase: RANGE,
  irate: RANGE,
  label_join: { args: ['vector', 'string', 'string', 'string'], repeats: true, returns: 'vector' },
  label_replace: { args: ['vector', 'string', 'string', 'string', 'string'], returns: 'vector' },
  last_over_time: RANGE,
  ln: VECTOR,
  log10: VECTOR,
  log2: VECTOR,
  max_over_time: RANGE,
  min_over_time: RANGE,
  minute: DATE,
  month: DATE,
  pi: SCALAR,
  predict_linear: { args: ['matrix', 'scalar'], returns: 'vector' },
  present_over_time: RANGE,
  quantile_over_time: { args: ['scalar', 'matrix'], returns: 'vector' },
  rad: VECTOR,
  rate: RANGE,
  resets: RANGE,
  round: { args: ['vector', 'scalar'], optional: 1, returns: 'vector' },
  scalar: { args: ['vector'], returns: 'scalar' },
  sgn: VECTOR,
  sin: VECTOR,
  sinh: VECTOR,
  sort: VECTOR,
  sort_desc: VECTOR,
  sqrt: VECTOR,
  stddev_over_time: RANGE,
  stdvar_over_time: RANGE,
  sum_over_time: RANGE,
  tan: VECTOR,
  tanh: VECTOR,
  time: SCALAR,
  timestamp: VECTOR,
  vector: { args: ['scalar'], returns: 'vector' },
  year: DATE,
} as const satisfies Readonly<Record<string, FunctionType>>;

export type FunctionName = keyof typeof FUNCTIONS;

/** Each with the type of its parameter; undefined: it has none. */
export const AGGREGATIONS = {
  avg: undefined,
  bottomk: 'scalar',
  count: undefined,
  count_values: 'string',
  group: undefined,
  max: undefined,
  min: undefined,
  quantile: 'scalar',
  stddev: undefined,
  stdvar: undefined,
  sum: undefined,
  topk: 'scalar',
} as const satisfies Readonly<Record<string, ValueType | undefined>>;

export type AggregationName = keyof typeof AGGREGATIONS;

export function functionType(name: string): FunctionType | undefined {
  return Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name as FunctionName] : undefined;
}
