import type { ChartLine, ChartSpec } from '../core/chart/spec.ts';
import { cutText, NARROWEST, type PlotOptions, timeAxisOf } from './plot-axis.ts';
import { columnsOf } from './problem-report.ts';

/** A strip needs one row, so there is space for more strips than lines. */
export const MOST_STRIPS = 24;

const NO = '▁';
const BOTH = '▄';
const YES = '█';
const LONGEST_NAME = 24;

/** States over time, one row for each series: lines of many nodes that are all up would cover each other. */
export function renderStrips(spec: ChartSpec, { columns, paint }: PlotOptions): string {
  const gutter = Math.min(LONGEST_NAME, Math.max(0, ...spec.lines.map(({ name }) => columnsOf(name))));
  const valueWidth = Math.max(0, ...spec.lines.map(({ value }) => columnsOf(value)));
  const across = Math.max(NARROWEST, columns - gutter - valueWidth - 3);
  const dim = (text: string) => (paint ? paint('dim', text) : text);
  const bold = (text: string) => (paint ? paint('bold', text) : text);
  const rows = spec.lines.map((line) => {
    const name = cutText(line.name, gutter);
    const pad = ' '.repeat(gutter - columnsOf(name));
    return `${name}${pad} ${dim('│')}${stripOf(line, spec, across)} ${bold(line.value)}`;
  });
  const { line, text } = timeAxisOf(spec, across);
  const [no = 'no', yes = 'yes'] = spec.y.ticks.map(({ label }) => label);
  const marks = `${YES} ${yes}  ${NO} ${no}  ${BOTH} both in this time`;
  const more = spec.omitted > 0 ? [`and ${spec.omitted} more, less notable; --where chooses`] : [];
  return [
    bold(spec.title),
    dim(cutText(spec.subtitle, columns)),
    ...rows,
    dim(`${' '.repeat(gutter + 1)}└${line}`),
    dim(`${' '.repeat(gutter + 2)}${text}`),
    rows.length === 0 ? 'no samples in this time' : dim(marks),
    ...more,
  ]
    .map((shown) => `${shown.trimEnd()}\n`)
    .join('');
}

/** A state holds until the next sample without a gap; a gap is empty. */
function stripOf({ segments }: ChartLine, { x }: ChartSpec, across: number): string {
  const seen = Array.from({ length: across }, () => 0);
  const columnOf = (ms: number) =>
    Math.min(across - 1, Math.floor(((ms - x.min) / (x.max - x.min)) * across));
  for (const segment of segments) {
    for (const [i, { timeMs, value }] of segment.entries()) {
      const from = columnOf(timeMs);
      const next = segment[i + 1];
      const until = next ? Math.max(from + 1, columnOf(next.timeMs)) : from + 1;
      for (let column = from; column < until; column++)
        seen[column] = (seen[column] ?? 0) | (value === 0 ? 1 : 2);
    }
  }
  return seen.map((states) => [' ', NO, YES, BOTH][states]).join('');
}
