import { z } from 'zod';
import { ConfigError, PermanentError, RetryableError } from '../../core/errors.ts';
import { visibleLine } from '../../core/text/visible-line.ts';
import { parseJson } from '../http/json-body.ts';
import type { Network } from '../http/network.ts';
import { type HttpResponse, sendRequest } from '../http/request.ts';
import { retryAfterOf } from '../http/retry-after.ts';

/** A query of the server may take half a minute. */
const TIMEOUT_MS = 60_000;
const MOST_BYTES = 64 * 1024 ** 2;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

export interface HistoryClientOptions {
  /** Where `/v1` is. */
  url: string;
  /** Absent: none is sent, as to a server on this machine. */
  token?: string | undefined;
  network?: Network;
}

/** What a parameter may be; a list is repeated. */
export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** A client of the history service's own API. @throws ConfigError | PermanentError | RetryableError that say what to do */
export interface HistoryClient {
  get<T>(path: string, query: Query, shape: z.ZodType<T>): Promise<T>;
  post<T>(path: string, body: unknown, shape: z.ZodType<T>): Promise<T>;
  delete<T>(path: string, shape: z.ZodType<T>): Promise<T>;
}

/** @throws ConfigError for an address that cannot be one, or that would show the token to a network */
export function createHistoryClient({ url, token, network }: HistoryClientOptions): HistoryClient {
  const base = baseOf(url, token);

  async function send<T>(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body: unknown,
    shape: z.ZodType<T>,
  ): Promise<T> {
    const answer = await sendRequest(
      {
        method,
        url: `${base}${path}`,
        headers: {
          accept: 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        timeoutMs: TIMEOUT_MS,
        signal: new AbortController().signal,
        ...(network && { network }),
        explain: (refusal) => explain(refusal, { base, hasToken: token !== undefined }),
        responseLimitBytes: MOST_BYTES,
      },
      {
        nowMs: Date.now,
        redact: (text) => (token === undefined ? text : text.replaceAll(token, '<secret>')),
      },
    ).catch((error: unknown) => {
      throw withCaOption(error);
    });
    return readAnswer(answer, base, shape);
  }

  return {
    get: (path, query, shape) => send('GET', `${path}${queryText(query)}`, undefined, shape),
    post: (path, body, shape) => send('POST', path, body, shape),
    delete: (path, shape) => send('DELETE', path, undefined, shape),
  };
}

function baseOf(url: string, token: string | undefined): string {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new ConfigError('the address of the API is not one: write `--url https://HOST:PORT`');
  const { protocol, hostname, origin, pathname, username, password } = new URL(url);
  if (username !== '' || password !== '')
    throw new ConfigError('the address of the API holds a login: give the token in BARTIZAN_TOKEN instead');
  if (token !== undefined && protocol === 'http:' && !LOOPBACK.test(hostname))
    throw new ConfigError(
      `${hostname}: without TLS everybody on the way could read the token; write https://`,
    );
  return `${origin}${pathname.replace(/\/+$/, '')}`;
}

function queryText(query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => {
    const values = value === undefined ? [] : Array.isArray(value) ? value : [value];
    return values.map((one): [string, string] => [name, String(one)]);
  });
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
}

const refusalShape = z.object({
  error: z.object({ message: z.string(), hint: z.string().optional() }),
});

/** The server's own sentence, and what the caller can do about it. */
function explain(
  { status, headers, body }: HttpResponse,
  { base, hasToken }: { base: string; hasToken: boolean },
): Error | undefined {
  const parsed = refusalShape.safeParse(parseJson(body));
  const { message, hint } = parsed.success ? parsed.data.error : { message: undefined, hint: undefined };
  const sentence =
    message === undefined ? '' : `: ${visibleLine([message, hint].filter(Boolean).join('; ')).slice(0, 500)}`;
  switch (status) {
    case 401:
      return new ConfigError(
        hasToken
          ? `${base} does not know this token; it may be revoked or expired: \`bartizan token list\` there shows it${sentence}`
          : `${base} needs a token: set BARTIZAN_TOKEN to one of \`bartizan token add\``,
      );
    case 403:
      return new ConfigError(`${base} refuses this to your token${sentence}`);
    case 404:
      return message === undefined
        ? new ConfigError(`${base} is not the address of a Bartizan: it has no API there`)
        : new PermanentError(`${base}${sentence}`);
    case 400:
    case 413:
      return new PermanentError(`${base} refuses the request${sentence}`);
    case 429:
    case 503: {
      if (message === undefined) return undefined;
      const retryAfterMs = retryAfterOf(headers['retry-after'], Date.now());
      const when = retryAfterMs === undefined ? '' : `; again in ${Math.ceil(retryAfterMs / 1000)} s`;
      return new RetryableError(`${base} does not answer this now${sentence}${when}`, { retryAfterMs });
    }
    default:
      return undefined;
  }
}

/** Other commands take the authority from the configuration. */
function withCaOption(error: unknown): unknown {
  if (!(error instanceof ConfigError) || !error.message.includes('unknown authority')) return error;
  const [what = ''] = error.message.split('; write the certificate');
  return new ConfigError(`${what}; name a file with the certificate of that authority by \`--ca\``);
}

function readAnswer<T>({ body, whole }: HttpResponse, base: string, shape: z.ZodType<T>): T {
  if (!whole)
    throw new PermanentError(
      `the answer of ${base} broke off, took longer than ${TIMEOUT_MS / 1000} s, or is larger than ${MOST_BYTES / 1024 ** 2} MiB; ask for less`,
    );
  const { success, data } = shape.safeParse(parseJson(body));
  if (success) return data;
  throw new PermanentError(`the answer of ${base} is not that of a Bartizan API, or of another version`);
}
