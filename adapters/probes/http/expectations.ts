import { RE2JS } from 're2js';
import type { Labels } from '../../../core/model/labels.ts';
import { numberOf, parseJsonPath, valueAtPath } from '../../../core/parse/json-path.ts';
import type { Reading } from '../../../core/parse/reading.ts';
import type { HttpAnswer } from '../http-client.ts';
import { reading } from '../service-probe.ts';
import type { HttpProbeOptions } from './options.ts';

/** RE2 is linear, and slow all the same: 16 KiB take up to 35 ms. */
const MATCHED_CHARACTERS = 16 * 1024;

/** What of an answer is not as expected; empty: all is. */
export function unexpected(
  { status, body, isCut }: Pick<HttpAnswer, 'status' | 'body' | 'isCut'>,
  { status: statuses, contains, matches }: HttpProbeOptions,
): string[] {
  const where = isCut ? 'the beginning of the answer' : 'the answer';
  return [
    ...(statuses.some((expected) => isStatus(status, expected))
      ? []
      : [`it answers ${status}, expected is ${statuses.join(' or ')}`]),
    ...(contains === undefined || body.includes(contains) ? [] : [`${where} lacks the text of \`contains\``]),
    ...(matches === undefined || RE2JS.compile(matches).matcher(body.slice(0, MATCHED_CHARACTERS)).find()
      ? []
      : [`${where} does not match \`matches\``]),
  ];
}

function isStatus(status: number, expected: number | string): boolean {
  const text = String(expected);
  return text.endsWith('xx') ? String(status)[0] === text[0] : String(status) === text;
}

/** The chosen numbers of a JSON answer. */
export function readValues(
  { body, isCut }: Pick<HttpAnswer, 'body' | 'isCut'>,
  values: HttpProbeOptions['values'],
  labels: Labels,
): { readings: Reading[]; notes: string[] } {
  const wanted = Object.entries(values);
  if (wanted.length === 0) return { readings: [], notes: [] };
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { readings: [], notes: [`no values: the answer is ${isCut ? 'too long' : 'not JSON'}`] };
  }
  const readings: Reading[] = [];
  const notes: string[] = [];
  for (const [name, path] of wanted) {
    const value = valueAtPath(json, parseJsonPath(path) ?? []);
    const number = numberOf(value);
    if (number !== undefined) readings.push(reading('check_value', number, { ...labels, name }));
    else notes.push(`no value ${name}: at ${path} there is ${value === undefined ? 'nothing' : 'no number'}`);
  }
  return { readings, notes };
}
