import type { Alert } from '../model/alert.ts';
import type { OpenBefore, SeriesState } from '../model/checkpoint.ts';
import type { Transition, TransitionReason } from '../model/transition.ts';
import { endedAlert, openAlert } from './alert.ts';
import type { Candidate } from './candidates.ts';
import type { Evaluation } from './evaluation.ts';
import type { Folded } from './fold.ts';
import { type AlertIdentity, alertIdentity, makeTransition } from './identity.ts';
import { isAfter, type LastEmitted, lastEmittedOf } from './last-emitted.ts';
import { isPossibleFrom, type Step, statusAfter, stepsBetween } from './steps.ts';

/** A label set after the fold. */
export interface FoldedCandidate extends Folded {
  candidate: Candidate;
  before: OpenBefore | undefined;
  /** Why a transition beyond the steps is emitted. */
  reason: TransitionReason;
}

/** What one label set adds to the result, and to the next checkpoint. */
export interface Outcome {
  settled: SeriesState | undefined;
  before: OpenBefore | undefined;
  /** The last emitted transition, if the next evaluation needs it. */
  last: Transition | undefined;
  transitions: Transition[];
  alert: Alert | undefined;
}

/** Emits the transitions that lead an alert from its last emitted status to the end of the fold. */
export function emit(folded: FoldedCandidate, { input, span }: Evaluation): Outcome {
  const { candidate, settled, before, end, steps, reason } = folded;
  const { known, labels, key } = candidate;
  const lastEmitted = lastEmittedOf(known, steps, input);
  const isQuiet = lastEmitted.status === 'ok' && end.status === 'ok' && steps.length === 0;
  // The identity is hashed: quiet series, which are most, need none.
  const identity = isQuiet ? undefined : alertIdentity(input.rule.name, labels, key);
  const catchUp = { atMs: input.nowMs, reason };
  const transitions = identity ? emitTransitions({ alert: identity, lastEmitted, steps, end, catchUp }) : [];
  const last = transitions.at(-1) ?? (known.last && correctedLast(known.last, lastEmitted));
  const isNeeded = last && (last.atMs > span.settleMs || statusAfter(last) !== (settled?.status ?? 'ok'));
  return {
    settled,
    before,
    last: isNeeded ? last : undefined,
    transitions,
    alert:
      identity &&
      (end.status === 'ok' ? endedAlert(identity, lastEmitted, transitions) : openAlert(identity, end)),
  };
}

/** The last transition of the checkpoint. Where a crash kept a later one out of it, as that one must have been. */
function correctedLast(last: Transition, { status, atMs }: LastEmitted): Transition {
  if (statusAfter(last) === status) return last;
  return { ...last, kind: status === 'ok' ? 'resolved' : status, atMs };
}

/**
 * The steps newer than the last emitted transition, and where these do not end in the end state, one or two that do: at
 * the evaluated round, for `catchUp.reason`.
 */
function emitTransitions(input: {
  alert: AlertIdentity;
  lastEmitted: LastEmitted;
  steps: readonly Step[];
  end: Pick<SeriesState, 'status' | 'sinceMs' | 'value'>;
  catchUp: { atMs: number; reason: TransitionReason };
}): Transition[] {
  const { alert, lastEmitted, steps, end, catchUp } = input;
  const transitions: Transition[] = [];
  let { status, atMs } = lastEmitted;
  for (const step of steps) {
    if (!isAfter(step, lastEmitted, catchUp.atMs) || !isPossibleFrom(status, step.kind)) continue;
    transitions.push(makeTransition(alert, step));
    status = statusAfter(step);
    atMs = step.atMs;
  }
  const rest = stepsBetween({ ...lastEmitted, status }, end, catchUp);
  // A transition of the same kind and time may be emitted already: the id must be a new one.
  const isNew = rest.length === 1 && rest.every((step) => isAfter(step, { status, atMs }, catchUp.atMs));
  const restMs = isNew ? catchUp.atMs : Math.max(catchUp.atMs, atMs + 1);
  for (const step of rest) transitions.push(makeTransition(alert, { ...step, atMs: restMs }));
  return transitions;
}
