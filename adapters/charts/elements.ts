import type { Theme } from './theme.ts';

/** A label on the plot. A rim in the colour of the background keeps it readable where a line crosses it. */
export function label(
  x: number,
  y: number,
  content: string,
  color: string,
  anchor: 'start' | 'middle',
  theme: Theme,
): string {
  return `<text x="${px(x)}" y="${px(y)}" font-weight="600" text-anchor="${anchor}" fill="${color}" stroke="${theme.background}" stroke-width="5" stroke-linejoin="round" paint-order="stroke">${escapeXml(content)}</text>`;
}

export function rect(
  x: number,
  y: number,
  width: number,
  height: number,
  color: string,
  opacity: number,
): string {
  return `<rect x="${px(x)}" y="${px(y)}" width="${px(width)}" height="${px(height)}" fill="${color}" opacity="${opacity}"/>`;
}

export function circle(x: number, y: number, radius: number, color: string, rim?: string): string {
  const stroke = rim === undefined ? '' : ` stroke="${rim}" stroke-width="3.5"`;
  return `<circle cx="${px(x)}" cy="${px(y)}" r="${px(radius)}" fill="${color}"${stroke}/>`;
}

export function diamond(x: number, y: number, radius: number, color: string, rim: string): string {
  const d = `M${px(x)} ${px(y - radius)}L${px(x + radius)} ${px(y)}L${px(x)} ${px(y + radius)}L${px(x - radius)} ${px(y)}Z`;
  return `<path d="${d}" fill="${color}" stroke="${rim}" stroke-width="2.5"/>`;
}

export function px(value: number): number {
  return Math.round(value * 10) / 10;
}

/** XML 1.0 text: markup escaped, characters that XML cannot hold replaced. */
export function escapeXml(content: string): string {
  return content
    .toWellFormed()
    .replace(/[\p{Cc}\p{Noncharacter_Code_Point}]/gu, (char) => (/\s/.test(char) ? ' ' : '\ufffd'))
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
