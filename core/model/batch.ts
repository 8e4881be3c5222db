import type { Target } from './target.ts';

/** Targets of one bastion, the unit of fan-out. `roundMs` is the scheduled time: that of its samples. */
export interface Batch {
  roundMs: number;
  bastion: string;
  /** Further bastions that lead to all of its targets, in order. */
  otherBastions?: readonly string[];
  /** It also checks those of its bastions that it does not need: one batch of a round does, for all that share them. */
  checksBastions?: true;
  /** 0-based; a target stays in its batch while `count` is unchanged. */
  index: number;
  count: number;
  checks: readonly string[];
  targets: readonly Target[];
  /** Interval of the most frequent of its checks. Absent in messages of the release before. */
  intervalMs?: number;
  /** Not started by then: expired, dropped and counted. */
  expiresAtMs: number;
}

/** Two batches of one round differ in it; a batch has the same in each round. */
export type BatchName = Pick<Batch, 'bastion' | 'index'>;
