// What a metric of the program is made of; the metrics themselves are in the files beside this one.

export type OwnMetricKind = 'counter' | 'gauge' | 'histogram';

export interface OwnMetric {
  kind: OwnMetricKind;
  help: string;
  /** Label names, in the order of `/metrics`. CloudWatch gets none: each combination would be billed as a metric. */
  labels: readonly string[];
  /** Who counts it: `up`, the functions on AWS, or both. */
  in: 'both' | 'up' | 'functions';
  /** Upper bounds of a histogram's buckets, ascending, without +Inf. */
  buckets?: readonly number[];
}

export const counter = <const L extends readonly string[]>(into: OwnMetric['in'], labels: L, help: string) =>
  ({ kind: 'counter', in: into, labels, help }) as const;
export const gauge = <const L extends readonly string[]>(into: OwnMetric['in'], labels: L, help: string) =>
  ({ kind: 'gauge', in: into, labels, help }) as const;
export const histogram = <const L extends readonly string[]>(
  labels: L,
  buckets: readonly number[],
  help: string,
) => ({ kind: 'histogram', in: 'up', labels, buckets, help }) as const;

export const SECONDS_OF_A_PROBE = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;
export const SECONDS_OF_A_ROUND = [0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300] as const;
export const SECONDS_OF_AN_EVALUATION = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
export const SECONDS_OF_A_QUERY = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;
export const SECONDS_FROM_A_BREACH = [
  1, 2.5, 5, 10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600,
] as const;
export const SECONDS_OF_A_DELIVERY = [1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3_600] as const;
