import { measureKey } from '../measure.ts';
import type { OpenBefore, SeriesState } from '../model/checkpoint.ts';
import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { TransitionReason } from '../model/transition.ts';
import { isSelected } from '../selection.ts';
import { canHaveLabels } from './alert-labels.ts';
import type { CompiledRule } from './compiled-rule.ts';
import type { SeriesStart } from './fold.ts';
import { ruleHash } from './identity.ts';
import type { Known } from './known-alerts.ts';
import type { LastEmitted } from './last-emitted.ts';
import type { EvaluateInput } from './model.ts';
import { NO_DATA_UPS } from './no-data.ts';
import type { Span } from './range.ts';
import { stepsBetween } from './steps.ts';

/** The first evaluation of a new or edited rule. */
export interface RuleStart {
  atMs: number;
  edited: boolean;
  /** This evaluation is the first: a checkpoint, if there is one, is of the rule before the edit. */
  isNew: boolean;
}

/** When the rule started. `start` is present while that lies in the span, and is done, or done again with more samples. */
export function ruleStart(
  { rule, checkpoint, nowMs }: Pick<EvaluateInput, 'rule' | 'checkpoint' | 'nowMs'>,
  { fromMs }: Pick<Span, 'fromMs'>,
): { startedAtMs: number; start: RuleStart | undefined } {
  const isEdited = checkpoint !== undefined && checkpoint.ruleHash !== ruleHash(rule);
  const isNew = !checkpoint || isEdited;
  const startedAtMs = isNew ? nowMs : checkpoint.startedAtMs;
  if (fromMs >= startedAtMs) return { startedAtMs, start: undefined };
  const edited = isNew ? isEdited : (checkpoint.start?.edited ?? false);
  return { startedAtMs, start: { atMs: startedAtMs, edited, isNew } };
}

/**
 * The first evaluation emits only what holds at its round, not how that came about: the steps from what was open before to
 * the state that old samples lead to. Done again with more samples, it emits the same way.
 */
export function seriesStart(
  before: OpenBefore | undefined,
  compiled: CompiledRule,
  { atMs, edited }: Pick<RuleStart, 'atMs' | 'edited'>,
): SeriesStart {
  return {
    atMs,
    isOpen: before !== undefined,
    begin(ended) {
      const state = startState(ended, before, { compiled, edited });
      const reason = startReason(before, state, { edited });
      const steps = stepsBetween(before, state, { atMs, reason });
      // The alert fires from now on, however long ago old samples would have made it fire.
      if (steps.at(-1)?.kind === 'firing') state.firedAtMs = atMs;
      return { state, steps };
    },
  };
}

/** The reason of the first evaluation's steps. Where they revoke a transition emitted before, without an edit, it is `revised`. */
export function startReason(
  before: Pick<OpenBefore, 'status'> | undefined,
  state: SeriesState,
  { edited }: { edited: boolean },
): TransitionReason {
  if (edited) return 'rule-changed';
  const goesOn = before === undefined || (before.status === 'pending' && state.status === 'firing');
  return goesOn ? state.reason : 'revised';
}

/**
 * State of a series after the first evaluation, given the state its old samples lead to. A firing alert goes on if its
 * newest value satisfies the new condition, however long it has, and ends if not; without an edit it may be recovering.
 */
function startState(
  end: SeriesState,
  before: OpenBefore | undefined,
  { compiled, edited }: { compiled: CompiledRule; edited: boolean },
): SeriesState {
  if (before?.status !== 'firing') return end;
  const { sinceMs = Infinity, firedAtMs } = before;
  if (!edited && end.status === 'firing') {
    return { ...end, sinceMs: Math.min(sinceMs, end.sinceMs ?? Infinity), firedAtMs };
  }
  const { seenAtMs, value } = end.seenAtMs === undefined ? before : end;
  // Under `ok` missing data end an alert, and do not keep this one.
  const lacks = compiled.noData === 'ok' && end.lacking >= NO_DATA_UPS;
  if (!lacks && value !== undefined && compiled.staysFiring(value)) {
    const run = undefined;
    return { ...end, seenAtMs, value, status: 'firing', reason: 'threshold', run, sinceMs, firedAtMs };
  }
  if (end.status === 'firing' && end.reason === 'no-data') return { ...end, sinceMs, firedAtMs };
  return { ...end, status: 'ok', run: undefined, sinceMs: undefined, firedAtMs: undefined };
}

/** An alert that the first evaluation finds open; the checkpoint keeps it for when the start is done again. */
export function openBefore(
  known: Known,
  lastEmitted: LastEmitted,
  input: EvaluateInput,
): OpenBefore | undefined {
  const { status, sinceMs, firedAtMs } = lastEmitted;
  if (status === 'ok') return undefined;
  return { labels: known.labels, status, sinceMs, firedAtMs, ...lastKnown(known, input) };
}

/** Why an alert ends whose target a new or edited rule does not select. */
export function endReason(rule: Rule, labels: Labels, removed: 'removed' | 'unselected'): TransitionReason {
  if (removed === 'unselected') return 'rule-changed';
  return canHaveLabels(rule, labels) && isSelected(rule, labels) ? 'removed' : 'rule-changed';
}

/** The newest value known without a sample in the range, if the rule still measures and selects it. */
function lastKnown(
  { labels, state, before, last, stored }: Known,
  { rule, checkpoint }: EvaluateInput,
): Pick<SeriesState, 'seenAtMs' | 'value'> | undefined {
  if ((checkpoint && checkpoint.metric !== measureKey(rule)) || !isSelected(rule, labels)) return undefined;
  const all = [
    { seenAtMs: state?.seenAtMs, value: state?.value },
    { seenAtMs: before?.seenAtMs, value: before?.value },
    { seenAtMs: stored?.valueAtMs, value: stored?.value },
    { seenAtMs: last?.atMs, value: last?.value },
  ];
  return all
    .filter(({ value }) => value !== undefined)
    .sort((a, b) => (a.seenAtMs ?? 0) - (b.seenAtMs ?? 0))
    .at(-1);
}
