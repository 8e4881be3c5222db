// Two backtests over the same samples, by different rules: what one has that the other lacks.

import { formatSpan } from '../format.ts';
import { labelKey } from '../labels.ts';
import type { Backtest, BacktestEpisode } from './backtest.ts';

export interface RuleComparison {
  rule: string;
  /** Absent: only one of the two has the rule. */
  only?: 'before' | 'after';
  before: { episodes: number; messages: number };
  after: { episodes: number; messages: number };
  /** Without a counterpart that overlaps in time with the same labels. */
  gone: readonly BacktestEpisode[];
  added: readonly BacktestEpisode[];
  /** Both have it, and not the same of it. */
  changed: readonly EpisodeChange[];
}

export interface EpisodeChange {
  before: BacktestEpisode;
  after: BacktestEpisode;
  /** How much later it fires after than before; negative: earlier. */
  laterMs: number;
  /** How much longer it fires; absent: one of them fires at the end of the range. */
  longerMs?: number;
  hasOtherChannels: boolean;
}

/** Rules in the order of `after`, then those that only `before` has. */
export function compareBacktests(before: Backtest, after: Backtest): RuleComparison[] {
  const names = [...new Set([...after.rules, ...before.rules].map(({ rule }) => rule))];
  return names.map((rule) => {
    const [was, is] = [before, after].map((one) => one.rules.find((summary) => summary.rule === rule));
    const [old, now] = [before, after].map((one) => one.episodes.filter((episode) => episode.rule === rule));
    const counts = (summary: typeof was) => ({
      episodes: summary?.episodes ?? 0,
      messages: summary?.messages ?? 0,
    });
    return {
      rule,
      ...(!was && { only: 'after' as const }),
      ...(!is && { only: 'before' as const }),
      before: counts(was),
      after: counts(is),
      ...pairEpisodes(old ?? [], now ?? []),
    };
  });
}

export function differs({ only, gone, added, changed }: RuleComparison): boolean {
  return only !== undefined || gone.length + added.length + changed.length > 0;
}

/** Episodes of the same labels that overlap, from their first breach to their end, are one; each has one counterpart at most. */
function pairEpisodes(
  before: readonly BacktestEpisode[],
  after: readonly BacktestEpisode[],
): Pick<RuleComparison, 'gone' | 'added' | 'changed'> {
  const left = Map.groupBy(before, ({ labels }) => labelKey(labels));
  const added: BacktestEpisode[] = [];
  const changed: EpisodeChange[] = [];
  for (const episode of after) {
    const same = left.get(labelKey(episode.labels)) ?? [];
    const i = same.findIndex((one) => overlap(one, episode));
    const [counterpart] = i < 0 ? [] : same.splice(i, 1);
    if (!counterpart) added.push(episode);
    else changed.push(changeOf(counterpart, episode));
  }
  const gone = [...left.values()].flat().sort((a, b) => a.firedAtMs - b.firedAtMs);
  return { gone, added, changed: changed.filter(isChange) };
}

function overlap(a: BacktestEpisode, b: BacktestEpisode): boolean {
  return a.sinceMs <= (b.resolvedAtMs ?? Infinity) && b.sinceMs <= (a.resolvedAtMs ?? Infinity);
}

function changeOf(before: BacktestEpisode, after: BacktestEpisode): EpisodeChange {
  const ends = before.resolvedAtMs !== undefined && after.resolvedAtMs !== undefined;
  const lengthOf = ({ firedAtMs, resolvedAtMs = firedAtMs }: BacktestEpisode) => resolvedAtMs - firedAtMs;
  return {
    before,
    after,
    laterMs: after.firedAtMs - before.firedAtMs,
    ...(ends && { longerMs: lengthOf(after) - lengthOf(before) }),
    hasOtherChannels: before.channels.toSorted().join('\n') !== after.channels.toSorted().join('\n'),
  };
}

function isChange({ before, after, laterMs, longerMs = 0, hasOtherChannels }: EpisodeChange): boolean {
  const ends = (before.resolvedAtMs === undefined) !== (after.resolvedAtMs === undefined);
  return laterMs !== 0 || longerMs !== 0 || hasOtherChannels || ends;
}

/** `3 fewer, 1 later by 4m, 2 to other channels`; `the same` where nothing differs. */
export function comparisonText(comparison: RuleComparison): string {
  const { only, gone, added, changed } = comparison;
  const later = changed.filter(({ laterMs }) => laterMs > 0);
  const earlier = changed.filter(({ laterMs }) => laterMs < 0);
  const inTime = changed.filter(({ laterMs }) => laterMs === 0);
  const longer = inTime.filter(({ longerMs = 0 }) => longerMs > 0);
  const shorter = inTime.filter(({ longerMs = 0 }) => longerMs < 0);
  const others = changed.filter(({ hasOtherChannels }) => hasOtherChannels);
  const by = (all: readonly EpisodeChange[], key: 'laterMs' | 'longerMs') =>
    `by ${formatSpan(medianOf(all.map((one) => Math.abs(one[key] ?? 0))))}`;
  const parts = [
    ...(only === 'before' ? ['the rule is gone'] : only === 'after' ? ['the rule is new'] : []),
    ...(gone.length > 0 ? [`${gone.length} fewer`] : []),
    ...(added.length > 0 ? [`${added.length} more`] : []),
    ...(later.length > 0 ? [`${later.length} later ${by(later, 'laterMs')}`] : []),
    ...(earlier.length > 0 ? [`${earlier.length} earlier ${by(earlier, 'laterMs')}`] : []),
    ...(longer.length > 0 ? [`${longer.length} longer ${by(longer, 'longerMs')}`] : []),
    ...(shorter.length > 0 ? [`${shorter.length} shorter ${by(shorter, 'longerMs')}`] : []),
    ...(others.length > 0 ? [`${others.length} to other channels`] : []),
  ];
  if (parts.length > 0) return parts.join(', ');
  return differs(comparison) ? `${changed.length} end otherwise` : 'the same';
}

/** The lower one of two in the middle; 0 of none. */
export function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length / 2) - 1)] ?? 0;
}
