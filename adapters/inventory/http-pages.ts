// Answers in pages: where the next one is, and how much is read of a service that never ends.

import { PermanentError, RetryableError } from '../../core/errors.ts';
import { parseJsonPath, valueAtPath } from '../../core/parse/json-path.ts';
import type { HttpResponse } from '../http/request.ts';

/** All pages together may have so many bytes. A fleet of 30,000 nodes has about 5 MiB. */
const ANSWER_LIMIT_BYTES = 16 * 1024 ** 2;
const MOST_PAGES = 500;
/** A round waits for its inventory. */
const ALL_PAGES_MS = 60_000;

export interface Paging {
  /** Path of the address of the next page, or of what goes into `nextParameter`. */
  next?: string | undefined;
  nextParameter?: string | undefined;
}

export interface Page {
  json: unknown;
  response: HttpResponse;
}

/**
 * Reads all pages. The next one is at `next`, or where the header `Link` with `rel="next"` says, and only at the origin of the first:
 * the token is meant for that. @throws PermanentError, RetryableError
 */
export async function readPages(
  first: string,
  read: (url: string, limits: { bytes: number; timeoutMs: number }) => Promise<HttpResponse>,
  paging: Paging,
  nowMs: () => number,
): Promise<Page[]> {
  const pages: Page[] = [];
  const seen = new Set<string>();
  const untilMs = nowMs() + ALL_PAGES_MS;
  let bytes = ANSWER_LIMIT_BYTES;
  for (let url: string | undefined = first; url !== undefined; ) {
    if (seen.has(url)) throw new PermanentError('the pages of the answer lead in a circle');
    if (seen.size === MOST_PAGES) throw new PermanentError(`the answer has more than ${MOST_PAGES} pages`);
    seen.add(url);
    const timeoutMs = untilMs - nowMs();
    if (timeoutMs <= 0)
      throw new RetryableError(`the pages of the answer take longer than ${ALL_PAGES_MS / 1_000} s`);
    const response = await read(url, { bytes, timeoutMs });
    bytes -= Buffer.byteLength(response.body);
    if (!response.whole || bytes < 0)
      throw new PermanentError(
        `the answer is incomplete, or longer than ${ANSWER_LIMIT_BYTES / 1024 ** 2} MiB`,
      );
    const json = parsed(response.body);
    pages.push({ json, response });
    url = nextOf({ json, response }, url, paging);
  }
  return pages;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // The parser's message quotes the answer, which may hold a secret.
    throw new PermanentError(`the answer is not JSON (${body.length} characters)`);
  }
}

function nextOf({ json, response }: Page, url: string, { next, nextParameter }: Paging): string | undefined {
  const value = next === undefined ? undefined : valueAtPath(json, parseJsonPath(next) ?? []);
  if (value === undefined || value === null || value === '' || value === false)
    return addressOf(linkedNext(response.headers.link ?? ''), url);
  if (typeof value !== 'string' && typeof value !== 'number')
    throw new PermanentError(
      `at \`${next}\` there is neither text nor number; \`next\` leads to the next page`,
    );
  if (nextParameter === undefined) return addressOf(String(value), url);
  const address = new URL(url);
  address.searchParams.set(nextParameter, String(value));
  return address.href;
}

function addressOf(text: string | undefined, url: string): string | undefined {
  if (text === undefined) return undefined;
  if (!URL.canParse(text, url)) throw new PermanentError('the address of the next page is malformed');
  const address = new URL(text, url);
  if (address.origin !== new URL(url).origin)
    throw new PermanentError(
      'the next page is at another host, port or protocol than `url`, and gets no token; write the address that the service gives out as `url`',
    );
  return address.href;
}

/** The target of `Link: <…>; rel="next"` (https://www.rfc-editor.org/rfc/rfc8288). */
function linkedNext(header: string): string | undefined {
  for (const link of header.split(/,(?=\s*<)/)) {
    const [, target, rest = ''] = /^\s*<([^>]*)>(.*)$/.exec(link) ?? [];
    const [, relation = ''] = /;\s*rel\s*=\s*"?([^";]*)/i.exec(rest) ?? [];
    if (target !== undefined && relation.toLowerCase().split(/\s+/).includes('next')) return target;
  }
  return undefined;
}
