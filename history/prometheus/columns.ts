// Samples of one series, gathered in columns that grow.

import type { Labels } from '../../core/model/labels.ts';
import type { ColumnSeries } from '../../core/promql/source.ts';

export interface ColumnBuilder {
  readonly length: number;
  add(timeMs: number, value: number): void;
  /** The series has ended then. */
  end(timeMs: number): void;
  finish(labels: Labels): ColumnSeries;
}

/** Of an instant query a series has a few samples, and there may be hundreds of thousands. */
const FIRST_SIZE = 8;

export function createColumnBuilder(): ColumnBuilder {
  let times = new Float64Array(FIRST_SIZE);
  let values = new Float64Array(FIRST_SIZE);
  let length = 0;
  const endsMs: number[] = [];
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
    end(timeMs) {
      endsMs.push(timeMs);
    },
    finish: (labels) => ({
      labels,
      times: times.subarray(0, length),
      values: values.subarray(0, length),
      ...(endsMs.length > 0 && { endsMs }),
    }),
  };
}

function grown(column: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  return new Float64Array(column.buffer.transfer(2 * column.byteLength));
}
