// Numbers that a check takes from an answer or from output, by the names that its operator gives them.
import { RE2JS } from 're2js';
import { z } from 'zod';
import type { Labels } from '../../core/model/labels.ts';
import { numberOf, parseJsonPath, valueAtPath } from '../../core/parse/json-path.ts';
import type { Reading } from '../../core/parse/reading.ts';
import { nextTurn } from '../event-loop/turns.ts';
import { reading } from './service-probe.ts';

const LONGEST_PATTERN = 500;
const MOST_VALUES = 32;
const MOST_PATTERNS = 16;
/** Time is at most in proportion to this size and to the text. 500 take up to 35 ms for the longest line. */
const LARGEST_PROGRAM = 500;
/** With `test`, which finds no groups, 16 KiB take up to 40 ms. */
const MATCHED_CHARACTERS = 16 * 1024;
const LONGEST_LINE = 1_024;

export interface FoundValues {
  readings: Reading[];
  notes: string[];
}

/** A regular expression (RE2): it takes time by the length of the text alone, whatever the other side sends. */
export const patternSchema = z
  .string()
  .min(1)
  .max(LONGEST_PATTERN)
  .refine((text) => compile(text) !== undefined, { error: 'this is no regular expression of RE2' });

const nameSchema = z
  .string()
  .regex(/^[\w.-]{1,64}$/, { error: 'a name has letters, digits, `_`, `.` and `-`' });

/** Numbers in JSON, by name. */
export const valuesSchema = z
  .record(
    nameSchema,
    z.string().refine((text) => parseJsonPath(text) !== undefined, {
      error: 'this is no path into JSON such as `$.items[0].count`',
    }),
  )
  .refine((values) => Object.keys(values).length <= MOST_VALUES, { error: `at most ${MOST_VALUES} values` })
  .default({});

/** Numbers in lines of text, by name. */
export const patternsSchema = z
  .record(
    nameSchema,
    patternSchema
      .refine((text) => (compile(text)?.groupCount() ?? 1) >= 1, {
        error: 'put parentheses around the number: `^lag: ([0-9]+)$`',
      })
      .refine((text) => (compile(text)?.programSize() ?? 0) <= LARGEST_PROGRAM, {
        error: 'this takes too long to match; use smaller repetitions than `{1,100}`',
      }),
  )
  .refine((patterns) => Object.keys(patterns).length <= MOST_PATTERNS, {
    error: `at most ${MOST_PATTERNS} patterns`,
  })
  .default({});

function compile(pattern: string): RE2JS | undefined {
  try {
    return RE2JS.compile(pattern);
  } catch {
    return undefined;
  }
}

/** Whether the pattern matches somewhere in the beginning of a text. */
export function matchesText(pattern: string, text: string): boolean {
  return RE2JS.compile(pattern).test(text.slice(0, MATCHED_CHARACTERS));
}

/** The chosen numbers of a JSON text. @param what the text is, for notes */
export function readJsonValues(
  text: string,
  {
    what,
    isCut = false,
    values,
    labels,
  }: { what: string; isCut?: boolean; values: Readonly<Record<string, string>>; labels: Labels },
): FoundValues {
  const wanted = Object.entries(values);
  const found: FoundValues = { readings: [], notes: [] };
  if (wanted.length === 0) return found;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { ...found, notes: [`no values: ${what} is ${isCut ? 'too long' : 'not JSON'}`] };
  }
  for (const [name, path] of wanted) {
    const value = valueAtPath(json, parseJsonPath(path) ?? []);
    const number = numberOf(value);
    if (number !== undefined) found.readings.push(reading('check_value', number, { ...labels, name }));
    else
      found.notes.push(
        `no value ${name}: at ${path} there is ${value === undefined ? 'nothing' : 'no number'}`,
      );
  }
  return found;
}

/**
 * The number in the first parentheses of each pattern, from the first line that matches it. Patterns take turns in the event
 * loop, as each may take tens of milliseconds for a text that is made for it.
 */
export async function readPatterns(
  text: string,
  { what, patterns, labels }: { what: string; patterns: Readonly<Record<string, string>>; labels: Labels },
): Promise<FoundValues> {
  const lines = text
    .slice(0, MATCHED_CHARACTERS)
    .split('\n')
    .map((line) => line.slice(0, LONGEST_LINE));
  const found: FoundValues = { readings: [], notes: [] };
  for (const [name, pattern] of Object.entries(patterns)) {
    await nextTurn();
    const compiled = RE2JS.compile(pattern);
    const line = lines.find((one) => compiled.test(one));
    const matcher = line === undefined ? undefined : compiled.matcher(line);
    const number = matcher?.find() ? numberOf(matcher.group(1) ?? undefined) : undefined;
    if (number !== undefined) found.readings.push(reading('check_value', number, { ...labels, name }));
    else if (matcher) found.notes.push(`no value ${name}: the parentheses of its pattern hold no number`);
    else {
      const where = text.length > MATCHED_CHARACTERS ? `the beginning of ${what}` : what;
      found.notes.push(`no value ${name}: no line of ${where} matches its pattern`);
    }
  }
  return found;
}
