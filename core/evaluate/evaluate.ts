// The one pipeline that decides: input → range → series → candidates → fold → emit → checkpoint. docs/rules.md has the semantics.
import { measureKey } from '../measure.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import type { Transition } from '../model/transition.ts';
import { type Candidate, findCandidates } from './candidates.ts';
import { emit, type FoldedCandidate, type Outcome } from './emit.ts';
import { beginEvaluation, type Evaluation } from './evaluation.ts';
import { fold } from './fold.ts';
import { ruleHash } from './identity.ts';
import { emittedBeforeStart } from './last-emitted.ts';
import type { EvaluateInput, EvaluateResult } from './model.ts';
import { endReason, openBefore, seriesStart, startReason } from './rule-change.ts';
import { deriveSeries } from './rule-series.ts';
import { freshState } from './series-state.ts';

export { evaluationRange, expectedTargets } from './range.ts';
export { removeRule } from './removal.ts';

/**
 * Evaluates one rule: folds the samples since the checkpoint, and emits each change that is not yet emitted. Pure. An
 * evaluation of an older round than the checkpoint's last one changes and emits nothing.
 */
export function evaluateRule(input: EvaluateInput): EvaluateResult {
  const { checkpoint, nowMs } = input;
  if (checkpoint && nowMs < checkpoint.evaluatedToMs) {
    return { checkpoint, transitions: [], alerts: [], ignoredSamples: 0 };
  }
  const evaluation = beginEvaluation(input);
  const series = input.derived ?? deriveSeries(input, evaluation.span.fromMs);
  const { candidates, ignoredSamples } = findCandidates(series, evaluation);
  const outcomes = candidates
    .map((candidate) => foldCandidate(candidate, evaluation))
    .map((folded) => emit(folded, evaluation));
  return {
    checkpoint: nextCheckpoint(outcomes, evaluation),
    transitions: outcomes.flatMap(({ transitions }) => transitions).sort(byTimeThenAlert),
    alerts: outcomes.flatMap(({ alert }) => alert ?? []),
    ignoredSamples,
  };
}

function foldCandidate(candidate: Candidate, evaluation: Evaluation): FoldedCandidate {
  const { input, compiled, span, start } = evaluation;
  const { labels, known } = candidate;
  if (candidate.removed) {
    const { value } = known.state ?? known.stored ?? known.last ?? {};
    const { removed } = candidate;
    const reason =
      start?.isNew && removed !== 'check-removed' ? endReason(input.rule, labels, removed) : removed;
    const end = { ...freshState(labels), value };
    return { candidate, settled: undefined, before: undefined, end, steps: [], reason };
  }
  const before = start?.isNew ? openBefore(known, emittedBeforeStart(known, input), input) : known.before;
  const state = start?.isNew ? undefined : known.state;
  const begun = start && seriesStart(before, compiled, start);
  const folded = fold(compiled, { ...candidate, state }, span, begun);
  const reason = start?.atMs === input.nowMs ? startReason(before, folded.end, start) : 'revised';
  return { candidate, ...folded, before, reason };
}

function nextCheckpoint(outcomes: readonly Outcome[], evaluation: Evaluation): Checkpoint {
  const { input, span, start, startedAtMs } = evaluation;
  const isStartUnsettled = start !== undefined && span.settleMs < startedAtMs;
  return {
    version: 1,
    ruleHash: ruleHash(input.rule),
    metric: measureKey(input.rule),
    startedAtMs,
    settledToMs: span.settleMs,
    evaluatedToMs: input.nowMs,
    series: outcomes.flatMap(({ settled }) => settled ?? []),
    ...(isStartUnsettled && {
      start: { edited: start.edited, open: outcomes.flatMap(({ before }) => before ?? []) },
    }),
    emitted: outcomes.flatMap(({ last }) => last ?? []),
  };
}

function byTimeThenAlert(a: Transition, b: Transition): number {
  return a.atMs - b.atMs || (a.alertId < b.alertId ? -1 : a.alertId > b.alertId ? 1 : 0);
}
