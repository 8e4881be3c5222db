import type { ChartLine } from '../../core/chart/spec.ts';
import { escapeXml } from './svg.ts';
import { fitText, textWidth } from './text-width.ts';
import { COLORS, TEXT, WIDTH } from './theme.ts';

const SWATCH = 22;
const GAP = 26;
const LONGEST_NAME = 300;

/** One row: colour, name and newest value of each line while they fit, then how many more there are. */
export function renderLegend(
  lines: readonly (ChartLine & { color: string })[],
  y: number,
  left: number,
): string {
  let x = left;
  const parts: string[] = [];
  for (const [i, line] of lines.entries()) {
    const more = lines.length - i;
    const name = fitText(line.name, TEXT, LONGEST_NAME);
    const nameWidth = textWidth(name, TEXT);
    const width = SWATCH + 8 + nameWidth + 8 + textWidth(line.value, TEXT, true);
    const reserve = more > 1 ? textWidth(`and ${more - 1} more`, TEXT) + GAP : 0;
    if (i > 0 && x + width + reserve > WIDTH - 16) {
      parts.push(`<text x="${Math.round(x)}" y="${y}" fill="${COLORS.dim}">and ${more} more</text>`);
      break;
    }
    const nameX = x + SWATCH + 8;
    // Two texts: in one, a name written from right to left would carry its value to the wrong side.
    parts.push(
      `<rect x="${Math.round(x)}" y="${y - 10}" width="${SWATCH}" height="6" rx="3" fill="${line.color}"/>` +
        `<text x="${Math.round(nameX)}" y="${y}" fill="${COLORS.text}">${escapeXml(name)}</text>` +
        `<text x="${Math.round(nameX + nameWidth + 8)}" y="${y}" font-weight="600" fill="${COLORS.text}">${escapeXml(line.value)}</text>`,
    );
    x += width + GAP;
  }
  return parts.join('');
}
