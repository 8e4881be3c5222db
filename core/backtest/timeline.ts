// The picture of a backtest: decides which rules and alerts it shows, and what stands in their lanes.

import { timeAxis } from '../chart/axes.ts';
import { mergeSpans, type TimelineBar, type TimelineGroup, type TimelineSpec } from '../chart/timeline.ts';
import { formatMoment, formatSpan } from '../format.ts';
import { labelKey } from '../labels.ts';
import type { ChartTheme } from '../model/chart-theme.ts';
import { episodeOf } from '../notify/episode.ts';
import { labelsText } from '../notify/summary.ts';
import { leastOf } from '../numbers/extremes.ts';
import { visibleLine } from '../text/visible-line.ts';
import type { Backtest, BacktestEpisode } from './backtest.ts';
import { comparisonText, differs, type RuleComparison } from './compare.ts';
import { firingMs } from './episodes.ts';
import type { BacktestMessage } from './messages.ts';

export interface TimelineOptions {
  timeZone: string;
  theme: ChartTheme;
}

/** A picture with more of them is too high to be read at once. */
const MOST_LANES = 24;
const MOST_RULES = 12;
/** Shares of the range within which two bars, or two marks of messages, would not be seen apart. */
const BAR_SHARE = 1 / 700;
const MARK_SHARE = 1 / 70;

export function backtestTimeline(backtest: Backtest, options: TimelineOptions): TimelineSpec {
  const { rules, episodes, messages } = backtest;
  const notes = rules.map(({ rule, ...one }) => {
    const times = one.episodes === 1 ? 'once' : `${one.episodes} times`;
    const fired = `fired ${times} for ${formatSpan(one.firingMs)}, ${counted(one.messages, 'message')}`;
    return { rule, note: one.episodes === 0 ? 'did not fire' : fired };
  });
  const title = `Backtest: ${counted(episodes.length, 'firing')}, ${counted(messages.length, 'message')}`;
  return timelineOf({ title, notes, backtests: [backtest], versions: [] }, options);
}

/** Each lane has two bars: of `before`, and below it of `after`. */
export function comparisonTimeline(
  before: Backtest,
  { against, after, rules }: { against: string; after: Backtest; rules: readonly RuleComparison[] },
  options: TimelineOptions,
): TimelineSpec {
  const notes = rules.map((one) => ({ rule: one.rule, note: comparisonText(one) }));
  const other = rules.filter(differs).length;
  const verdict = `${other} of ${counted(rules.length, 'rule')} ${other === 1 ? 'differs' : 'differ'}`;
  const title = `Backtest against ${visibleLine(against)}: ${other === 0 ? 'the same' : verdict}`;
  return timelineOf({ title, notes, backtests: [before, after], versions: ['was', 'now'] }, options);
}

interface Drawing {
  title: string;
  notes: readonly { rule: string; note: string }[];
  /** One, or two of the same range. */
  backtests: readonly Backtest[];
  versions: readonly string[];
}

/** An alert with its episodes in each backtest. */
interface Alert {
  name: string;
  episodes: readonly (readonly BacktestEpisode[])[];
  /** Alerts that the versions treat otherwise come first, then those that fire for long. */
  isChanged: boolean;
  firingMs: number;
  firstMs: number;
}

interface DrawnRule {
  rule: string;
  note: string;
  alerts: readonly Alert[];
  unknown: readonly Backtest['rules'][number]['unknown'][];
}

function timelineOf(
  { title, notes, backtests, versions }: Drawing,
  { timeZone, theme }: TimelineOptions,
): TimelineSpec {
  const { fromMs, toMs } = backtests[0] ?? { fromMs: 0, toMs: 0 };
  const rules = notes.map(
    ({ rule, note }): DrawnRule => ({
      ...{ rule, note, alerts: alertsOf(rule, backtests) },
      unknown: backtests.map((one) => one.rules.find((summary) => summary.rule === rule)?.unknown ?? []),
    }),
  );
  const drawn = new Set(rules.toSorted(byInterest).filter(isDrawn).slice(0, MOST_RULES));
  const shown = rules.filter((one) => drawn.has(one));
  const laneCounts = shareLanes(shown.map(({ alerts }) => Math.max(1, alerts.length)));
  const messages = backtests.map(messageTimes);
  const groups = shown.map(({ rule, note, alerts, unknown }, i): TimelineGroup => {
    const barsOf = (episodes: Alert['episodes']) =>
      backtests.map((one, n) => barOf(one, episodes[n] ?? [], unknown[n] ?? [], messages[n]));
    const lanes = alerts
      .slice(0, laneCounts[i])
      .sort((a, b) => a.firstMs - b.firstMs)
      .map(({ name, episodes }) => ({ name, bars: barsOf(episodes) }));
    if (alerts.length === 0)
      return { name: rule, note, lanes: [{ name: 'no alert', bars: barsOf([]) }], omitted: 0 };
    return { name: rule, note, lanes, omitted: alerts.length - lanes.length };
  });
  const at = (ms: number) => formatMoment(ms, toMs, timeZone);
  const range = `${at(fromMs)} to ${at(toMs)} (${formatSpan(toMs - fromMs)})`;
  const subtitle = [range, counted(notes.length, 'rule'), timeZone].join(' · ');
  return {
    ...{ theme, title, subtitle, versions, groups },
    x: timeAxis(fromMs, toMs, timeZone),
    rest: restText(rules.filter((one) => !drawn.has(one))),
    alt: `${title}; ${subtitle}`,
  };
}

