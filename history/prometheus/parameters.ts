// Parameters of Prometheus' API.

import type { Context } from 'hono';
import type { Matcher } from '../../core/model/silence.ts';
import { parseDurationMs } from '../../core/promql/literals.ts';
import { parseMetricSelector } from '../../core/promql/parse.ts';
import { QueryError } from '../../core/promql/source.ts';
import { quoted } from '../../core/text/suggestions.ts';

/** Queries are at most 16 KiB, of which a form makes at most three times as much; several selectors may be in it. */
export const MAX_FORM_BYTES = 128 * 1024;

/** Each is a search of its own. */
const MAX_SELECTORS = 100;

/** Those of the address and, as Prometheus takes long queries, of a form. */
export async function readParameters({ req }: Context): Promise<URLSearchParams> {
  const { searchParams } = new URL(req.url);
  if (req.method !== 'POST') return searchParams;
  const type = req.header('content-type') ?? '';
  if (type !== '' && !type.startsWith('application/x-www-form-urlencoded')) {
    throw new QueryError(
      'bad_data',
      `a form is read as application/x-www-form-urlencoded, not as ${quoted(type)}`,
    );
  }
  return new URLSearchParams([...new URLSearchParams(await req.text()), ...searchParams]);
}

/** Milliseconds of RFC 3339 or seconds since 1970. @throws QueryError */
export function timeOf(parameters: URLSearchParams, name: string, defaultMs?: number): number {
  const text = parameters.get(name) ?? '';
  if (text === '' && defaultMs !== undefined) return defaultMs;
  const ms = isNumber(text) ? Math.round(Number(text) * 1000) : isDate(text) ? Date.parse(text) : Number.NaN;
  // The last time of a Date, which clients send for "no end".
  if (Number.isFinite(ms) && Math.abs(ms) <= 8.64e15) return ms;
  throw invalid(name, text, 'write seconds since 1970, or a time like `2026-12-01T12:00:00Z`');
}

/** Milliseconds of seconds or of `1h30m`; undefined where it is absent. @throws QueryError */
export function durationOf(parameters: URLSearchParams, name: string): number | undefined {
  const text = parameters.get(name) ?? '';
  if (text === '') return undefined;
  const ms = isNumber(text) ? Math.trunc(Number(text) * 1000) : parseDurationMs(text);
  if (ms !== undefined && ms >= 0 && ms <= 8.64e15) return ms;
  throw invalid(name, text, 'write seconds, or a duration like `1m30s`');
}

/** 0 and absent: no limit. @throws QueryError */
export function limitOf(parameters: URLSearchParams): number {
  const text = parameters.get('limit') ?? '';
  if (text === '') return Infinity;
  if (/^\d{1,15}$/.test(text)) return Number(text) || Infinity;
  throw invalid('limit', text, 'write a whole number, 0 for no limit');
}

/** Each `match[]`. @throws QueryError */
export function selectorsOf(parameters: URLSearchParams): (readonly Matcher[])[] {
  const texts = parameters.getAll('match[]');
  if (texts.length > MAX_SELECTORS) {
    throw new QueryError(
      'bad_data',
      `invalid parameter "match[]": ${texts.length} of them; at most ${MAX_SELECTORS} are read`,
    );
  }
  return texts.map((text) => {
    try {
      return parseMetricSelector(text);
    } catch (error) {
      if (error instanceof QueryError)
        throw new QueryError(error.type, `invalid parameter "match[]": ${error.message}`);
      throw error;
    }
  });
}

function isNumber(text: string): boolean {
  return /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text);
}

function isDate(text: string): boolean {
  const [, year, month, day] =
    /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.exec(text) ?? [];
  // `Date` takes 30 February for 2 March.
  return day !== undefined && Number(day) <= new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
}

function invalid(name: string, text: string, hint: string): QueryError {
  return new QueryError('bad_data', `invalid parameter "${name}": ${quoted(text)}: ${hint}`);
}
