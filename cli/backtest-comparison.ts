// `bartizan backtest --against`: what two versions of rules would have done differently, as text, Markdown and JSON.

import { z } from 'zod';
import type { Backtest, BacktestEpisode } from '../core/backtest/backtest.ts';
import { comparisonText, differs, type RuleComparison } from '../core/backtest/compare.ts';
import { formatMoment, formatSpan } from '../core/format.ts';
import type { Config } from '../core/model/config.ts';
import { labelsText } from '../core/notify/summary.ts';
import { visibleLine } from '../core/text/visible-line.ts';
import { episodeSchema } from '../history/api/backtest-schema.ts';
import { notesOf, sentText } from './backtest-tables.ts';
import { renderTable } from './table.ts';

/** Episodes that the lists show of one rule; `--json` has all. */
const MOST_EPISODES = 20;

const list = <T extends z.ZodType>(item: T) => z.array(item).readonly();
const counts = z.strictObject({ episodes: z.number(), messages: z.number() });

export const comparisonShape = z.strictObject({
  fromMs: z.number(),
  toMs: z.number(),
  against: z.string(),
  differs: z.boolean(),
  rules: list(
    z.strictObject({
      rule: z.string(),
      text: z.string().describe('`3 fewer, 1 later by 4m`'),
      only: z.enum(['before', 'after']).optional().describe('`before`: only `--against` has the rule'),
      before: counts,
      after: counts,
      gone: list(episodeSchema),
      added: list(episodeSchema),
      changed: list(
        z.strictObject({
          before: episodeSchema,
          after: episodeSchema,
          laterMs: z.number().describe('negative: earlier'),
          longerMs: z.number().optional(),
          hasOtherChannels: z.boolean(),
        }),
      ),
    }),
  ),
});

export interface Compared {
  against: string;
  after: Backtest;
  rules: readonly RuleComparison[];
}

export function comparisonJson({ against, after, rules }: Compared): z.infer<typeof comparisonShape> {
  return {
    fromMs: after.fromMs,
    toMs: after.toMs,
    against,
    differs: rules.some(differs),
    rules: rules.map((rule) => ({ ...rule, text: comparisonText(rule) })),
  };
}

const HEAD = ['RULE', 'FIRED', 'WAS', 'MESSAGES', 'WAS', 'CHANGE'];

function rowsOf(rules: readonly RuleComparison[]): string[][] {
  return rules.map((one) => [
    one.rule,
    String(one.after.episodes),
    String(one.before.episodes),
    String(one.after.messages),
    String(one.before.messages),
    comparisonText(one),
  ]);
}

export function comparisonTable(
  { against, after, rules }: Compared,
  config: Pick<Config, 'schedule'>,
): string {
  const lists = rules
    .filter(differs)
    .map((one) => `\n${one.rule}\n${linesOf(one, after, config).join('\n')}\n`);
  return [
    `${rangeText(after, config)}, compared with ${against}\n\n`,
    renderTable(HEAD, rowsOf(rules), [1, 2, 3, 4], { wrap: 5 }),
    ...lists,
    notesOf(after, config),
  ].join('');
}

/** For a comment on a pull request; lists are folded. */
export function comparisonMarkdown(
  { against, after, rules }: Compared,
  config: Pick<Config, 'schedule'>,
): string {
  const table = [
    ['Rule', 'Fired', 'Was', 'Messages', 'Was', 'Change'],
    ['---', '--:', '--:', '--:', '--:', '---'],
    ...rowsOf(rules).map(([rule = '', ...rest]) => [`\`${escapeMarkdown(rule)}\``, ...rest]),
  ];
  const lists = rules.filter(differs).map((one) => {
    // A label with backticks would end the fence.
    const lines = linesOf(one, after, config).map((line) => visibleLine(line).replaceAll('`', "'"));
    return `<details><summary><code>${escapeMarkdown(one.rule)}</code>: ${comparisonText(one)}</summary>\n\n\`\`\`diff\n${lines.join('\n')}\n\`\`\`\n\n</details>\n`;
  });
  const notes = notesOf(after, config).trim();
  return [
    `**Backtest** of ${rangeText(after, config)}, compared with \`${escapeMarkdown(against)}\`\n`,
    `${table.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n`,
    ...lists,
    ...(notes === '' ? [] : [`${notes.split('\n').map(escapeMarkdown).join('  \n')}\n`]),
  ].join('\n');
}

function rangeText({ fromMs, toMs }: Backtest, { schedule: { timeZone } }: Pick<Config, 'schedule'>): string {
  const at = (ms: number) => formatMoment(ms, toMs, timeZone);
  return `${at(fromMs)} to ${at(toMs)} (${formatSpan(toMs - fromMs)}), ${timeZone}`;
}

/** A diff: `-` no longer fires, `+` fires now, `!` fires otherwise. */
function linesOf(
  { gone, added, changed }: RuleComparison,
  { toMs }: Backtest,
  { schedule }: Pick<Config, 'schedule'>,
): string[] {
  const at = (ms: number) => formatMoment(ms, toMs, schedule.timeZone);
  const timesOf = (one: BacktestEpisode) =>
    `${at(one.firedAtMs)} ${one.resolvedAtMs === undefined ? 'fires' : `for ${formatSpan(one.resolvedAtMs - one.firedAtMs)}`}`;
  const line = (sign: string, one: BacktestEpisode, more = '') =>
    `${sign} ${timesOf(one)}  ${labelsText(one.labels)}  ${sentText(one)}${more}`;
  const lines = [
    ...gone.map((one) => ({ atMs: one.firedAtMs, text: line('-', one) })),
    ...added.map((one) => ({ atMs: one.firedAtMs, text: line('+', one) })),
    ...changed.map(({ before, after }) => ({
      atMs: after.firedAtMs,
      text: line('!', after, `  (was ${timesOf(before)}, ${sentText(before)})`),
    })),
  ].sort((a, b) => a.atMs - b.atMs);
  const more = lines.length - MOST_EPISODES;
  return [
    ...lines.slice(0, MOST_EPISODES).map(({ text }) => text),
    ...(more > 0 ? [`and ${more} more: --json has all`] : []),
  ];
}

/** Names of rules and nodes come from people and nodes. */
function escapeMarkdown(text: string): string {
  return visibleLine(text).replace(/[\\`*_{}[\]<>#|!]/g, (sign) => `\\${sign}`);
}
