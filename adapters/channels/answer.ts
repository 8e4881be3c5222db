import { z } from 'zod';
import { PermanentError, RetryableError } from '../../core/errors.ts';
import { globMatches } from '../../core/labels.ts';
import { parseJson } from '../http/json-body.ts';
import { type HttpResponse, responseExcerpt } from '../http/request.ts';

/** The option of every channel that reads what its service answers. */
export const acceptsField = {
  accepts: z
    .array(z.string())
    .default([])
    .describe(
      'Further answers that mean "accepted", where a proxy or a service of another make answers in its own way: whole bodies, `*` stands for any text, `""` for an empty one',
    ),
};

/** The service refuses the layout of a message; it may accept a plainer one. */
export class LayoutError extends PermanentError {}

const PAGE = /^<(!doctype|html|head|body|meta|title|script|style|link|div|center|h1|p)\b/i;
/** Text that may precede a page. */
const PREAMBLE = /^(<\?xml[^>]*>|<!--[\s\S]*?-->)/i;
const PREAMBLES_AT_MOST = 20;

/**
 * Says why a 2xx does not show that the service has the message; undefined when it does.
 * @throws RetryableError for a web page, or for an answer that says no
 */
export function unclearAnswer(
  answer: HttpResponse,
  expected: {
    service: string;
    /** Describes the answer that means "accepted": "the text `ok`". */
    confirms: string;
    /** Recognises that answer. */
    isIt: (body: string, parsed: unknown) => boolean;
    accepts: readonly string[];
    redact: (text: string) => string;
  },
): string | undefined {
  const { service, confirms, isIt, accepts, redact } = expected;
  const { status, headers, whole } = answer;
  const body = answer.body.trim();
  const parsed = parseJson(body);
  if (whole && accepts.some((glob) => globMatches(glob, body))) return undefined;
  if (whole && isIt(body, parsed) && !isRefusal(parsed)) return undefined;
  const excerpt = responseExcerpt(answer, redact);
  const isHtml = /html/i.test(headers['content-type'] ?? '') && body !== '' && parsed === undefined;
  if (isHtml || isPage(body))
    throw new RetryableError(
      `${service}: answered ${status} with a web page, so it does not have the message; does a proxy or a login stand in between? (${excerpt})`,
    );
  if (isRefusal(parsed)) throw new RetryableError(`${service}: answered ${status}, but refuses: ${excerpt}`);
  const what = !whole
    ? 'an answer that broke off'
    : body === ''
      ? 'nothing'
      : parsed === undefined
        ? `"${excerpt}"`
        : excerpt;
  return `${service} answered ${status} with ${what}, where it says ${confirms} when it has the message`;
}

function isPage(body: string): boolean {
  let rest = body.trimStart();
  // One after the other: a single pattern for all could be made to run for ever.
  for (let i = 0; i < PREAMBLES_AT_MOST && PREAMBLE.test(rest); i++)
    rest = rest.replace(PREAMBLE, '').trimStart();
  return PAGE.test(rest);
}

/** An explicit refusal in an answer of 2xx. */
function isRefusal(parsed: unknown): boolean {
  if (typeof parsed !== 'object' || parsed === null) return false;
  const { ok, success, error, errors, status_code: status } = parsed as Record<string, unknown>;
  const named = (typeof error === 'string' && error !== '') || (typeof error === 'object' && error !== null);
  const listed = Array.isArray(errors) && errors.length > 0;
  return (
    ok === false || success === false || named || listed || (typeof status === 'number' && status >= 400)
  );
}
