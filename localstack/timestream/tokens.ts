import { invalid } from './service-error.ts';

export type Token = { line: number; column: number } & (
  | { kind: 'word' | 'quoted' | 'string' | 'symbol'; text: string }
  | { kind: 'integer'; value: bigint }
  | { kind: 'interval'; nanoseconds: bigint }
  | { kind: 'end' }
);

/** Interval literals: https://docs.aws.amazon.com/timestream/latest/developerguide/date-time-functions.html */
const UNIT_NANOSECONDS: Readonly<Record<string, bigint>> = {
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
};

const PATTERNS = [
  ['space', /\s+/y],
  ['string', /'((?:[^']|'')*)'/y],
  ['quoted', /"((?:[^"]|"")*)"/y],
  ['number', /(\d+)([A-Za-z]*)/y],
  ['word', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['symbol', />=|[=(),.*+/]/y],
] as const;

/** Splits a query. @throws ServiceError with the position of a text that is not a token of our store */
export function tokenize(query: string): Token[] {
  const tokens: Token[] = [];
  let [at, line, lineStart] = [0, 1, 0];
  while (at < query.length) {
    const location = { line, column: at - lineStart + 1 };
    const found = match(query, at);
    if (!found)
      throw invalid(
        `line ${location.line}:${location.column}: the emulator does not know '${query.slice(at, at + 10)}'`,
      );
    const token = tokenOf(found.kind, found.parts);
    if (token) tokens.push({ ...location, ...token });
    const text = found.parts[0] ?? '';
    const breaks = text.split('\n').length - 1;
    if (breaks > 0) [line, lineStart] = [line + breaks, at + text.lastIndexOf('\n') + 1];
    at += text.length;
  }
  return [...tokens, { line, column: at - lineStart + 1, kind: 'end' }];
}

function match(query: string, at: number) {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const parts = pattern.exec(query);
    if (parts) return { kind, parts };
  }
  return undefined;
}

type Bare =
  | { kind: 'word' | 'quoted' | 'string' | 'symbol'; text: string }
  | { kind: 'integer'; value: bigint }
  | { kind: 'interval'; nanoseconds: bigint };

function tokenOf(kind: (typeof PATTERNS)[number][0], parts: RegExpExecArray): Bare | undefined {
  const [whole, inner = '', unit = ''] = parts;
  switch (kind) {
    case 'space':
      return undefined;
    case 'string':
      return { kind, text: inner.replaceAll("''", "'") };
    case 'quoted':
      return { kind, text: inner.replaceAll('""', '"') };
    case 'number': {
      if (unit === '') return { kind: 'integer', value: BigInt(inner) };
      const nanoseconds = UNIT_NANOSECONDS[unit];
      if (nanoseconds === undefined) throw invalid(`the emulator does not know the interval '${whole}'`);
      return { kind: 'interval', nanoseconds: BigInt(inner) * nanoseconds };
    }
    default:
      return { kind, text: whole };
  }
}
