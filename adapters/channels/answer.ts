import { z } from 'zod';
import { PermanentError, RetryableError } from '../../core/errors.ts';
import { globMatches } from '../../core/labels.ts';
import { type HttpAnswer, shownText } from '../http.ts';

/** The option of every channel that reads what its service answers. */
export const acceptsField = {
  accepts: z
    .array(z.string())
    .default([])
    .describe(
      'Further answers that mean "accepted", where a proxy or a service of another make answers in its own way: whole bodies, `*` stands for any text, `""` for an empty one',
    ),
};

/** The service refuses how the message is laid out: the same said more plainly may be accepted. */
export class LayoutError extends PermanentError {}

const PAGE = /^<(!doctype|html|head|body|meta|title|script|style|link|div|center|h1|p)\b/i;
/** What may stand in front of a page. */
const PREAMBLE = /^(<\?xml[^>]*>|<!--[\s\S]*?-->)/i;
const PREAMBLES_AT_MOST = 20;

/**
 * Whether a 2xx means that the service has the message: undefined if so, else why that is unclear, in words.
 * @throws RetryableError for a web page, or for an answer that says no
 */
export function unclearAnswer(
  answer: HttpAnswer,
  expected: {
    service: string;
    /** What it answers when it has the message, in words: "the text `ok`". */
    says: string;
    /** Whether this is that answer. */
    isIt: (body: string, parsed: unknown) => boolean;
    accepts: readonly string[];
    redact: (text: string) => string;
  },
): string | undefined {
  const { service, says, isIt, accepts, redact } = expected;
  const { status, headers, whole } = answer;
  const body = answer.body.trim();
  const parsed = parseJson(body);
  if (whole && accepts.some((glob) => globMatches(glob, body))) return undefined;
  if (whole && isIt(body, parsed) && !saysNo(parsed)) return undefined;
  const shown = shownText(answer, redact);
  const isHtml = /html/i.test(headers['content-type'] ?? '') && body !== '' && parsed === undefined;
  if (isHtml || isPage(body))
    throw new RetryableError(
      `${service}: answered ${status} with a web page, so it does not have the message; does a proxy or a login stand in between? (${shown})`,
    );
  if (saysNo(parsed)) throw new RetryableError(`${service}: answered ${status}, but refuses: ${shown}`);
  const what = !whole
    ? 'an answer that broke off'
    : body === ''
      ? 'nothing'
      : parsed === undefined
        ? `"${shown}"`
        : shown;
  return `${service} answered ${status} with ${what}, where it says ${says} when it has the message`;
}

function isPage(body: string): boolean {
  let rest = body.trimStart();
  // One after the other: a pattern for all of them could be made to take for ever.
  for (let i = 0; i < PREAMBLES_AT_MOST && PREAMBLE.test(rest); i++)
    rest = rest.replace(PREAMBLE, '').trimStart();
  return PAGE.test(rest);
}

/** An explicit refusal in an answer of 2xx. */
function saysNo(parsed: unknown): boolean {
  if (typeof parsed !== 'object' || parsed === null) return false;
  const { ok, success, error, errors, status_code: status } = parsed as Record<string, unknown>;
  const named = (typeof error === 'string' && error !== '') || (typeof error === 'object' && error !== null);
  const listed = Array.isArray(errors) && errors.length > 0;
  return (
    ok === false || success === false || named || listed || (typeof status === 'number' && status >= 400)
  );
}

/** What a body says as JSON; undefined for what is none. */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
