import type { Labels } from './labels.ts';
import type { TransitionReason } from './transition.ts';

export type AlertStatus = 'ok' | 'pending' | 'firing';

/** A rule name × one label set. `id` follows from both. */
export interface Alert {
  id: string;
  rule: string;
  labels: Labels;
  /** What the inventory said of the node or cluster when it fired; no part of the identity. Absent where it said nothing. */
  inventoryLabels?: Labels;
  status: AlertStatus;
  /** First sample of the unbroken run of breaching samples. */
  sinceMs: number;
  firedAtMs?: number;
  resolvedAtMs?: number;
  /** First sample that no longer satisfied, while `keepFiringFor` runs or after it ended. */
  clearedAtMs?: number;
  noDataSinceMs?: number;
  reason: TransitionReason;
  /** Newest sample that was evaluated. */
  value?: number;
  valueAtMs?: number;
}
