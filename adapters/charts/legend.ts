import type { ChartSpec } from '../../core/chart/spec.ts';
import { escapeXml } from './elements.ts';
import { type Stroke, strokeOf } from './strokes.ts';
import { fitText, textWidth } from './text-width.ts';
import { LEFT, TEXT, type Theme, WIDTH } from './theme.ts';

const SWATCH = 22;
const SPACE = 8;
const GAP = 26;
const RIGHT = WIDTH - 16;
/** The longest name and value where a legend has many lines; few lines have more room. */
const LONGEST_NAME = 300;
const LONGEST_VALUE = 150;
/** Paths differ at their end: `/etc/kubernetes/pki/apiserver-etcd-client.crt`. */
const HEAD_SHARE = 0.4;
const MOST_ROWS = 2;
export const ROW_HEIGHT = 30;

interface Entry {
  name: string;
  value: string;
  stroke: Stroke;
  nameWidth: number;
  width: number;
}

export interface Legend {
  rows: readonly (readonly Entry[])[];
  /** Counts the drawn lines without room for their names, and the series that are not drawn. */
  rest: string;
}

/** Lays out colour, name and newest value of each line, in two rows at most. */
export function layLegend(spec: ChartSpec, theme: Theme): Legend {
  const rows: Entry[][] = [[]];
  let x = LEFT;
  const longest = Math.max(LONGEST_NAME, (RIGHT - LEFT) / spec.lines.length - LONGEST_VALUE);
  for (const [i, line] of spec.lines.entries()) {
    const name = fitText(line.name, TEXT, longest, { headShare: HEAD_SHARE });
    const nameWidth = textWidth(name, TEXT);
    const width = SWATCH + SPACE + nameWidth + SPACE + textWidth(line.value, TEXT, true);
    const entry = { name, value: line.value, stroke: strokeOf(spec.lines, i, theme), nameWidth, width };
    const after = spec.lines.length - i - 1;
    const rest = restText(after + 1, spec.omitted);
    // The last row also needs room for the count of those left out.
    const reserve = rows.length === MOST_ROWS && after + spec.omitted > 0 ? GAP + textWidth(rest, TEXT) : 0;
    if (x > LEFT && x + width + reserve > RIGHT) {
      if (rows.length === MOST_ROWS) return { rows, rest };
      rows.push([]);
      x = LEFT;
    }
    rows.at(-1)?.push(entry);
    x += width + GAP;
  }
  return { rows, rest: restText(0, spec.omitted) };
}

/** The last row stands at `bottom`, the others above it. */
export function renderLegend({ rows, rest }: Legend, bottom: number, theme: Theme): string {
  const parts = rows.map((row, i) => {
    const y = bottom - (rows.length - 1 - i) * ROW_HEIGHT;
    let x = LEFT;
    const entries = row.map((entry) => {
      const drawn = entryAt(entry, x, y, theme);
      x += entry.width + GAP;
      return drawn;
    });
    if (rest && i === rows.length - 1) {
      entries.push(`<text x="${Math.round(x)}" y="${y}" fill="${theme.dim}">${rest}</text>`);
    }
    return entries.join('');
  });
  return parts.join('');
}

/** Two texts: in one, a name written from right to left would carry its value to the wrong side. */
function entryAt({ name, value, stroke, nameWidth }: Entry, x: number, y: number, theme: Theme): string {
  const nameX = x + SWATCH + SPACE;
  return (
    `<path d="M${Math.round(x) + 3} ${y - 7}h${SWATCH - 6}" stroke="${stroke.color}" stroke-width="6" stroke-linecap="round"${stroke.dashes ? ' stroke-dasharray="0 8"' : ''}/>` +
    `<text x="${Math.round(nameX)}" y="${y}" fill="${theme.text}">${escapeXml(name)}</text>` +
    `<text x="${Math.round(nameX + nameWidth + SPACE)}" y="${y}" font-weight="600" fill="${theme.text}">${escapeXml(value)}</text>`
  );
}

/** `and 12 more, 30 not drawn`. */
function restText(unnamed: number, omitted: number): string {
  const parts = [unnamed > 0 ? `and ${unnamed} more` : '', omitted > 0 ? `${omitted} not drawn` : ''];
  return parts.filter(Boolean).join(', ');
}
