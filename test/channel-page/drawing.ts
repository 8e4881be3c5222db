import { escapeXml } from '../../adapters/charts/elements.ts';
import { FONT_FILES } from '../../adapters/charts/renderer.ts';
import { textWidth } from '../../adapters/charts/text-width.ts';
import { FALLBACK_FONTS, FONT } from '../../adapters/charts/theme.ts';
import { BRIGHT, type MessageLine, type MessageStyle, type Span } from './message.ts';

/** Emoji have one colour in these fonts; these two get the colour that they have in every chat. */
const DISCS: Readonly<Record<string, string>> = { '🔴': '#dd2e44', '🟢': '#2eb67d' };

const WIDTH = 640;
const MARGIN = 20;
const AVATAR = 40;
const SCALE = 1.5;
const LEADING = 1.45;

/** A message as its readers see it, as PNG. */
export async function drawMessage(
  lines: readonly MessageLine[],
  chart: Uint8Array,
  style: MessageStyle = BRIGHT,
): Promise<Uint8Array> {
  const named = style.bubble === undefined;
  const left = named ? MARGIN + AVATAR + 12 : MARGIN + (style.bubble ? 14 : 0);
  const room = WIDTH - left - MARGIN - (style.bubble ? 14 : 0);
  const drawn: string[] = [];
  let y = MARGIN + (named ? 0 : 10);
  if (named) {
    drawn.push(avatar(), textAt(left, y + 15, 15, style.text, 'Bartizan', { bold: true }));
    y += 24;
  }
  for (const message of lines) {
    if (message.kind === 'chart') {
      const height = room / 2;
      drawn.push(
        `<image x="${left}" y="${y + 4}" width="${room}" height="${height}" href="data:image/png;base64,${Buffer.from(chart).toString('base64')}"/>`,
      );
      y += height + 14;
      continue;
    }
    const { size, spans, indent = 0, dim } = message;
    for (const line of wrap(spans, size, room - indent)) {
      drawn.push(lineAt(line, left + indent, y + size, size, dim ? style.dim : style.text, style.link));
      y += size * LEADING;
    }
  }
  const height = Math.ceil(y + MARGIN);
  const bubble = style.bubble
    ? `<rect x="${MARGIN}" y="${MARGIN}" width="${WIDTH - 2 * MARGIN}" height="${height - 2 * MARGIN + 8}" rx="12" fill="${style.bubble}"/>`
    : '';
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="${[FONT, ...FALLBACK_FONTS].join(', ')}"><rect width="${WIDTH}" height="${height}" fill="${style.background}"/>${bubble}${drawn.join('')}</svg>`;
  const { Resvg } = await import('@resvg/resvg-js');
  return new Resvg(svg, {
    fitTo: { mode: 'width', value: WIDTH * SCALE },
    font: { fontFiles: FONT_FILES, loadSystemFonts: false, defaultFontFamily: FONT },
  })
    .render()
    .asPng();
}

/** The picture of the bot: a turret. */
function avatar(): string {
  return (
    `<rect x="${MARGIN}" y="${MARGIN}" width="${AVATAR}" height="${AVATAR}" rx="6" fill="#2b3a55"/>` +
    `<path transform="translate(${MARGIN + 9} ${MARGIN + 8})" d="M0 0h5v4h4V0h4v4h4V0h5v9h-3v10l-4 5H7l-4-5V9H0z" fill="#f2c14e"/>`
  );
}

/** Breaks spans into lines, between words; within a word only if the word alone is too long. */
function wrap(spans: readonly Span[], size: number, room: number): Span[][] {
  const lines: Span[][] = [[]];
  let used = 0;
  for (const span of spans) {
    for (const piece of span.text.match(/\s+|\S+/g) ?? []) {
      const width = textWidth(piece, size, span.bold);
      if (used + width > room && used > 0) {
        lines.push([]);
        used = 0;
        if (/^\s/.test(piece)) continue;
      }
      lines.at(-1)?.push({ ...span, text: piece });
      used += width;
    }
  }
  return lines;
}

function lineAt(
  line: readonly Span[],
  left: number,
  base: number,
  size: number,
  color: string,
  link: string,
) {
  let x = left;
  return line
    .map((span) => {
      const at = x;
      x += textWidth(span.text, size, span.bold);
      return textAt(at, base, size, span.link ? link : color, span.text, span);
    })
    .join('');
}

function textAt(x: number, y: number, size: number, color: string, text: string, style: Omit<Span, 'text'>) {
  const disc = DISCS[text];
  if (disc)
    return `<circle cx="${x + size * 0.6}" cy="${y - size * 0.36}" r="${size * 0.45}" fill="${disc}"/>`;
  const weight = style.bold ? ' font-weight="600"' : '';
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}"${weight} fill="${color}" xml:space="preserve">${escapeXml(text)}</text>`;
}
