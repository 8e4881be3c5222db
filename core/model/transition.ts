import type { Labels } from './labels.ts';

export type TransitionKind = 'pending' | 'firing' | 'resolved' | 'cancelled';

export const REASONS = [
  'threshold',
  'no-data',
  'removed',
  'unselected',
  'check-removed',
  'stale',
  'revised',
  'rule-changed',
] as const;

export type TransitionReason = (typeof REASONS)[number];

/** Immutable. `id` follows from alert, kind and time, so that a replay writes the same one. */
export interface Transition {
  id: string;
  alertId: string;
  rule: string;
  labels: Labels;
  /** What the inventory said of the node or cluster then; no part of the identity. Absent where it said nothing. */
  inventoryLabels?: Labels;
  kind: TransitionKind;
  atMs: number;
  reason: TransitionReason;
  sinceMs: number;
  clearedAtMs?: number;
  value?: number;
}

export interface OutboxItem {
  id: string;
  dueAtMs: number;
  transition: Transition;
}
