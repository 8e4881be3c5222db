// What the query language reads, and the errors that it answers with.

import type { Labels } from '../model/labels.ts';
import type { Matcher } from '../model/silence.ts';

/** One series in columns, as an answer may have a million samples. `labels` have `__name__`; times are milliseconds, ascending. */
export interface ColumnSeries {
  labels: Labels;
  times: Float64Array;
  values: Float64Array;
  /** When the series ended, ascending: from then to its next sample it has no value, however young its last one is. */
  endsMs?: readonly number[];
}

export interface ColumnQuery {
  matchers: readonly Matcher[];
  /** Inclusive at both ends. */
  fromMs: number;
  toMs: number;
}

/** The samples that queries see, of whatever store, under the names that the Prometheus-compatible store gives them. */
export interface SeriesSource {
  /** Series that match and have a sample in the range. @throws QueryError when they would have more samples than allowed */
  select(query: ColumnQuery): Promise<ColumnSeries[]>;
}

/** `bad_data` is the asker's fault, `timeout` and `limit` say that the query asks for too much; all are answered with 4xx. */
export type QueryErrorType = 'bad_data' | 'execution' | 'timeout' | 'limit';

/** The message says what is wrong, where in the query, and what to do. */
export class QueryError extends Error {
  override name = 'QueryError';
  readonly type: QueryErrorType;

  constructor(type: QueryErrorType, message: string) {
    super(message);
    this.type = type;
  }
}
