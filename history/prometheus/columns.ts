// Samples of one series, gathered in columns that grow.

import type { Labels } from '../../core/model/labels.ts';
import type { ColumnSeries } from '../../core/promql/source.ts';

export interface ColumnBuilder {
  readonly length: number;
  add(timeMs: number, value: number): void;
  /** Newest time; −Infinity without a sample. */
  lastMs(): number;
  finish(labels: Labels): ColumnSeries;
}

const FIRST_SIZE = 64;

export function createColumnBuilder(): ColumnBuilder {
  let times = new Float64Array(FIRST_SIZE);
  let values = new Float64Array(FIRST_SIZE);
  let length = 0;
  return {
    get length() {
      return length;
    },
    add(timeMs, value) {
      if (length === times.length) {
        times = grown(times);
        values = grown(values);
      }
      times[length] = timeMs;
      values[length++] = value;
    },
    lastMs: () => (length === 0 ? -Infinity : (times[length - 1] as number)),
    finish: (labels) => ({ labels, times: times.subarray(0, length), values: values.subarray(0, length) }),
  };
}

function grown(column: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  return new Float64Array(column.buffer.transfer(2 * column.byteLength));
}
