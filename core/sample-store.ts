// The port of samples, a part of core/ports.ts.

import type { Selection } from './model/labels.ts';
import type { HourlySeries, RollUpSeries, Sample, Series } from './model/sample.ts';

/** `where` and `whereNot` are on labels; absent, all match. */
export interface SeriesQuery extends Selection {
  metric: string;
  /** Inclusive at both ends. */
  fromMs: number;
  toMs: number;
  /** The caller reads only samples whose times are multiples of this; a store may leave out the others. */
  everyMs?: number;
  /** Where there are more samples or roll-ups, a store may throw a TooManySamplesError before they take memory. Default: no limit. */
  mostSamples?: number;
}

/** A store holds more samples in the range than its caller wants at once: ask for a shorter one. */
export class TooManySamplesError extends Error {
  override readonly name = 'TooManySamplesError';
  constructor(mostSamples: number) {
    super(`there are more than ${mostSamples} samples`);
  }
}

export interface WriteResult {
  written: number;
  /** Already there: the first write of (metric, labels, time) wins. */
  duplicates: number;
  /** What the store will never take. */
  rejected: readonly RejectedSample[];
}

export interface RejectedSample {
  sample: Sample;
  reason: string;
  /**
   * `too-late`: the store only takes samples near the newest that it has, also where it has this one already. Whoever
   * still needs the sample keeps it elsewhere.
   */
  cause: 'invalid' | 'too-late';
}

export interface SizeLimit {
  /** False: what was free remains free, because the disk is nearly full. */
  mayGrow: boolean;
  /** Nothing newer is deleted: rules in force read it. */
  keepFromMs: number;
  nowMs: number;
}

export interface StoreSize {
  fileBytes: number;
  /** Without the parts of the file that are free. */
  usedBytes: number;
  /** What the store may use; absent without a limit. */
  maxBytes?: number;
  /** Rows that this call deleted. */
  removedRows: number;
}

/** A request of Prometheus' query API. */
export interface PromqlRequest {
  path: 'query' | 'query_range' | 'series';
  parameters: readonly (readonly [name: string, value: string])[];
  signal: AbortSignal;
}

/** JSON of that API: a result, or with a status of 400 and more its error. */
export interface PromqlAnswer {
  status: number;
  body: string;
}

export interface SampleStore {
  /** Some samples may come too late for it. Default: it takes them whenever they come. */
  refusesLate?: true;
  /** Durable when it returns; all or nothing but for what is rejected. @throws RetryableError */
  write(samples: readonly Sample[]): Promise<WriteResult>;
  /**
   * Writes values again that are still current, for readers who lose sight of a series after five minutes, as PromQL does.
   * Nothing that this port reads has them. Returns how many; those that the store refuses are of no use any more. Absent:
   * readers find the last sample, however old. @throws RetryableError
   */
  repeat?(samples: readonly Sample[]): Promise<number>;
  /** Series with at least one point in the range, points ascending, exactly as stored: no filling, no rounding. */
  query(query: SeriesQuery): Promise<Series[]>;
  /** The newest point of every matching series not older than `sinceMs`. */
  latest(query: Selection & { metric: string; sinceMs: number }): Promise<Series[]>;
  /**
   * Periods of five minutes that begin in the range and hold samples: those of `rollUp`, and newer ones from samples.
   * A late sample is in them after the next `rollUp`.
   */
  rollUps(query: SeriesQuery): Promise<RollUpSeries[]>;
  /** Whole hours that begin in the range and hold samples. Absent where that saves nothing: callers read `rollUps`. */
  hourlyRollUps?(query: SeriesQuery): Promise<HourlySeries[]>;
  /**
   * Answers PromQL by itself, over everything that it holds. Absent where it cannot.
   * @throws RetryableError | PermanentError where it answers something else, or more than is read
   */
  promql?(request: PromqlRequest): Promise<PromqlAnswer>;
  /** Keeps roll-ups of all periods that end by then; returns how many rows. They outlive their samples. */
  rollUp(untilMs: number): Promise<number>;
  /** Deletes samples and roll-ups that are older; returns how many rows. Default of the second: as the first. */
  prune(samplesOlderThanMs: number, rollUpsOlderThanMs?: number): Promise<number>;
  /**
   * Deletes the oldest samples and roll-ups while the store takes more than it may. Absent: its size is not our concern.
   * @throws RetryableError
   */
  limitSize?(limit: SizeLimit): Promise<StoreSize>;
  close(): Promise<void>;
}