/** Rules that neither fire nor lack samples are counted only. */
function isDrawn({ alerts, unknown }: DrawnRule): boolean {
  return alerts.length > 0 || unknown.some((gaps) => gaps.length > 0);
}

function byInterest(a: DrawnRule, b: DrawnRule): number {
  const changes = ({ alerts }: DrawnRule) => alerts.filter(({ isChanged }) => isChanged).length;
  const totalMs = ({ alerts }: DrawnRule) => alerts.reduce((sum, alert) => sum + alert.firingMs, 0);
  return changes(b) - changes(a) || totalMs(b) - totalMs(a) || b.alerts.length - a.alerts.length;
}

function alertsOf(rule: string, backtests: readonly Backtest[]): Alert[] {
  const byVersion = backtests.map(({ episodes }) =>
    Map.groupBy(
      episodes.filter((episode) => episode.rule === rule),
      ({ labels }) => labelKey(labels),
    ),
  );
  const keys = new Set(byVersion.flatMap((alerts) => [...alerts.keys()]));
  const found = [...keys].map((key): Alert => {
    const episodes = byVersion.map((alerts) => alerts.get(key) ?? []);
    const { labels = {} } = episodes.flat()[0] ?? {};
    const timesOf = (all: readonly BacktestEpisode[] = []) =>
      JSON.stringify(all.map((one) => [one.firedAtMs, one.resolvedAtMs, one.channels]));
    return {
      ...{ name: labelsText(labels), episodes },
      isChanged: episodes.some((all) => timesOf(all) !== timesOf(episodes[0])),
      firstMs: leastOf(episodes.flat().map(({ firedAtMs }) => firedAtMs)),
      firingMs: backtests
        .flatMap((one, n) => (episodes[n] ?? []).map((episode) => firingMs(episode, one)))
        .reduce((sum, ms) => sum + ms, 0),
    };
  });
  return found.sort((a, b) => Number(b.isChanged) - Number(a.isChanged) || b.firingMs - a.firingMs);
}

/** Each rule gets a lane in turn, until all have what they want or none is left. */
function shareLanes(wanted: readonly number[]): number[] {
  const counts = wanted.map(() => 0);
  for (let left = MOST_LANES, before = -1; left > 0 && left !== before; ) {
    before = left;
    for (const [i, most] of wanted.entries()) {
      if (left === 0 || (counts[i] ?? 0) >= most) continue;
      counts[i] = (counts[i] ?? 0) + 1;
      left--;
    }
  }
  return counts;
}

/** When a message had news of a firing, or repeated it, by `episodeOf`. */
function messageTimes({ messages }: Backtest): ReadonlyMap<string, number[]> {
  const times = new Map<string, number[]>();
  const namedIn = ({ reason, news, statuses }: BacktestMessage) =>
    reason === 'repeat' ? Object.keys(statuses) : news;
  for (const message of messages) {
    for (const episode of namedIn(message)) {
      const known = times.get(episode);
      if (known) known.push(message.atMs);
      else times.set(episode, [message.atMs]);
    }
  }
  return times;
}

function barOf(
  { fromMs, toMs }: Pick<Backtest, 'fromMs' | 'toMs'>,
  episodes: readonly BacktestEpisode[],
  unknown: DrawnRule['unknown'][number],
  messages: ReadonlyMap<string, number[]> | undefined,
): TimelineBar {
  const range = { fromMs, toMs };
  const spansOf = (all: readonly BacktestEpisode[]) =>
    all.map((one) => ({ fromMs: one.firedAtMs, toMs: one.resolvedAtMs ?? toMs }));
  const closestMs = (toMs - fromMs) * BAR_SHARE;
  const [sent, unsent] = [true, false].map((isSent) =>
    mergeSpans(spansOf(episodes.filter(({ channels }) => channels.length > 0 === isSent)), range, closestMs),
  );
  const pending = episodes.map((one) => ({ fromMs: one.sinceMs, toMs: one.firedAtMs }));
  const times = episodes.flatMap((one) => messages?.get(episodeOf(one)) ?? []);
  return {
    pending: mergeSpans(
      pending.filter((one) => one.toMs > one.fromMs),
      range,
      closestMs,
    ),
    firing: sent ?? [],
    unsent: unsent ?? [],
    unknown: mergeSpans(unknown, range, closestMs),
    messagesMs: thinned(
      times.filter((ms) => ms >= fromMs && ms <= toMs),
      (toMs - fromMs) * MARK_SHARE,
    ),
  };
}

/** Times in order, each at least so long after the one before. */
function thinned(times: readonly number[], leastMs: number): number[] {
  const kept: number[] = [];
  for (const ms of times.toSorted((a, b) => a - b))
    if (ms - (kept.at(-1) ?? -Infinity) >= Math.max(1, leastMs)) kept.push(ms);
  return kept;
}

/** `and 3 more rules that fired, 17 that did not`. */
function restText(left: readonly DrawnRule[]): string {
  const fired = left.filter(({ alerts }) => alerts.length > 0).length;
  const quiet = left.length - fired;
  if (fired === 0) return quiet === 0 ? '' : `${counted(quiet, 'rule')} did not fire`;
  const more = `and ${fired} more ${fired === 1 ? 'rule' : 'rules'} that fired`;
  return quiet === 0 ? more : `${more}, ${quiet} that did not`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
