import type { Alert, Series, Transition, TransitionReason } from '../model.ts';
import { endedAlert, openAlert } from './alert.ts';
import { type Candidate, findCandidates, knownAlerts } from './candidates.ts';
import { type Folded, fold, isWorthKeeping } from './fold.ts';
import { type AlertIdentity, alertIdentity, ruleHash } from './identity.ts';
import { createJudge, type Judge } from './judge.ts';
import type { EvaluateInput, EvaluateResult, SeriesState } from './model.ts';
import { createPlaces } from './places.ts';
import { evaluationRange } from './range.ts';
import { endReason, startState } from './start.ts';
import { statusAfter, type Told, tell, toldOf } from './tell.ts';

export { evaluationRange, expectedTargets } from './range.ts';
export { removeRule } from './removal.ts';

/** `first`: the rule has no checkpoint. `edited`: a field that decides has changed since. */
type Start = 'first' | 'edited' | undefined;

interface Context {
  input: EvaluateInput;
  judge: Judge;
  start: Start;
  /** Judged is what is newer than `fromMs`, up to `toMs`; what is not newer than `settleMs` is settled by it. */
  span: { fromMs: number; settleMs: number; toMs: number };
  startedAtMs: number;
}

interface Verdict {
  settled: SeriesState | undefined;
  last: Transition | undefined;
  transitions: Transition[];
  alert: Alert | undefined;
}

/**
 * Judges one rule: folds the samples since the checkpoint, emits what changed and is not yet emitted. Pure; the only
 * code that decides. An evaluation of an older round than the checkpoint's last one changes nothing and says nothing.
 */
export function evaluate(input: EvaluateInput): EvaluateResult {
  const { rule, checkpoint, nowMs } = input;
  if (checkpoint && nowMs < checkpoint.evaluatedToMs) {
    return { checkpoint, transitions: [], alerts: [], ignoredSamples: 0 };
  }
  const context = contextOf(input);
  const { judge, span, startedAtMs } = context;
  const known = knownAlerts(input);
  const judged = { ...input, series: judgedSeries(input) };
  const places = createPlaces(judged);
  const { candidates, ignoredSamples } = findCandidates(judged, { judge, known, places, span });

  const verdicts = candidates.map((candidate) => judgeOne(candidate, context));
  return {
    checkpoint: {
      version: 1,
      ruleHash: ruleHash(rule),
      metric: rule.metric,
      startedAtMs,
      settledToMs: span.settleMs,
      evaluatedToMs: nowMs,
      series: verdicts.flatMap(({ settled }) => settled ?? []),
      emitted: verdicts.flatMap(({ last }) => last ?? []),
    },
    transitions: verdicts.flatMap(({ transitions }) => transitions).sort(byTimeThenAlert),
    alerts: verdicts.flatMap(({ alert }) => alert ?? []),
    ignoredSamples,
  };
}

/** What the condition is compared with. Windows, and then aggregates across targets, have their place here. */
function judgedSeries(input: EvaluateInput): readonly Series[] {
  return input.series;
}

function contextOf(input: EvaluateInput): Context {
  const { rule, intervalMs, latenessMs, checkpoint, nowMs, alerts } = input;
  const start: Start = !checkpoint ? 'first' : checkpoint.ruleHash !== ruleHash(rule) ? 'edited' : undefined;
  const fromMs = evaluationRange(input).fromMs - 1;
  // What an edit, or a lost checkpoint, decided stands: nothing before it is folded again.
  const standing = start === 'edited' || (start === 'first' && alerts !== undefined && alerts.length > 0);
  return {
    input,
    judge: createJudge(rule, intervalMs),
    start,
    span: { fromMs, settleMs: standing ? nowMs : Math.max(fromMs, nowMs - latenessMs), toMs: nowMs },
    startedAtMs: start || !checkpoint ? nowMs : checkpoint.startedAtMs,
  };
}

function judgeOne(candidate: Candidate, context: Context): Verdict {
  const { input, judge, start, span } = context;
  const { rule, checkpoint, nowMs } = input;
  const { labels, known } = candidate;
  const identity = alertIdentity(rule.name, labels, candidate.key);
  const told = toldOf({
    last: known.last,
    settled: known.state,
    stored: known.stored ?? (input.alerts && null),
    settledToMs: checkpoint?.settledToMs ?? -Infinity,
    startedAtMs: checkpoint?.startedAtMs ?? -Infinity,
  });
  if (candidate.removed) {
    const reason = start === 'edited' ? endReason(rule, labels) : 'removed';
    return endAlert(identity, candidate, told, { atMs: nowMs, reason });
  }
  const folded = fold(judge, { ...candidate, state: start ? undefined : known.state }, span);
  if (start) return judgeStart(identity, candidate, told, folded, context);
  const bridge = { atMs: folded.end.seenAtMs ?? nowMs, reason: 'revised' as const };
  const transitions = tell({ alert: identity, told, steps: folded.steps, end: folded.end, bridge });
  return conclude(identity, candidate, told, { ...folded, transitions }, context);
}

/** The first evaluation of a new or edited rule tells only what holds now, not how it came about. */
function judgeStart(
  identity: AlertIdentity,
  candidate: Candidate,
  told: Told,
  folded: Folded,
  context: Context,
): Verdict {
  const { input, judge, start, span } = context;
  const { nowMs } = input;
  const end = startState(folded.end, { judge, told, known: candidate.known, input });
  const kept = isWorthKeeping(judge, candidate, end) ? end : undefined;
  const settled = span.settleMs === nowMs ? kept : folded.settled;
  const bridge =
    start === 'edited'
      ? { atMs: nowMs, reason: 'rule-changed' as const }
      : { atMs: end.reason === 'no-data' ? nowMs : (end.seenAtMs ?? nowMs), reason: firstReason(end, told) };
  const transitions = tell({ alert: identity, told, steps: [], end, bridge });
  return conclude(identity, candidate, told, { settled, end, transitions }, context);
}

function firstReason(end: SeriesState, told: Told): TransitionReason {
  return told.status === 'ok' ? end.reason : 'revised';
}

function conclude(
  identity: AlertIdentity,
  { known }: Candidate,
  told: Told,
  result: { settled: SeriesState | undefined; end: SeriesState; transitions: Transition[] },
  { span, startedAtMs }: Context,
): Verdict {
  const { settled, end, transitions } = result;
  const before = known.last && statusAfter(known.last) === told.status ? known.last : undefined;
  const last = transitions.at(-1) ?? before;
  const needed =
    last &&
    (last.atMs > span.settleMs ||
      span.settleMs < startedAtMs ||
      statusAfter(last) !== (settled?.status ?? 'ok'));
  const alert = end.status === 'ok' ? endedAlert(identity, told, transitions) : openAlert(identity, end);
  return { settled, last: needed ? last : undefined, transitions, alert };
}

function endAlert(
  identity: AlertIdentity,
  { known }: Candidate,
  told: Told,
  bridge: { atMs: number; reason: TransitionReason },
): Verdict {
  const { value } = known.state ?? known.stored ?? known.last ?? {};
  const transitions = tell({ alert: identity, told, steps: [], end: { status: 'ok', value }, bridge });
  return {
    settled: undefined,
    last: transitions.at(-1),
    transitions,
    alert: endedAlert(identity, told, transitions),
  };
}

function byTimeThenAlert(a: Transition, b: Transition): number {
  return a.atMs - b.atMs || (a.alertId < b.alertId ? -1 : a.alertId > b.alertId ? 1 : 0);
}
