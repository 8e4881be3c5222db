// A story for `rules test`, cut out of history around one firing.

import { stringify } from 'yaml';
import { formatDuration } from '../duration.ts';
import { ConfigError } from '../errors.ts';
import { isMember } from '../evaluate/blind-rounds.ts';
import { lookBackMs } from '../evaluate/range.ts';
import { createIntervals, ruleIntervals } from '../intervals.ts';
import type { Config } from '../model/config.ts';
import type { LabelGlobs, Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { Point, Series } from '../model/sample.ts';
import { leastOf } from '../numbers/extremes.ts';
import type { SampleStore } from '../ports.ts';
import { metricsOf, queryRule } from '../rule-query.ts';
import { type Mark, writeNotation } from '../story/notation.ts';
import { parseStories } from '../story/parse.ts';
import { runStory } from '../story/run.ts';
import type { BacktestEpisode } from './backtest.ts';
import { storyRule } from './story-rule.ts';

/** Rounds of quiet before the first breach and after the end. */
const MARGIN_ROUNDS = 5;
const MOST_ROUNDS = 10_000;
const MOST_SERIES = 50;

export interface CutStory {
  text: string;
  /** What the story cannot show, where it fires or ends at another time than history. */
  notes: readonly string[];
}

/** @throws ConfigError where the firing cannot be a story; RetryableError of the store */
export async function cutStory(
  { rule, episode, config }: { rule: Rule; episode: BacktestEpisode; config: Pick<Config, 'checks'> },
  range: { fromMs: number; toMs: number },
  store: Pick<SampleStore, 'query'>,
): Promise<CutStory> {
  const everyMs = leastOf(config.checks.map((check) => check.everyMs));
  const { intervalMs } = ruleIntervals(createIntervals(config.checks), rule, [{ labels: episode.labels }]);
  const measuredMs = Math.max(everyMs, intervalMs);
  if (measuredMs % everyMs !== 0)
    throw new ConfigError(
      `rule ${rule.name} is measured every ${formatDuration(measuredMs)}, which is no multiple of ${formatDuration(everyMs)}, the rounds of the story`,
    );
  const quietMs = MARGIN_ROUNDS * measuredMs + lookBackMs(rule, { intervalMs });
  const startMs = Math.floor((episode.sinceMs - quietMs) / measuredMs) * measuredMs;
  const endMs = Math.min(range.toMs, (episode.resolvedAtMs ?? range.toMs) + MARGIN_ROUNDS * everyMs);
  const rounds = Math.floor((endMs - startMs) / everyMs) + 1;
  const cut = { startMs, everyMs, rounds: Math.min(rounds, MOST_ROUNDS) };
  const times = { fromMs: startMs, toMs: startMs + (cut.rounds - 1) * everyMs };
  const ofNode = nodeGlobs(episode.labels);
  const found = await queryRule(store, rule, {
    ...times,
    where: { ...rule.where, ...ofNode },
    ...(rule.whereNot && { whereNot: rule.whereNot }),
  });
  const series = found.filter(({ labels }) => belongs(labels, episode.labels, rule));
  if (series.length === 0) throw new ConfigError('the samples of this firing are no longer stored');
  if (series.length > MOST_SERIES)
    throw new ConfigError(
      `the firing is of ${series.length} series, and a story of more than ${MOST_SERIES} could not be read`,
    );
  const ups = rule.metric === 'up' ? [] : await store.query({ metric: 'up', where: ofNode, ...times });
  const fields = {
    name: `${rule.name} at ${new Date(episode.firedAtMs).toISOString()}`,
    rule: storyRule(rule),
    every: formatDuration(everyMs),
    ...(measuredMs !== everyMs && { measuredEvery: formatDuration(measuredMs) }),
    samples: samplesOf(series, ups, rule, cut),
  };
  const notes =
    rounds > MOST_ROUNDS ? [`the firing is longer than ${MOST_ROUNDS} rounds: the story ends before it`] : [];
  return withExpectations(fields, { episode, ...cut }, notes);
}

/** Chooses the series of the alert's node, or of its cluster: a fleet has many others. */
function nodeGlobs({ cluster, node }: Labels): LabelGlobs {
  return {
    ...(cluster !== undefined && { cluster: [cluster] }),
    ...(node !== undefined && { node: [node] }),
  };
}

/** Whether a series is of the alert: its own, the divisor of its node, or a member of its group. */
function belongs(labels: Labels, alert: Labels, { aggregate }: Rule): boolean {
  if (aggregate) return isMember({ labels }, alert);
  return Object.entries(labels).every(([name, value]) => alert[name] === value);
}

interface Cut {
  startMs: number;
  everyMs: number;
  rounds: number;
}

function samplesOf(series: readonly Series[], ups: readonly Series[], rule: Rule, cut: Cut) {
  const upOf = new Map(ups.map(({ labels, points }) => [nodeOf(labels), points]));
  const lineOf = ({ labels, points }: Series) =>
    [seriesName(labels), writeNotation(marksOf(points, upOf.get(nodeOf(labels)) ?? [], cut))] as const;
  if (rule.over === undefined) return Object.fromEntries(series.map(lineOf));
  return Object.fromEntries(
    metricsOf(rule).map((metric) => [
      metric,
      Object.fromEntries(series.filter((one) => one.metric === metric).map(lineOf)),
    ]),
  );
}

function nodeOf({ cluster, node }: Labels): string {
  return `${cluster}\n${node}`;
}

function marksOf(points: readonly Point[], ups: readonly Point[], { startMs, everyMs, rounds }: Cut): Mark[] {
  const values = new Map(points.map(({ timeMs, value }) => [timeMs, value]));
  const tries = new Map(ups.map(({ timeMs, value }) => [timeMs, value]));
  return Array.from({ length: rounds }, (_, round): Mark => {
    const timeMs = startMs + round * everyMs;
    const value = values.get(timeMs);
    if (value !== undefined) return { kind: 'sample', value };
    const up = tries.get(timeMs);
    return { kind: up === undefined ? 'untried' : up === 1 ? 'lacking' : 'down' };
  });
}

/** `prod/node-1 role=etcd mount=/data`, as stories name a series. */
function seriesName({ cluster, node, role, ...rest }: Labels): string {
  const more = Object.entries({ ...(role !== undefined && { role }), ...rest });
  const named =
    node === undefined ? Object.entries({ ...(cluster !== undefined && { cluster }), ...rest }) : more;
  const texts = named.map(([name, value]) => `${name}=${value}`);
  const tokens = node === undefined ? texts : [`${cluster}/${node}`, ...texts];
  const strange = tokens.find((token) => /\s/.test(token) || token.endsWith('='));
  if (strange !== undefined) throw new ConfigError(`a story cannot write the label \`${strange}\``);
  return tokens.join(' ');
}

/** Runs the story without expectations; what comes is what it expects. */
function withExpectations(
  fields: Record<string, unknown>,
  { episode, startMs }: { episode: BacktestEpisode; startMs: number },
  before: readonly string[],
): CutStory {
  const write = (expect: unknown) => stringify({ ...fields, expect }, { lineWidth: 0 });
  const run = (text: string) => {
    const { stories, problems } = parseStories(text);
    const [story] = stories;
    if (!story)
      throw new ConfigError(`the firing cannot be a story: ${problems[0]?.message ?? 'it is empty'}`);
    return runStory(story);
  };
  const rows = run(write({})).rows;
  const several =
    new Set(rows.map(({ series }) => series)).size > 1 || Object.keys(fields.samples as object).length > 1;
  const expect = Object.fromEntries(
    [...Map.groupBy(rows, ({ atMs }) => atMs)].map(([atMs, together]) => {
      const bySeries = [...Map.groupBy(together, ({ series }) => series)].map(
        ([name, own]) => [name, own.length === 1 ? own[0]?.got : own.map(({ got }) => got)] as const,
      );
      return [formatDuration(atMs), several ? Object.fromEntries(bySeries) : bySeries[0]?.[1]];
    }),
  );
  const text = write(expect);
  const notes = [...before];
  const holds = (kind: string, ms: number) =>
    rows.some(({ atMs, got }) => atMs === ms - startMs && got?.startsWith(kind));
  if (!holds('firing', episode.firedAtMs))
    notes.push('in the story it does not fire at that time: what history knew beside these samples decides');
  else if (
    episode.resolvedAtMs !== undefined &&
    before.length === 0 &&
    !holds('resolved', episode.resolvedAtMs)
  )
    notes.push(
      'in the story it does not resolve at that time: what history knew beside these samples decides',
    );
  if (!run(text).ok) notes.push('the story depends on how its rounds are evaluated together');
  return { text, notes };
}
