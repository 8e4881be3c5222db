import { escapeXml } from './elements.ts';
import { fitText } from './text-width.ts';
import { FALLBACK_FONTS, FONT, LEFT, TEXT, type Theme, WIDTH } from './theme.ts';

const EDGE_WIDTH = 8;
const TITLE = 29;

/** Every picture begins so: the ground, an edge on its left whose colour is that of its state, title and subtitle. */
export function openSvg(
  { title, subtitle }: { title: string; subtitle: string },
  { height, edge, definitions, theme }: { height: number; edge: string; definitions: string; theme: Theme },
): string {
  const room = WIDTH - LEFT - 30;
  const shownTitle = fitText(title, TITLE, room, { bold: true });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="${[FONT, ...FALLBACK_FONTS].join(', ')}" font-size="${TEXT}">`,
    `<defs>${definitions}</defs>`,
    `<rect width="${WIDTH}" height="${height}" fill="${theme.background}"/>`,
    `<rect width="${EDGE_WIDTH}" height="${height}" fill="${edge}"/>`,
    `<text x="${LEFT}" y="44" font-size="${TITLE}" font-weight="600" fill="${theme.text}">${escapeXml(shownTitle)}</text>`,
    `<text x="${LEFT}" y="76" fill="${theme.dim}">${escapeXml(fitText(subtitle, TEXT, room))}</text>`,
  ].join('\n');
}
