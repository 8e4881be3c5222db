// The results of a part of the benchmark, and their formats: a table for the terminal, Markdown for docs/figures.md.
import Table from 'cli-table3';
import { type Comparison, type Missing, ratioOf, type Spread, spreadOf, valuesOf } from './harness.ts';

export interface Row {
  what: string;
  contender: string;
  unit: string;
  value: Spread;
}

/** A limit of the design. `value` is undefined when this machine could not measure it. */
export interface Goal {
  what: string;
  against: string;
  value: Spread | undefined;
  /** The largest median that holds the goal. */
  limit: number;
  unit: string;
}

export interface BenchmarkReport {
  title: string;
  /** What the benchmark does, and what readers need to know about it. */
  how: readonly string[];
  rows: readonly Row[];
  goals: readonly Goal[];
  missing: readonly Missing[];
}

export interface Report {
  date: string;
  machine: string;
  size: 'quick' | 'full';
  /** The load average over one minute, at the start. */
  loadAtStart: number;
  parts: readonly BenchmarkReport[];
}

/** One row for each contender that has the figure. `per` is a divisor, for example the number of targets. */
export function rowsOf(
  comparison: Comparison,
  figure: string,
  { what, unit, per = () => 1 }: { what: string; unit: string; per?: (contender: string) => number },
): Row[] {
  return [...comparison.readings.keys()].flatMap((contender) => {
    const values = valuesOf(comparison, contender, figure).map((value) => value / per(contender));
    return values.length === 0 ? [] : [{ what, contender, unit, value: spreadOf(values) }];
  });
}

export function goalOf(
  comparison: Comparison,
  figure: string,
  { what, ours, against, limit }: { what: string; ours: string; against: string; limit: number },
): Goal {
  return { what, against, value: ratioOf(comparison, figure, ours, against), limit, unit: '' };
}

export type Verdict = 'held' | 'missed' | 'not measured';

export function verdictOf({ value, limit }: Goal): Verdict {
  if (value === undefined) return 'not measured';
  return value.median <= limit ? 'held' : 'missed';
}

/** Three significant digits, never `1e+3`. */
export function digits(value: number): string {
  if (value === 0) return '0';
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(decimals, 4));
}

const spreadText = ({ low, high }: Spread) => `${digits(low)}–${digits(high)}`;
const withUnit = (value: number, unit: string) => `${digits(value)}${unit === '' ? '' : ` ${unit}`}`;

const ROW_HEAD = ['what', 'contender', 'median', 'spread', 'runs'];
const GOAL_HEAD = ['goal', 'against', 'median', 'spread', 'at most', 'verdict'];

const rowCells = ({ what, contender, unit, value }: Row) => [
  what,
  contender,
  withUnit(value.median, unit),
  spreadText(value),
  String(value.runs),
];

const goalCells = (goal: Goal) => [
  goal.what,
  goal.against,
  goal.value ? withUnit(goal.value.median, goal.unit) : '',
  goal.value ? spreadText(goal.value) : '',
  withUnit(goal.limit, goal.unit),
  verdictOf(goal),
];

const missingText = ({ name, get }: Missing) => `not measured: ${name}: ${get}`;

function terminalTable(head: string[], cells: readonly string[][]): string {
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  table.push(...cells.map((row) => [...row]));
  return table.toString();
}

export function benchmarkText({ title, rows, goals, missing }: BenchmarkReport): string {
  const parts = [`\n${title}`, terminalTable(ROW_HEAD, rows.map(rowCells))];
  if (goals.length > 0) parts.push(terminalTable(GOAL_HEAD, goals.map(goalCells)));
  return `${[...parts, ...missing.map(missingText)].join('\n')}\n`;
}

function markdownTable(head: string[], cells: readonly string[][]): string {
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...cells.map(line)].join('\n');
}

/** The text between the two marks of docs/figures.md; people write the text around them. */
export function reportMarkdown({ date, machine, size, loadAtStart, parts }: Report): string {
  const sections = parts.map(({ title, how, rows, missing }) =>
    [
      `### ${title}`,
      how.join(' '),
      markdownTable(ROW_HEAD, rows.map(rowCells)),
      ...missing.map(missingText),
    ].join('\n\n'),
  );
  const load = loadAtStart.toFixed(1);
  return [
    `Run of ${date}, ${size}, on ${machine}; load average ${load} when it began.`,
    markdownTable(GOAL_HEAD, parts.flatMap((part) => part.goals).map(goalCells)),
    ...sections,
  ].join('\n\n');
}
