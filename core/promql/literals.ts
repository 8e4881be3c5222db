// Values of literals: numbers, durations and strings.

import { quoted } from '../text/suggestions.ts';
import { errorAt } from './positions.ts';
import { isDuration, type Token } from './tokens.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  y: 365 * 86_400_000,
  w: 7 * 86_400_000,
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
};

/** About the longest that Prometheus can count in nanoseconds: 292 years. */
const LONGEST_SECONDS = 2 ** 63 / 1e9;

/** A number, or a duration in seconds: both may stand wherever one of them may. @throws QueryError */
export function numberOf(query: string, token: Token): number {
  const value = token.kind === 'duration' ? secondsOf(token.text) : parseNumber(token.text);
  const isTooLarge = token.kind === 'duration' ? value > LONGEST_SECONDS : !Number.isFinite(value);
  // `Inf` is a name to the tokenizer.
  if (isTooLarge && token.kind !== 'name')
    throw errorAt(query, token.from, `${quoted(token.text)} is too large`);
  return value;
}

/** Seconds in whole milliseconds, as a range, a step or an offset has them. @throws QueryError */
export function durationMsOf(query: string, token: Token): number {
  const seconds = numberOf(query, token);
  if (!(Math.abs(seconds) <= LONGEST_SECONDS)) {
    throw errorAt(query, token.from, `${quoted(token.text)} is no duration that can be counted`);
  }
  return Math.trunc(Math.round(seconds * 1e9) / 1e6);
}

/** Milliseconds of `1h30m`; undefined for another text. */
export function parseDurationMs(text: string): number | undefined {
  const seconds = isDuration(text) ? secondsOf(text) : Infinity;
  return seconds > LONGEST_SECONDS ? undefined : Math.round(seconds * 1000);
}

function parseNumber(text: string): number {
  const digits = text.replaceAll('_', '');
  if (/^inf$/i.test(digits)) return Infinity;
  if (/^nan$/i.test(digits)) return NaN;
  // A leading zero means octal to Go, and so to Prometheus.
  return /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
}

function secondsOf(text: string): number {
  let ms = 0;
  for (const [, count = '0', unit = 'ms'] of text.matchAll(/(\d+)([a-z]+)/g))
    ms += Number(count) * (UNIT_MS[unit] ?? 0);
  return ms / 1000;
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};

const ESCAPE = /\\(?:([0-7]{3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([^0-7xuU])|)/gs;

/** The text of a string in any of the three quotings; escapes are those of Go. @throws QueryError */
export function stringOf(query: string, { text, from }: Token): string {
  const quote = text[0];
  const inner = text.slice(1, -1);
  if (quote === '`' || !inner.includes('\\')) return inner;
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  let end = 0;
  for (const match of inner.matchAll(ESCAPE)) {
    bytes.push(...encoder.encode(inner.slice(end, match.index)));
    end = match.index + match[0].length;
    const [, octal, hex, short, long, single] = match;
    const offset = from + 1 + match.index;
    if (octal !== undefined || hex !== undefined) {
      const byte = octal === undefined ? Number.parseInt(hex ?? '', 16) : Number.parseInt(octal, 8);
      if (byte > 255)
        throw errorAt(query, offset, `the escape ${quoted(match[0])} is no byte: the last is \\377`);
      bytes.push(byte);
      continue;
    }
    const code = short ?? long;
    const character =
      code === undefined ? (single === quote ? quote : ESCAPES[single ?? '']) : characterOf(code);
    if (character === undefined) {
      const shown = inner.slice(match.index, match.index + Math.max(match[0].length, 2));
      throw errorAt(query, offset, `unknown escape ${quoted(shown)}: write a backslash itself as \\\\`);
    }
    bytes.push(...encoder.encode(character));
  }
  bytes.push(...encoder.encode(inner.slice(end)));
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch (cause) {
    throw Object.assign(errorAt(query, from, `${quoted(text)} is not valid UTF-8`), { cause });
  }
}

function characterOf(hex: string): string | undefined {
  const code = Number.parseInt(hex, 16);
  const isSurrogate = code >= 0xd800 && code < 0xe000;
  return code > 0x10ffff || isSurrogate ? undefined : String.fromCodePoint(code);
}
