import { labelsMatch } from '../labels.ts';
import type { Labels, Rule, TransitionReason } from '../model.ts';
import type { Known } from './candidates.ts';
import type { Judge } from './judge.ts';
import type { EvaluateInput, SeriesState } from './model.ts';
import { NO_DATA_UPS } from './no-data.ts';
import { hasShapeOf } from './shape.ts';
import type { Told } from './tell.ts';

/**
 * State of a series after the first evaluation of a new or edited rule, given the state its old samples lead to. What
 * fires goes on if its newest value satisfies the new condition, however long it has, and ends if not.
 */
export function startState(
  end: SeriesState,
  context: { judge: Judge; told: Told; known: Known; input: EvaluateInput },
): SeriesState {
  const { judge, told, known, input } = context;
  if (told.status !== 'firing') return end;
  const { sinceMs, firedAtMs } = told;
  const newest = end.seenAtMs === undefined ? lastKnown(known, input) : end;
  // Where missing data end an alert, they do not keep this one.
  const lacks = judge.noData === 'ok' && end.lacking >= NO_DATA_UPS;
  const holds = !lacks && newest?.value !== undefined && judge.staysFiring(newest.value);
  if (holds) {
    return { ...end, ...newest, status: 'firing', reason: 'threshold', run: undefined, sinceMs, firedAtMs };
  }
  if (end.status === 'firing' && end.reason === 'no-data') return { ...end, sinceMs, firedAtMs };
  return { ...end, status: 'ok', run: undefined, sinceMs: undefined, firedAtMs: undefined };
}

/** Why an alert ends whose target is not among those that a new or edited rule asks for. */
export function endReason(rule: Rule, labels: Labels): TransitionReason {
  return hasShapeOf(rule, labels) && labelsMatch(rule.where, labels) ? 'removed' : 'rule-changed';
}

/** The newest value known without a sample in the range, if it is still what the rule asks for. */
function lastKnown(
  { labels, state, last, stored }: Known,
  { rule, checkpoint }: EvaluateInput,
): Pick<SeriesState, 'seenAtMs' | 'value'> | undefined {
  if ((checkpoint && checkpoint.metric !== rule.metric) || !labelsMatch(rule.where, labels)) return undefined;
  const all = [
    { seenAtMs: state?.seenAtMs, value: state?.value },
    { seenAtMs: stored?.valueAtMs, value: stored?.value },
    { seenAtMs: last?.atMs, value: last?.value },
  ];
  return all
    .filter(({ value }) => value !== undefined)
    .sort((a, b) => (a.seenAtMs ?? 0) - (b.seenAtMs ?? 0))
    .at(-1);
}
