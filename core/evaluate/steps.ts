import type { AlertStatus } from '../model/alert.ts';
import type { Transition, TransitionKind, TransitionReason } from '../model/transition.ts';

/** A change of state that the fold saw. */
export interface Step {
  kind: TransitionKind;
  atMs: number;
  reason: TransitionReason;
  sinceMs: number;
  clearedAtMs?: number;
  value?: number;
}

const STATUS_AFTER = {
  pending: 'pending',
  firing: 'firing',
  resolved: 'ok',
  cancelled: 'ok',
} as const satisfies Record<TransitionKind, AlertStatus>;

export function statusAfter({ kind }: Pick<Transition, 'kind'>): AlertStatus {
  return STATUS_AFTER[kind];
}

/** The statuses a transition can start from. A second `pending` reports a new streak. */
const POSSIBLE_FROM: Record<TransitionKind, readonly AlertStatus[]> = {
  pending: ['ok', 'pending'],
  firing: ['ok', 'pending'],
  resolved: ['firing'],
  cancelled: ['pending'],
};

export function isPossibleFrom(status: AlertStatus, kind: TransitionKind): boolean {
  return POSSIBLE_FROM[kind].includes(status);
}

interface Phase {
  status: AlertStatus;
  sinceMs?: number | undefined;
  value?: number | undefined;
}

/** The steps that lead from one status to the other, all at one time. */
export function stepsBetween(
  from: Omit<Phase, 'value'> | undefined,
  to: Phase,
  { atMs, reason }: { atMs: number; reason: TransitionReason },
): Step[] {
  return kindsBetween(from?.status ?? 'ok', to.status).map((kind) => {
    const opens = kind === 'pending' || kind === 'firing';
    return { kind, atMs, reason, sinceMs: (opens ? to.sinceMs : from?.sinceMs) ?? atMs, value: to.value };
  });
}

/** No kind of transition leads from firing to pending: that takes two. */
function kindsBetween(from: AlertStatus, to: AlertStatus): TransitionKind[] {
  if (from === to) return [];
  switch (to) {
    case 'ok':
      return [from === 'firing' ? 'resolved' : 'cancelled'];
    case 'pending':
      return from === 'firing' ? ['resolved', 'pending'] : ['pending'];
    case 'firing':
      return ['firing'];
  }
}
