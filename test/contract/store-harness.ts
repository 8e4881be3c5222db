import { labelKey } from '../../core/labels.ts';
import type { Sample, Series } from '../../core/model/sample.ts';
import type { SampleStore, WriteResult } from '../../core/ports.ts';

/** One place for data; thrown away after each test. */
export interface SampleStoreHarness {
  /** Each call opens the same data again, as another process would. */
  open(): Promise<SampleStore>;
  remove(): Promise<void>;
  /** Whole milliseconds; samples are written from a day before it to an hour after it. */
  nowMs: number;
}

/** What may be otherwise where another server keeps the samples. */
export interface StoreTraits {
  /** Repeats are refused and counted, with whatever value. Else one with the same value changes nothing. */
  countsRepeats: boolean;
  /** Every double comes back as it is; else those of everyday size. */
  exact: boolean;
  /**
   * A sample that is not newer than its series may be so far behind the newest of all; what is further is rejected as too
   * late, a repeat of what is there too.
   */
  lateMs: number;
  /** Deletes when it is told to. */
  prunes: boolean;
  /** p95 is the nearest rank; else between two. */
  nearestRank: boolean;
}

export const OURS: StoreTraits = {
  countsRepeats: true,
  exact: true,
  lateMs: Infinity,
  prunes: true,
  nearestRank: true,
};

/** Of a write: what the store has not taken. Throws for a reason other than that it came too late. */
export function tooLateOf({ rejected }: WriteResult, { lateMs }: StoreTraits): readonly Sample[] {
  for (const { cause, reason } of rejected) {
    if (cause !== 'too-late' || lateMs === Infinity) throw new Error(`rejected as ${cause}: ${reason}`);
  }
  return rejected.map(({ sample }) => sample);
}

/** In the order of their labels: a store gives series in any. */
export function sorted(series: readonly Series[]): Series[] {
  const keyed = series.map((one) => ({ one, key: labelKey(one.labels) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ one }) => one);
}
