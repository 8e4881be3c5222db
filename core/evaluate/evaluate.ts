import type { Alert, Transition, TransitionReason } from '../model.ts';
import { endedAlert, openAlert } from './alert.ts';
import { type Candidate, findCandidates, knownAlerts } from './candidates.ts';
import { type Folded, fold, isWorthKeeping, type Span } from './fold.ts';
import { type AlertIdentity, alertIdentity, ruleHash } from './identity.ts';
import { createJudge, type Judge } from './judge.ts';
import { judgedSeries } from './judged.ts';
import type { EvaluateInput, EvaluateResult, SeriesState } from './model.ts';
import { createPlaces } from './places.ts';
import { judgedFromMs } from './range.ts';
import { freshState, type Step } from './series-state.ts';
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
  span: Span;
  startedAtMs: number;
}

interface Subject {
  candidate: Candidate;
  told: Told;
  /** Asked for only when there is something to say: it hashes. */
  identity: () => AlertIdentity;
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
  const judged = { ...input, series: judgedSeries(input, span.fromMs) };
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

function contextOf(input: EvaluateInput): Context {
  const { rule, intervalMs, latenessMs, checkpoint, nowMs, alerts } = input;
  const start: Start = !checkpoint ? 'first' : checkpoint.ruleHash !== ruleHash(rule) ? 'edited' : undefined;
  const fromMs = judgedFromMs(input) - 1;
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
  const { rule, checkpoint } = input;
  const { labels, known, key } = candidate;
  const folded = candidate.removed
    ? undefined
    : fold(judge, { ...candidate, state: start ? undefined : known.state }, span);
  const told = toldOf({
    last: known.last,
    settled: known.state,
    stored: known.stored ?? (input.alerts && null),
    steps: start ? [] : (folded?.steps ?? []),
    settledToMs: checkpoint?.settledToMs ?? -Infinity,
    startedAtMs: checkpoint?.startedAtMs ?? -Infinity,
    nowMs: input.nowMs,
  });
  const subject = { candidate, told, identity: () => alertIdentity(rule.name, labels, key) };
  if (!folded) {
    const reason = start ? endReason(rule, labels) : 'removed';
    const { value } = known.state ?? known.stored ?? known.last ?? {};
    const end = { ...freshState(labels), value };
    return conclude(subject, { settled: undefined, end, steps: [], reason }, context);
  }
  if (start) return judgeStart(subject, folded, context);
  return conclude(subject, { ...folded, reason: 'revised' }, context);
}

/** The first evaluation of a new or edited rule tells only what holds now, not how it came about. */
function judgeStart(subject: Subject, folded: Folded, context: Context): Verdict {
  const { candidate, told } = subject;
  const { input, judge, start, span } = context;
  const end = startState(folded.end, { judge, told, known: candidate.known, input });
  const kept = isWorthKeeping(judge, candidate, end) ? end : undefined;
  const settled = span.settleMs === input.nowMs ? kept : folded.settled;
  const reason = start === 'edited' ? 'rule-changed' : told.status === 'ok' ? end.reason : 'revised';
  return conclude(subject, { settled, end, steps: [], reason }, context);
}

function conclude(
  { candidate: { known }, told, identity }: Subject,
  result: {
    settled: SeriesState | undefined;
    end: SeriesState;
    steps: readonly Step[];
    /** Of what is told beyond the steps. */
    reason: TransitionReason;
  },
  { input, span }: Context,
): Verdict {
  const { settled, end, steps, reason } = result;
  const bridge = { atMs: input.nowMs, reason };
  const quiet = told.status === 'ok' && end.status === 'ok' && steps.length === 0;
  const alert = quiet ? undefined : identity();
  const transitions = alert ? tell({ alert, told, steps, end, bridge }) : [];
  const last = transitions.at(-1) ?? (known.last && asTold(known.last, told));
  const needed = last && (last.atMs > span.settleMs || statusAfter(last) !== (settled?.status ?? 'ok'));
  return {
    settled,
    last: needed ? last : undefined,
    transitions,
    alert: alert && (end.status === 'ok' ? endedAlert(alert, told, transitions) : openAlert(alert, end)),
  };
}

/** The last transition that we know of; where a crash made us forget one, as what that must have been. */
function asTold(last: Transition, { status, atMs }: Told): Transition {
  if (statusAfter(last) === status) return last;
  return { ...last, kind: status === 'ok' ? 'resolved' : status, atMs };
}

function byTimeThenAlert(a: Transition, b: Transition): number {
  return a.atMs - b.atMs || (a.alertId < b.alertId ? -1 : a.alertId > b.alertId ? 1 : 0);
}
