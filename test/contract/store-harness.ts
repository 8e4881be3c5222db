import { labelKey } from '../../core/labels.ts';
import type { Series } from '../../core/model.ts';
import type { SampleStore } from '../../core/ports.ts';

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
  /** Deletes when it is told to. */
  prunes: boolean;
  /** p95 is the nearest rank; else between two. */
  nearestRank: boolean;
}

export const OURS: StoreTraits = { countsRepeats: true, exact: true, prunes: true, nearestRank: true };

/** In the order of their labels: a store gives series in any. */
export function sorted(series: readonly Series[]): Series[] {
  const keyed = series.map((one) => ({ one, key: labelKey(one.labels) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ one }) => one);
}
