import type { Alert, AlertStatus, Transition, TransitionKind, TransitionReason } from '../model.ts';
import { type AlertIdentity, makeTransition } from './identity.ts';
import type { SeriesState } from './model.ts';
import type { Step } from './series-state.ts';

/** What the outside was told of an alert by its last transition. */
export interface Told {
  status: AlertStatus;
  /** Time of that transition, or since when it holds; -Infinity: it was never mentioned. */
  atMs: number;
  sinceMs?: number;
  firedAtMs?: number;
}

const STATUS_AFTER = {
  pending: 'pending',
  firing: 'firing',
  resolved: 'ok',
  cancelled: 'ok',
} as const satisfies Record<TransitionKind, AlertStatus>;

/** From which states a transition makes sense. A second `pending` tells of a new run. */
const POSSIBLE_FROM: Record<TransitionKind, readonly AlertStatus[]> = {
  pending: ['ok', 'pending'],
  firing: ['ok', 'pending'],
  resolved: ['firing'],
  cancelled: ['pending'],
};

export function statusAfter(transition: Pick<Transition, 'kind'>): AlertStatus {
  return STATUS_AFTER[transition.kind];
}

/**
 * What was told, from the alert's last transition, its state at `settledToMs`, and the stored alert. The stored alert
 * knows the newest status, also when a crash kept the checkpoint from being saved; `undefined` says that nobody asked,
 * `null` that none is stored.
 */
export function toldOf(input: {
  last: Transition | undefined;
  settled: SeriesState | undefined;
  stored: Alert | undefined | null;
  steps: readonly Step[];
  settledToMs: number;
  startedAtMs: number;
  nowMs: number;
}): Told {
  const { stored, steps, nowMs } = input;
  const told = toldByCheckpoint(input);
  if (stored === undefined) return told;
  if (stored) {
    const { status, sinceMs, firedAtMs } = stored;
    return { status, atMs: Math.max(told.atMs, firedAtMs ?? sinceMs), sinceMs, firedAtMs };
  }
  if (told.status === 'ok') return told;
  // Its end was told before a crash: most likely the one that we find again.
  const end = steps.find((step) => step.atMs > told.atMs && STATUS_AFTER[step.kind] === 'ok');
  return { ...told, status: 'ok', atMs: end ? end.atMs : nowMs - 1 };
}

function toldByCheckpoint(input: {
  last: Transition | undefined;
  settled: SeriesState | undefined;
  settledToMs: number;
  startedAtMs: number;
}): Told {
  const { last, settled, settledToMs, startedAtMs } = input;
  if (last) {
    const firedAtMs = last.kind === 'firing' ? last.atMs : undefined;
    return { status: statusAfter(last), atMs: last.atMs, sinceMs: last.sinceMs, firedAtMs };
  }
  // Of the time before the rule's first evaluation only what still held then was told.
  if (settledToMs < startedAtMs) return { status: 'ok', atMs: startedAtMs };
  if (!settled) return { status: 'ok', atMs: -Infinity };
  const { status, sinceMs, firedAtMs } = settled;
  return { status, atMs: -Infinity, sinceMs, firedAtMs };
}

/** How the folded steps become transitions. */
export interface TextTime {
  alert: AlertIdentity;
  told: Told;
  steps: readonly Step[];
  end: Pick<SeriesState, 'status' | 'sinceMs' | 'value'>;
  /**
   * When and why the rest is told, if the steps do not lead from what was told to the end state. The time is that of
   * the round judged: nothing was told at it before, whatever a crash has made us forget.
   */
  bridge: { atMs: number; reason: TransitionReason };
}

/**
 * The transitions to emit: the steps newer than what was told last, and when these do not end in the end state, one
 * that does. From firing to pending it takes two, since no kind of transition says that.
 */
export function tell(time: TextTime): Transition[] {
  const { alert, told, steps, end, bridge } = time;
  const out: Transition[] = [];
  let { status, atMs } = told;
  for (const step of steps) {
    if (step.atMs <= told.atMs || !POSSIBLE_FROM[step.kind].includes(status)) continue;
    out.push(makeTransition(alert, step));
    status = STATUS_AFTER[step.kind];
    atMs = step.atMs;
  }
  // Never at a time that was told already: the id must be a new one.
  const bridgeMs = Math.max(bridge.atMs, atMs + 1);
  for (const kind of kindsBetween(status, end.status)) {
    const opens = kind === 'pending' || kind === 'firing';
    out.push(
      makeTransition(alert, {
        kind,
        atMs: bridgeMs,
        reason: bridge.reason,
        sinceMs: (opens ? end.sinceMs : told.sinceMs) ?? bridgeMs,
        value: end.value,
      }),
    );
  }
  return out;
}

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
