import { labelKey } from '../../core/labels.ts';
import type { Sample, Series } from '../../core/model/sample.ts';
import type { SampleStore, WriteResult } from '../../core/ports.ts';

/** Data in a folder or database that is deleted after each test. */
export interface SampleStoreHarness {
  /** Each call opens the same data again, as another process would. */
  open(): Promise<SampleStore>;
  remove(): Promise<void>;
  /** Whole milliseconds; samples are written from a day before it to an hour after it. */
  nowMs: number;
}

/** What may differ when another server keeps the samples. */
export interface StoreTraits {
  /**
   * Whether repeated samples are refused and counted, with any value. Otherwise one with the same value changes
   * nothing.
   */
  countsRepeats: boolean;
  /** Whether every double is exact; otherwise only common ones are. */
  exact: boolean;
  /**
   * How far a sample that is not newer than its series may be behind the newest of all; others are rejected as too
   * late, also repeated ones.
   */
  lateMs: number;
  /** Whether it deletes on request. */
  prunes: boolean;
  /** Whether p95 is the nearest rank; otherwise it lies between two. */
  nearestRank: boolean;
}

export const OURS: StoreTraits = {
  countsRepeats: true,
  exact: true,
  lateMs: Infinity,
  prunes: true,
  nearestRank: true,
};

/** The samples of a write that the store refused. @throws for another reason than that they came too late */
export function tooLateOf({ rejected }: WriteResult, { lateMs }: StoreTraits): readonly Sample[] {
  for (const { cause, reason } of rejected) {
    if (cause !== 'too-late' || lateMs === Infinity) throw new Error(`rejected as ${cause}: ${reason}`);
  }
  return rejected.map(({ sample }) => sample);
}

/** In the order of their labels, as a store returns series in any order. */
export function sorted(series: readonly Series[]): Series[] {
  const keyed = series.map((one) => ({ one, key: labelKey(one.labels) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ one }) => one);
}
