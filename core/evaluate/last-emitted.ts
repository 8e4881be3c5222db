import type { Alert, AlertStatus } from '../model/alert.ts';
import type { Known } from './known-alerts.ts';
import type { EvaluateInput } from './model.ts';
import { type Step, statusAfter } from './steps.ts';

/** The status that an alert's last emitted transition gave it. */
export interface LastEmitted {
  status: AlertStatus;
  /** Time of that transition, or since when the status holds; -Infinity: no transition was ever emitted. */
  atMs: number;
  sinceMs?: number;
  firedAtMs?: number;
}

type Times = Pick<EvaluateInput, 'checkpoint' | 'alerts' | 'nowMs'>;

/** The order of transitions that have the same time. */
const RANK: Record<AlertStatus, number> = { pending: 0, firing: 1, ok: 2 };

/**
 * Whether a step can be emitted after the last emitted transition: it is newer, or both are of the round that is
 * evaluated again with more samples and the step ranks higher.
 */
export function isAfter(
  step: Pick<Step, 'kind' | 'atMs'>,
  last: Pick<LastEmitted, 'status' | 'atMs'>,
  nowMs: number,
): boolean {
  if (step.atMs !== last.atMs || last.atMs !== nowMs) return step.atMs > last.atMs;
  return RANK[statusAfter(step)] > RANK[last.status];
}

/**
 * The last emitted status by the checkpoint, corrected by the stored alert: that one knows the newest status also when a
 * crash kept the checkpoint from being saved. Without `alerts` in the input the checkpoint alone decides.
 */
export function lastEmittedOf(known: Known, steps: readonly Step[], input: Times): LastEmitted {
  const last = emittedByCheckpoint(known, input);
  if (known.stored) return emittedByStored(known.stored, last);
  if (!input.alerts || last.status === 'ok') return last;
  // The alert's end was committed before a crash. Most likely it is the end that the fold has found again.
  const end = steps.find((step) => isAfter(step, last, input.nowMs) && statusAfter(step) === 'ok');
  return { ...last, status: 'ok', atMs: end ? end.atMs : input.nowMs - 1 };
}

/**
 * The last emitted status before the rule's first evaluation. The stored alert may be of that evaluation itself, where a
 * crash kept its checkpoint from being saved: then it does not count.
 */
export function emittedBeforeStart(known: Known, input: Times): LastEmitted {
  const last = emittedByCheckpoint(known, input);
  const { stored } = known;
  return stored && stored.firedAtMs !== input.nowMs ? emittedByStored(stored, last) : last;
}

function emittedByStored({ status, sinceMs, firedAtMs }: Alert, last: LastEmitted): LastEmitted {
  return { status, atMs: Math.max(last.atMs, firedAtMs ?? sinceMs), sinceMs, firedAtMs };
}

function emittedByCheckpoint(
  { last, state, before }: Known,
  { checkpoint }: Pick<Times, 'checkpoint'>,
): LastEmitted {
  if (last) {
    const firedAtMs = last.kind === 'firing' ? last.atMs : undefined;
    return { status: statusAfter(last), atMs: last.atMs, sinceMs: last.sinceMs, firedAtMs };
  }
  // States settled before the rule's first evaluation were not emitted; what that evaluation found open was.
  const settled = checkpoint && checkpoint.settledToMs < checkpoint.startedAtMs ? before : state;
  if (!settled) return { status: 'ok', atMs: -Infinity };
  const { status, sinceMs, firedAtMs } = settled;
  return { status, atMs: -Infinity, sinceMs, firedAtMs };
}
