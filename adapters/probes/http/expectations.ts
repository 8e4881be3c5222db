import { matchesText } from '../answer-values.ts';
import type { HttpAnswer } from '../http-client.ts';
import type { HttpProbeOptions } from './options.ts';

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
    ...(matches === undefined || matchesText(matches, body) ? [] : [`${where} does not match \`matches\``]),
  ];
}

function isStatus(status: number, expected: number | string): boolean {
  const text = String(expected);
  return text.endsWith('xx') ? String(status)[0] === text[0] : String(status) === text;
}
