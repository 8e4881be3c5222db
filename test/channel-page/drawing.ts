import { escapeXml } from '../../adapters/charts/elements.ts';
import { FONT_FILES } from '../../adapters/charts/renderer.ts';
import { textWidth } from '../../adapters/charts/text-width.ts';
import { FALLBACK_FONTS, FONT } from '../../adapters/charts/theme.ts';
import type { Part, Span } from './message.ts';

/** The look of a service, as far as it matters for reading: ground, bubble, letters. */
interface Look {
  ground: string;
  /** A bubble around the message, without a name above it. */
  bubble?: string;
  text: string;
  dim: string;
  link: string;
}

const BRIGHT: Look = { ground: '#ffffff', text: '#1d1c1d', dim: '#616061', link: '#1264a3' };
const LOOKS: Readonly<Record<string, Look>> = {
  telegram: {
    ground: '#0e1621',
    bubble: '#182533',
    text: '#f5f5f5',
    dim: '#7d8e9e',
    link: '#6ab3f3',
  },
};
/** Emoji are drawn in one colour here; these two have theirs in every chat. */
const DISCS: Readonly<Record<string, string>> = { '🔴': '#dd2e44', '🟢': '#2eb67d' };

const WIDTH = 640;
const MARGIN = 20;
const AVATAR = 40;
const SCALE = 1.5;
const LEADING = 1.45;

/** A message as its readers see it, as PNG. */
export async function drawMessage(
  type: string,
  parts: readonly Part[],
  chart: Uint8Array,
): Promise<Uint8Array> {
  const look = LOOKS[type] ?? BRIGHT;
  const named = look === BRIGHT;
  const left = named ? MARGIN + AVATAR + 12 : MARGIN + (look.bubble ? 14 : 0);
  const room = WIDTH - left - MARGIN - (look.bubble ? 14 : 0);
  const drawn: string[] = [];
  let y = MARGIN + (named ? 0 : 10);
  if (named) {
    drawn.push(avatar(), wordsAt(left, y + 15, 15, look.text, 'Bartizan', { bold: true }));
    y += 24;
  }
  for (const part of parts) {
    if (part.kind === 'chart') {
      const height = room / 2;
      drawn.push(
        `<image x="${left}" y="${y + 4}" width="${room}" height="${height}" href="data:image/png;base64,${Buffer.from(chart).toString('base64')}"/>`,
      );
      y += height + 14;
      continue;
    }
    const { size, spans, indent = 0, dim } = part;
    for (const line of wrap(spans, size, room - indent)) {
      drawn.push(lineAt(line, left + indent, y + size, size, dim ? look.dim : look.text, look.link));
      y += size * LEADING;
    }
  }
  const height = Math.ceil(y + MARGIN);
  const bubble = look.bubble
    ? `<rect x="${MARGIN}" y="${MARGIN}" width="${WIDTH - 2 * MARGIN}" height="${height - 2 * MARGIN + 8}" rx="12" fill="${look.bubble}"/>`
    : '';
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="${[FONT, ...FALLBACK_FONTS].join(', ')}"><rect width="${WIDTH}" height="${height}" fill="${look.ground}"/>${bubble}${drawn.join('')}</svg>`;
  const { Resvg } = await import('@resvg/resvg-js');
  return new Resvg(svg, {
    fitTo: { mode: 'width', value: WIDTH * SCALE },
    font: { fontFiles: FONT_FILES, loadSystemFonts: false, defaultFontFamily: FONT },
  })
    .render()
    .asPng();
}

/** The bot's picture: a turret. */
function avatar(): string {
  return (
    `<rect x="${MARGIN}" y="${MARGIN}" width="${AVATAR}" height="${AVATAR}" rx="6" fill="#2b3a55"/>` +
    `<path transform="translate(${MARGIN + 9} ${MARGIN + 8})" d="M0 0h5v4h4V0h4v4h4V0h5v9h-3v10l-4 5H7l-4-5V9H0z" fill="#f2c14e"/>`
  );
}

/** Words, each with the style of its span; a line breaks between words, in a word only where it is too long by itself. */
function wrap(spans: readonly Span[], size: number, room: number): Span[][] {
  const lines: Span[][] = [[]];
  let used = 0;
  for (const span of spans) {
    for (const word of span.text.match(/\s+|\S+/g) ?? []) {
      const width = textWidth(word, size, span.bold);
      if (used + width > room && used > 0) {
        lines.push([]);
        used = 0;
        if (/^\s/.test(word)) continue;
      }
      lines.at(-1)?.push({ ...span, text: word });
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
      return wordsAt(at, base, size, span.link ? link : color, span.text, span);
    })
    .join('');
}

function wordsAt(x: number, y: number, size: number, color: string, text: string, style: Omit<Span, 'text'>) {
  const disc = DISCS[text];
  if (disc)
    return `<circle cx="${x + size * 0.6}" cy="${y - size * 0.36}" r="${size * 0.45}" fill="${disc}"/>`;
  const weight = style.bold ? ' font-weight="600"' : '';
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}"${weight} fill="${color}" xml:space="preserve">${escapeXml(text)}</text>`;
}
