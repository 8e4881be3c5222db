// What a query answers. Times are milliseconds; a value may be NaN or infinite.

import type { Labels } from '../model/labels.ts';
import type { ColumnSeries } from './source.ts';

export interface VectorSample {
  /** May lack `__name__`: most functions and operators drop it. */
  labels: Labels;
  value: number;
}

export type QueryValue =
  | { type: 'scalar'; timeMs: number; value: number }
  | { type: 'string'; timeMs: number; value: string }
  /** The answer to an instant query, in the order that `sort` and `topk` give, else in no order that anyone may rely on. */
  | { type: 'vector'; timeMs: number; samples: VectorSample[] }
  /** The answer to a range query, and to an instant query for a range vector. Series without a point are left out; sorted by labels. */
  | { type: 'matrix'; series: ColumnSeries[] };

export interface QueryResult {
  value: QueryValue;
  /** What is likely wrong with the query, though it has an answer: a quantile outside 0 to 1. Without repetitions. */
  warnings: readonly string[];
  /** What may be wrong with it: `rate` over a metric that is no counter by its name. */
  infos: readonly string[];
}
