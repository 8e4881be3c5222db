import type { BatchObservation } from '../core/model/observation.ts';

/** Batches kept in memory while the store refuses them; older ones are dropped and counted. */
export const BACKLOG_BATCHES = 600;

/** Batches that the store refused. */
export type Backlog = Waiting[];

export interface Waiting {
  observation: BatchObservation;
  /** How often it was refused while others were accepted. */
  setBack: number;
  /** When it was last tried, not only waiting behind others. */
  isRefused: boolean;
}

const roundOf = ({ observation }: Waiting): number => observation.batch.roundMs;

export function byTurn(a: Waiting, b: Waiting): number {
  return a.setBack - b.setBack || roundOf(a) - roundOf(b);
}

export function oldestOf(backlog: readonly Waiting[]): Waiting {
  return backlog.reduce((a, b) => (roundOf(b) < roundOf(a) ? b : a));
}
