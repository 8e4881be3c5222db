import type { Backtest, BacktestEpisode, RuleSummary } from '../core/backtest/backtest.ts';
import type { MetricGap } from '../core/backtest/coverage.ts';
import { formatMoment, formatSpan } from '../core/format.ts';
import type { Config } from '../core/model/config.ts';
import { labelsText } from '../core/notify/summary.ts';
import { plural } from './problem-report.ts';
import { renderTable } from './table.ts';

/** Episodes that the table shows; `--json` has all. */
const MOST_EPISODES = 40;
const MOST_NOTES = 8;
const STRIP_COLUMNS = 24;
const FIRES = '█';
const QUIET = '·';
const UNKNOWN = '?';

type Shown = Pick<Config, 'schedule'>;

/** Rules with a strip of their time, then each episode, then what is unknown. */
export function backtestText(backtest: Backtest, config: Shown): string {
  const { fromMs, toMs, rules, episodes } = backtest;
  const at = momentsOf(backtest, config);
  const ofRule = Map.groupBy(episodes, ({ rule }) => rule);
  const rows = rules.map((one) => [
    one.rule,
    one.severity,
    String(one.episodes),
    one.episodes > 0 ? formatSpan(one.firingMs) : '–',
    String(one.messages),
    stripOf(one, ofRule.get(one.rule) ?? [], backtest),
  ]);
  const head = ['RULE', 'SEVERITY', 'FIRED', 'FOR', 'MESSAGES', 'WHEN'];
  const range = `${at(fromMs)} to ${at(toMs)} (${formatSpan(toMs - fromMs)}), ${config.schedule.timeZone}\n`;
  return [
    range,
    '\n',
    renderTable(head, rows, [2, 3, 4]),
    episodes.length > 0 ? `\n${episodeTable(backtest, config)}` : '\nnothing would have fired\n',
    notesOf(backtest, config),
  ].join('');
}

function momentsOf({ toMs }: Pick<Backtest, 'toMs'>, { schedule }: Shown): (ms: number) => string {
  return (ms) => formatMoment(ms, toMs, schedule.timeZone);
}

function episodeTable(backtest: Backtest, config: Shown): string {
  const at = momentsOf(backtest, config);
  const rows = backtest.episodes
    .slice(0, MOST_EPISODES)
    .map((one, i) => [
      String(i + 1),
      one.firedBefore ? 'earlier' : at(one.firedAtMs),
      lengthText(one, backtest),
      one.rule,
      labelsText(one.labels),
      sentText(one),
    ]);
  const more = backtest.episodes.length - rows.length;
  const rest = more > 0 ? `and ${more} more: --json has all\n` : '';
  return renderTable(['#', 'FIRED', 'FOR', 'RULE', 'WHERE', 'SENT TO'], rows, [0, 2], { wrap: 4 }) + rest;
}

/** Of what fired before the range only the end is known. */
function lengthText(
  { firedBefore, firedAtMs, resolvedAtMs }: BacktestEpisode,
  { fromMs }: Pick<Backtest, 'fromMs'>,
): string {
  if (resolvedAtMs === undefined) return 'fires';
  return firedBefore ? `>${formatSpan(resolvedAtMs - fromMs)}` : formatSpan(resolvedAtMs - firedAtMs);
}

export function sentText({ channels, withheld }: Pick<BacktestEpisode, 'channels' | 'withheld'>): string {
  const by = withheld === 'silence' ? 'silenced' : withheld === 'inhibition' ? 'inhibited' : undefined;
  if (channels.length === 0) return by ?? 'nobody';
  return by === undefined ? channels.join(', ') : `${channels.join(', ')} (${by} at first)`;
}

/** A column fires if any alert of the rule did, and is unknown if no sample says otherwise. */
function stripOf(
  { unknown }: Pick<RuleSummary, 'unknown'>,
  episodes: readonly BacktestEpisode[],
  { fromMs, toMs }: Pick<Backtest, 'fromMs' | 'toMs'>,
): string {
  const columnMs = (toMs - fromMs) / STRIP_COLUMNS;
  return Array.from({ length: STRIP_COLUMNS }, (_, i) => {
    const [from, to] = [fromMs + i * columnMs, fromMs + (i + 1) * columnMs];
    if (episodes.some(({ firedAtMs, resolvedAtMs = toMs }) => firedAtMs < to && resolvedAtMs >= from))
      return FIRES;
    return unknown.some((gap) => gap.fromMs <= from && gap.toMs >= to) ? UNKNOWN : QUIET;
  }).join('');
}

/** What is unknown, a line each. */
export function notesOf(backtest: Backtest, config: Shown): string {
  const { goneNodes, unseenNodes } = backtest;
  const shown = gapNotes(
    backtest.rules.flatMap(({ unknown }) => unknown),
    backtest,
    config,
  );
  if (unseenNodes.length > 0) shown.push(`${namesText(unseenNodes)}: no samples, nothing is known`);
  if (goneNodes.length > 0) shown.push(`${namesText(goneNodes)}: no longer in the inventory, left out`);
  return shown.length > 0 ? `\n${shown.map((note) => `${note}\n`).join('')}` : '';
}

export function gapNotes(
  unknown: readonly MetricGap[],
  range: Pick<Backtest, 'toMs'>,
  config: Shown,
): string[] {
  const at = momentsOf(range, config);
  const gaps = Map.groupBy(unknown, ({ fromMs, toMs, left }) => `${fromMs} ${toMs} ${left}`);
  const notes = [...gaps.values()].flatMap((same) => {
    const metrics = [...new Set(same.map(({ metric }) => metric))].join(', ');
    return same.slice(0, 1).map(({ fromMs, toMs, left }) => {
      const what = left === 'roll-ups' ? `only roll-ups are left of ${metrics}` : `no samples of ${metrics}`;
      return `unknown from ${at(fromMs)} to ${at(toMs)}: ${what}`;
    });
  });
  return notes.length > MOST_NOTES
    ? [...notes.slice(0, MOST_NOTES), `and ${notes.length - MOST_NOTES} more: --json has all`]
    : notes;
}

/** `2 nodes (prod/a, prod/b)`; a few of many. */
function namesText(names: readonly string[]): string {
  const named = names.slice(0, 3).join(', ');
  return `${plural(names.length, 'node')} (${named}${names.length > 3 ? ', …' : ''})`;
}
