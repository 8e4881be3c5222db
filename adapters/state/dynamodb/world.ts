import type { Clock } from '../../../core/ports.ts';
import type { Table } from './table.ts';

export interface World {
  table: Table;
  clock: Clock;
  /** For what is history from `ms` on: when DynamoDB may remove it, in seconds. */
  expiresAt(ms: number): number;
  /** Resolves after that many ms. */
  sleep(ms: number): Promise<void>;
}
