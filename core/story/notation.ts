import { quoted } from '../text/suggestions.ts';

/** What a round brought for one series. */
export type Mark =
  | { kind: 'sample'; value: number }
  /** The node answered, `up` is 1, and the metric is missing. */
  | { kind: 'lacking' }
  /** The node did not let us in: `up` is 0. */
  | { kind: 'down' }
  /** Nothing was tried: our own downtime, a lost bastion. */
  | { kind: 'untried' };

const SIGNS = { _: { kind: 'lacking' }, D: { kind: 'down' }, '.': { kind: 'untried' } } as const;
const SIGN = /^([_D.])(?:x(\d+))?$/;
const SAMPLE = /^([+-]?\d+(?:\.\d+)?)(?:([+-]\d+(?:\.\d+)?)?x(\d+))?$/;

/** More rounds than any story needs; keeps a typing error from filling the memory. */
const MAX_ROUNDS = 10_000;

export type Notation = { ok: true; marks: Mark[] } | { ok: false; message: string };

/**
 * Reads a series as promtool writes it: `95`, `95x6` (seven samples), `10+5x3` (10 15 20 25), `10-5x3`; and three
 * signs, with a repeat count (`_x3` are three): `_` lacking, `D` down, `.` untried.
 */
export function parseNotation(text: string): Notation {
  const marks: Mark[] = [];
  for (const token of text.trim().split(/\s+/)) {
    const read = readToken(token);
    if (!read) return { ok: false, message: problemOf(token) };
    if (marks.length + read.count > MAX_ROUNDS) {
      return { ok: false, message: `\`${token}\` makes the series longer than ${MAX_ROUNDS} rounds` };
    }
    for (let i = 0; i < read.count; i++) marks.push(read.at(i));
  }
  return { ok: true, marks };
}

function readToken(token: string): { count: number; at: (i: number) => Mark } | undefined {
  const sign = SIGN.exec(token);
  if (sign) {
    const mark = SIGNS[sign[1] as keyof typeof SIGNS];
    return { count: Number(sign[2] ?? 1), at: () => mark };
  }
  const sample = SAMPLE.exec(token);
  if (!sample) return undefined;
  const [, first, step = '0', repeats = '0'] = sample;
  return {
    count: Number(repeats) + 1,
    // Rounds off what binary steps add (0.1 + 0.2), which no writer of a story means.
    at: (i) => ({
      kind: 'sample',
      value: Number(step) === 0 ? Number(first) : Number((Number(first) + i * Number(step)).toPrecision(12)),
    }),
  };
}

function problemOf(token: string): string {
  if (/^[+-]?\d+(\.\d+)?[+-]\d+(\.\d+)?$/.test(token)) return `\`${token}\` needs a count: \`${token}x3\``;
  if (token === '') return 'the series is empty: write samples like `95x6 _ 40x3`';
  return `${quoted(token)} is no sample: write numbers (\`95\`, \`95x6\`, \`10+5x3\`) or \`_\`, \`D\`, \`.\``;
}

/** Marks as text that `parseNotation` reads back: equal ones that follow each other are one token. */
export function writeNotation(marks: readonly Mark[]): string {
  const tokens: { text: string; count: number; isSample: boolean }[] = [];
  for (const mark of marks) {
    const isSample = mark.kind === 'sample';
    const text = isSample ? numberText(mark.value) : SIGN_OF[mark.kind];
    const last = tokens.at(-1);
    if (last?.text === text) last.count++;
    else tokens.push({ text, count: 1, isSample });
  }
  return tokens
    .map(({ text, count, isSample }) => (count === 1 ? text : `${text}x${isSample ? count - 1 : count}`))
    .join(' ');
}

const SIGN_OF = { lacking: '_', down: 'D', untried: '.' } as const;

/** Without an exponent, which the notation lacks. */
function numberText(value: number): string {
  const text = String(value);
  return text.includes('e')
    ? value.toLocaleString('en-US', { useGrouping: false, maximumFractionDigits: 20 })
    : text;
}
