// Parameters of the routes: each is checked here, so that a handler sees only what makes sense.

import { z } from '@hono/zod-openapi';
import { findMetric, METRICS } from '../../core/catalogue.ts';
import { parseDuration } from '../../core/duration.ts';
import type { LabelGlobs } from '../../core/model/labels.ts';
import { choose, quoted } from '../../core/text/suggestions.ts';
import { ApiError } from './errors.ts';

/** The last time that JavaScript knows. */
const LAST_MS = 8_640_000_000_000_000;
const LONGEST_RANGE_MS = 400 * 86_400_000;
const MOST_VALUES = 50;
const LONGEST_TEXT = 500;
/** Written so that any engine of JSON Schema reads it: no control characters. */
const PRINTABLE = '^[^\\u0000-\\u001f\\u007f]*$';

/** A number as digits: `1e9`, ` 5` and `0x1` are mistakes. */
export function integerParameter(least: number, most: number, description: string, fallback?: number) {
  const about = { type: 'integer' as const, minimum: least, maximum: most, description };
  const schema = z
    .string({ error: 'it is given more than once' })
    .regex(/^\d{1,16}$/, `it is a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine((value) => value >= least && value <= most, `it is a whole number from ${least} to ${most}`);
  return schema
    .optional()
    .transform((value) => value ?? fallback)
    .openapi({ ...about, ...(fallback !== undefined && { default: fallback }) });
}

export function textParameter(description: string, example?: string) {
  return z
    .string({ error: 'it is given more than once' })
    .min(1, 'it is empty')
    .max(LONGEST_TEXT, `it has ${LONGEST_TEXT} characters at most`)
    .regex(new RegExp(PRINTABLE), 'it has a control character')
    .openapi({ description, ...(example !== undefined && { example }) });
}

export function choiceParameter<const T extends readonly [string, ...string[]]>(
  choices: T,
  description: string,
) {
  return z.enum(choices).optional().openapi({ description });
}

/** A parameter that may be repeated. */
export function listParameter(description: string, example: string) {
  const item = textParameter(description);
  return z
    .preprocess(
      (value) => (value === undefined ? [] : Array.isArray(value) ? value : [value]),
      z.array(item).max(MOST_VALUES, `it is given ${MOST_VALUES} times at most`).readonly(),
    )
    .openapi({
      type: 'array',
      items: { type: 'string', minLength: 1, maxLength: LONGEST_TEXT, pattern: PRINTABLE },
      maxItems: MOST_VALUES,
      description: `${description} May be repeated.`,
      example: [example],
    });
}

/** Required, although the schema lets it be absent: `metricsOf` says what to write. */
export const metricParameter = listParameter('Name of a metric.', 'mem_usage').openapi({
  param: { required: true },
});
export const whereParameter = listParameter(
  '`label=glob`: series whose label matches; all labels must match, and of one label any glob.',
  'cluster=prod-*',
);

/** `from` and `to`, or `last`. */
export const rangeParameters = {
  from: integerParameter(0, LAST_MS, 'Begin in Unix ms.'),
  to: integerParameter(0, LAST_MS, 'End in Unix ms, inclusive; default: now.'),
  last: textParameter('Instead of `from`: a duration before `to`. Default: 1h.', '6h').optional(),
};

export interface TimeRange {
  fromMs: number;
  toMs: number;
}

/** @throws ApiError that says what is wrong with the range */
export function rangeOf(
  query: { from?: number | undefined; to?: number | undefined; last?: string | undefined },
  nowMs: number,
  longestMs = LONGEST_RANGE_MS,
): TimeRange {
  const { from, to: toMs = nowMs, last } = query;
  if (from !== undefined && last !== undefined)
    throw new ApiError(400, '`from` and `last` exclude each other', 'leave one of them out');
  const fromMs = from ?? toMs - durationOf(last ?? '1h');
  if (fromMs > toMs)
    throw new ApiError(
      400,
      `\`from\` (${fromMs}) is later than \`to\` (${toMs})`,
      'times are Unix milliseconds',
    );
  if (toMs - fromMs > longestMs)
    throw new ApiError(400, 'the range is longer than 400 days', 'times are Unix milliseconds; ask for less');
  return { fromMs: Math.max(0, fromMs), toMs };
}

function durationOf(text: string): number {
  try {
    return parseDuration(text);
  } catch {
    throw new ApiError(400, `\`last\`: ${quoted(text)} is no duration`, 'write 90s, 5m, 6h or 7d');
  }
}

/** @throws ApiError for a metric that is unknown */
export function metricsOf(names: readonly string[]): readonly string[] {
  if (names.length === 0)
    throw new ApiError(400, '`metric` is missing', 'name one, such as metric=mem_usage');
  for (const name of names) {
    if (findMetric(name)) continue;
    const known = METRICS.map((metric) => metric.name);
    throw new ApiError(400, `\`metric\`: ${quoted(name)} is unknown`, choose(name, known, 'possible'));
  }
  return [...new Set(names)];
}

/** @throws ApiError where a text is not `label=glob` */
export function globsOf(texts: readonly string[]): LabelGlobs {
  const globs = new Map<string, string[]>();
  for (const text of texts) {
    const [, name, glob] = /^([A-Za-z_][A-Za-z0-9_]{0,99})=(.+)$/su.exec(text) ?? [];
    if (name === undefined || glob === undefined)
      throw new ApiError(400, `\`where\`: ${quoted(text)} is not \`label=glob\``, 'write where=node=prod-*');
    globs.set(name, [...(globs.get(name) ?? []), glob]);
  }
  return Object.fromEntries(globs);
}
