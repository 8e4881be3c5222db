// `bartizan backtest --sweep`: what other values of a rule would have done, as a table or two heat maps.

import { z } from 'zod';
import type { Sweep } from '../core/backtest/sweep.ts';
import { SWEPT, type SweepAxis, valueText } from '../core/backtest/sweep-axes.ts';
import type { VariantSummary } from '../core/backtest/sweep-summary.ts';
import { formatMoment, formatSpan } from '../core/format.ts';
import type { Config } from '../core/model/config.ts';
import type { Rule } from '../core/model/rule.ts';
import { greatestOf, leastOf } from '../core/numbers/extremes.ts';
import { gapsSchema } from '../history/api/backtest-schema.ts';
import { gapNotes } from './backtest-tables.ts';
import type { Paint } from './problem-report.ts';
import { renderTable } from './table.ts';

const list = <T extends z.ZodType>(item: T) => z.array(item).readonly();

export const sweepShape = z.strictObject({
  fromMs: z.number(),
  toMs: z.number(),
  rule: z.string(),
  axes: list(z.strictObject({ field: z.enum(SWEPT), values: list(z.number()).describe('durations in ms') })),
  variants: list(
    z.strictObject({
      values: list(z.number()).describe('of each axis'),
      episodes: z.number(),
      flaps: z.number().describe('firings within an hour after the end of the same alert'),
      messages: z.number(),
      messagesPerWeek: z.number().optional().describe('of the time that is known; absent: nothing is'),
      delayMs: z
        .number()
        .optional()
        .describe('median from the first breach of the loosest variant to the firing; absent: nothing fired'),
      firingMs: z.number(),
    }),
  ),
  unknown: gapsSchema,
  samples: z.number().describe('how many were read'),
});

export interface Swept {
  rule: Rule;
  axes: readonly SweepAxis[];
  sweep: Sweep;
}

export function sweepJson({ rule, axes, sweep }: Swept): z.infer<typeof sweepShape> {
  return { ...sweep, rule: rule.name, axes };
}

export function sweepText(
  { rule, axes, sweep }: Swept,
  config: Pick<Config, 'schedule'>,
  paint?: Paint,
): string {
  const { fromMs, toMs, variants, unknown } = sweep;
  const { timeZone } = config.schedule;
  const at = (ms: number) => formatMoment(ms, toMs, timeZone);
  const range = `${rule.name}, ${at(fromMs)} to ${at(toMs)} (${formatSpan(toMs - fromMs)}), ${timeZone}\n`;
  const [first, second] = axes;
  if (!first) return range;
  const notes = gapNotes(unknown, sweep, config).map((note) => `${note}\n`);
  const below = notes.length > 0 ? [notes.join('')] : [];
  if (!second) return [range, variantTable(first, variants), ...below].join('\n');
  const maps = [
    heatMap('messages a week', first, second, variants, (one) => one.messagesPerWeek, countText, paint),
    heatMap('median delay to the firing', first, second, variants, (one) => one.delayMs, formatSpan, paint),
  ];
  return [range, ...maps, ...below].join('\n');
}

function countText(count: number | undefined): string {
  if (count === undefined) return '–';
  return String(count < 10 && !Number.isInteger(count) ? count : Math.round(count));
}

function variantTable({ field, values }: SweepAxis, variants: readonly VariantSummary[]): string {
  const rows = variants.map((one, i) => [
    valueText(field, values[i] ?? 0),
    String(one.episodes),
    String(one.flaps),
    countText(one.messagesPerWeek),
    one.delayMs === undefined ? '–' : formatSpan(one.delayMs),
    one.episodes > 0 ? formatSpan(one.firingMs) : '–',
  ]);
  const head = [field.toUpperCase(), 'FIRED', 'FLAPS', 'MESSAGES/WEEK', 'DELAY', 'FOR'];
  return renderTable(head, rows, [0, 1, 2, 3, 4, 5]);
}

/** The first axis runs to the right, the second downwards; the lowest third is green, the highest red. */
function heatMap(
  title: string,
  across: SweepAxis,
  down: SweepAxis,
  variants: readonly VariantSummary[],
  numberOf: (variant: VariantSummary) => number | undefined,
  show: (value: number) => string,
  paint: Paint | undefined,
): string {
  const known = variants.flatMap((one) => numberOf(one) ?? []);
  const [least, greatest] = [leastOf(known), greatestOf(known)];
  const cellOf = (value: number | undefined) => {
    if (value === undefined) return '–';
    const share = (value - least) / Math.max(greatest - least, Number.MIN_VALUE);
    const style = share < 1 / 3 ? 'green' : share < 2 / 3 ? 'yellow' : 'red';
    return paint ? paint(style, show(value)) : show(value);
  };
  const rows = down.values.map((lower, row) => [
    valueText(down.field, lower),
    ...across.values.map((_, column) => {
      const variant = variants[column * down.values.length + row];
      return cellOf(variant && numberOf(variant));
    }),
  ]);
  const head = [down.field, ...across.values.map((value) => valueText(across.field, value))];
  const right = head.map((_, column) => column);
  return `${title}, ${across.field} to the right\n${renderTable(head, rows, right)}`;
}
