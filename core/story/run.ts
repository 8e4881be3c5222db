import { evaluateRule, evaluationRange, removeRule } from '../evaluate/evaluate.ts';
import { expectedTargets } from '../evaluate/range.ts';
import { hashNumber } from '../hash.ts';
import type { Alert } from '../model/alert.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import type { Transition } from '../model/transition.ts';
import { compare, type Row } from './comparison.ts';
import { createInputs, type StoryInputs } from './inputs.ts';
import type { Story } from './model.ts';

export interface StoryResult {
  story: Story;
  ok: boolean;
  /** How the rounds were evaluated in the run that is reported: the first that failed, else every round. */
  chunking: string;
  /** What was expected and what came, in order of time. */
  rows: readonly Row[];
  /** For every round, each alert that was not ok after it. */
  states: readonly { atMs: number; alerts: readonly Alert[] }[];
}

interface Run {
  chunking: string;
  transitions: Transition[];
  states: { atMs: number; alerts: Alert[] }[];
}

const RANDOM_RUNS = 8;

/**
 * Runs a story as a scheduler would: every round as it comes. Then again with each round twice, once at the end, and
 * in random chunks: the transitions must be the same. A story with late samples is run only as it comes, since evaluated
 * after they have come they are not late.
 */
export function runStory(story: Story): StoryResult {
  const fixture = createInputs(story);
  const rounds = roundsOf(story, fixture);
  const plans = [{ chunking: 'every round', times: rounds }];
  if (story.late.length === 0) {
    plans.push({ chunking: 'every round twice', times: rounds.flatMap((atMs) => [atMs, atMs]) });
    plans.push({ chunking: 'once at the end', times: rounds.filter(boundary(story, fixture)) });
    for (let i = 1; i <= RANDOM_RUNS; i++) {
      const random = pseudoRandom(`${story.name}\n${i}`);
      const isBoundary = boundary(story, fixture);
      const times = rounds.filter((atMs) => random() < 0.3 || isBoundary(atMs));
      plans.push({ chunking: `in random chunks (${i})`, times });
    }
  }
  const results = plans.map(({ chunking, times }) => {
    const run = runAt(story, fixture, chunking, times);
    return { run, rows: compare(story, run.transitions) };
  });
  const reported = results.find(({ rows }) => rows.some((row) => !row.ok)) ?? results[0];
  const ok = results.every(({ rows }) => rows.every((row) => row.ok));
  return {
    story,
    ok,
    chunking: reported?.run.chunking ?? '',
    rows: reported?.rows ?? [],
    states: results[0]?.run.states ?? [],
  };
}

function roundsOf(story: Story, fixture: StoryInputs): number[] {
  const fromMs = story.ruleFromMs ?? 0;
  const untilMs = Math.min(fixture.endMs, story.ruleUntilMs ?? Infinity);
  const count = Math.max(0, Math.floor((untilMs - fromMs) / story.everyMs) + 1);
  return Array.from({ length: count }, (_, i) => fromMs + i * story.everyMs);
}

/** Rounds that no chunk may swallow: an edit or a removal is no sample, it happens when it is seen. */
function boundary(story: Story, fixture: StoryInputs): (atMs: number) => boolean {
  const changes = [...story.edits, ...story.removed].map(({ atMs }) => atMs);
  if (story.ruleUntilMs !== undefined) changes.push(story.ruleUntilMs);
  const fixed = new Set(changes.flatMap((atMs) => [atMs - story.everyMs, atMs]));
  return (atMs) => fixed.has(atMs) || atMs === story.ruleFromMs || atMs === fixture.endMs;
}

function runAt(story: Story, fixture: StoryInputs, chunking: string, times: readonly number[]): Run {
  const run: Run = { chunking, transitions: [], states: [] };
  const stored = new Map<string, Alert>();
  let checkpoint: Checkpoint | undefined;
  const keep = (alerts: readonly Alert[], transitions: readonly Transition[]) => {
    for (const alert of alerts) {
      if (alert.status === 'ok') stored.delete(alert.id);
      else stored.set(alert.id, alert);
    }
    run.transitions.push(...transitions);
  };
  const evaluateAt = (nowMs: number) => {
    const rule = fixture.ruleAt(nowMs);
    const span = { rule, intervalMs: story.measuredEveryMs, latenessMs: story.latenessMs, checkpoint, nowMs };
    const range = { fromMs: evaluationRange(span).fromMs, toMs: nowMs };
    const result = evaluateRule({
      ...span,
      series: fixture.series({ rule, ...range }),
      up: fixture.up(range),
      // Nodes of a story have no labels of an inventory: each is one that the rule is for.
      targets: expectedTargets({ where: rule.where, whereNot: rule.whereNot }, fixture.targets(nowMs)),
      alerts: [...stored.values()],
    });
    // As a store would keep it: what JSON loses must not matter.
    checkpoint = JSON.parse(JSON.stringify(result.checkpoint));
    keep(result.alerts, result.transitions);
  };
  // A rule without `ruleFrom` has been there before the first sample.
  if (story.ruleFromMs === undefined) evaluateAt(-story.everyMs);
  for (const nowMs of times) {
    if (nowMs === story.ruleUntilMs) {
      const ended = removeRule({ rule: story.rule.name, alerts: [...stored.values()], nowMs });
      keep(ended.alerts, ended.transitions);
    } else evaluateAt(nowMs);
    run.states.push({ atMs: nowMs, alerts: [...stored.values()] });
  }
  return run;
}

/** Numbers between 0 and 1 that follow from `seed` alone: chunks are random, and the same in every run. */
function pseudoRandom(seed: string): () => number {
  let count = 0;
  return () => hashNumber(`${seed}\n${count++}`) / 2 ** 32;
}
