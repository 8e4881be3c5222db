import type { Clock } from '../../../core/ports.ts';
import type { Table } from './table.ts';

export interface StateContext {
  table: Table;
  clock: Clock;
  /** For what is history from `ms` on: when DynamoDB may remove it, in seconds. */
  expiresAt(ms: number): number;
  /** Resolves after that many ms. */
  sleep(ms: number): Promise<void>;
  /** 0 ≤ number < 1: writers of one item must not come back in step. */
  random(): number;
}
