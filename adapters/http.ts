import type { Readable } from 'node:stream';
import axios, { type AxiosResponse } from 'axios';
import { ConfigError, PermanentError, RetryableError } from '../core/errors.ts';
import { visibleText } from '../core/visible-text.ts';
import { connectionError } from './connection-words.ts';
import type { Network } from './network.ts';
import { retryAfterOf } from './retry-after.ts';
import type { HttpProxy } from './tunnel.ts';

export interface HttpRequest {
  method: 'POST' | 'PUT' | 'GET';
  url: string;
  headers: Readonly<Record<string, string>>;
  body?: string | Uint8Array | FormData;
  timeoutMs: number;
  signal: AbortSignal;
  /** How the service is reached; by default straight. */
  network?: Network;
  /** What a refusal means in the service's own words; undefined: what its status says. It may throw, too. */
  explain?: (refusal: HttpAnswer) => Error | undefined;
  /** Milliseconds that a refusal's body asks us to wait, for services that say so there. */
  retryAfterInBody?: (body: string) => number | undefined;
  /** Of the answer's body that much is kept. Default: 64 KiB. */
  answerLimitBytes?: number;
}

export interface HttpAnswer {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** Its first bytes, as many as were asked for. */
  body: string;
  /** Nothing of the body is missing. */
  whole: boolean;
}

export interface HttpDeps {
  nowMs: () => number;
  redact: (text: string) => string;
}

const BODY_LIMIT = 65_536;
const DETAIL_LIMIT = 200;
/** Of a body that broke off, half a secret may be the end: so much of the last word is not shown. */
const BROKEN_END = 1_024;

/**
 * One request, one answer of 2xx; every other end is a typed error that names the host, the status and the start of
 * the answer, never address, headers or body of the request. Redirects are not followed: what is sent was meant for
 * the address in the configuration. Neither the error nor its cause holds the request.
 * @throws ConfigError 401, 403, 407, an address that is none, a certificate; RetryableError 408, 425, 429, 5xx, no
 * connection, no answer in time; PermanentError all else
 */
export async function sendRequest(request: HttpRequest, deps: HttpDeps): Promise<HttpAnswer> {
  const { port, secure, ...address } = addressOf(request.url);
  // A token may be the name of a host, in small letters.
  const host = deps.redact(address.host);
  const timed = AbortSignal.any([request.signal, AbortSignal.timeout(request.timeoutMs)]);
  const { network = {} } = request;
  let response: AxiosResponse<Readable>;
  try {
    response = await axios.request<Readable>({
      method: request.method,
      url: request.url,
      headers: { ...request.headers },
      data: request.body,
      responseType: 'stream',
      maxRedirects: 0,
      maxBodyLength: Infinity,
      signal: timed,
      validateStatus: () => true,
      ...(network.agent && { httpsAgent: network.agent }),
      // Through a tunnel of ours, or as axios asks a proxy for plain addresses; else the environment's, if it has one.
      ...(network.proxy && { proxy: secure ? false : plainProxy(network.proxy) }),
    });
  } catch (error) {
    const reached = secure ? undefined : network.proxy;
    throw connectionFailure({ host, port: reached?.port ?? port }, request.timeoutMs, error, timed, reached);
  }
  const { status } = response;
  const headers = Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
  const { body, whole } = await firstBytes(response.data, timed, request.answerLimitBytes ?? BODY_LIMIT);
  const answer = { status, headers, body, whole };
  if (status >= 200 && status < 300) return answer;
  const own = request.explain?.(answer);
  if (own) throw own;
  const shown = { ...headers, location: deps.redact(headers.location ?? '') };
  const error = errorOf(host, status, shown, shownText(answer, deps.redact), deps.nowMs());
  const retryAfterMs = error instanceof RetryableError ? request.retryAfterInBody?.(body) : undefined;
  throw retryAfterMs === undefined
    ? error
    : new RetryableError(error.message, { retryAfterMs, rateLimited: status === 429 });
}

/** A text from outside on one line, without secrets and what is unseen. */
export function cleanLine(text: unknown, redact: (text: string) => string): string {
  return redact(visibleText(String(text)))
    .replace(/\s+/g, ' ')
    .trim();
}

/** The start of an answer on one line, without secrets and what is unseen. */
export function shownText({ body, whole }: HttpAnswer, redact: (text: string) => string): string {
  const text = cleanLine(body, redact);
  const ending = /\S*$/.exec(text)?.[0].slice(-BROKEN_END).length ?? 0;
  const safe = whole ? text : text.slice(0, text.length - ending).trim();
  return safe.slice(0, DETAIL_LIMIT);
}

/** Which error an HTTP status other than 2xx is. */
export function errorOf(
  host: string,
  status: number,
  headers: Readonly<Record<string, string>>,
  detail: string,
  nowMs: number,
): ConfigError | PermanentError | RetryableError {
  const said = `${host} answered ${status}${detail ? `: ${detail}` : ''}`;
  if (status === 407) return new ConfigError(`${said} (the proxy wants a login: write it into \`proxy\`)`);
  if (status === 401 || status === 403) return new ConfigError(`${said} (check the credentials)`);
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const retryAfterMs = retryAfterOf(headers['retry-after'], nowMs);
    return new RetryableError(said, { retryAfterMs, rateLimited: status === 429 });
  }
  if (status >= 300 && status < 400) {
    const to = targetHost(headers.location, host);
    return new PermanentError(
      `${host} redirects (${status}) to ${to}; write the final address into the configuration`,
    );
  }
  return new PermanentError(said);
}

/** @throws ConfigError without the address: it may hold a token */
function addressOf(url: string): { host: string; port: number; secure: boolean } {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new ConfigError('url is not an http or https address');
  }
  const { host, port, protocol } = new URL(url);
  const secure = protocol === 'https:';
  return { host, port: Number(port || (secure ? 443 : 80)), secure };
}

function targetHost(location: string | undefined, host: string): string {
  if (location === undefined || location === '') return 'nowhere';
  return URL.canParse(location, `http://${host}`)
    ? new URL(location, `http://${host}`).host
    : 'an address that is none';
}

/** What Node refuses to write into a request. */
const UNSENDABLE = new Set(['ERR_INVALID_CHAR', 'ERR_INVALID_HTTP_TOKEN', 'ERR_UNESCAPED_CHARACTERS']);

function connectionFailure(
  { host, port }: { host: string; port: number },
  timeoutMs: number,
  error: unknown,
  signal: AbortSignal,
  proxy: HttpProxy | undefined,
): ConfigError | RetryableError {
  if (signal.aborted) {
    const reason = signal.reason instanceof Error ? signal.reason.name : '';
    return new RetryableError(
      reason === 'TimeoutError'
        ? `${host} did not answer within ${timeoutMs / 1000} s`
        : `sending to ${host} was cut off`,
    );
  }
  const { code, cause } = axios.isAxiosError(error) ? error : (error as { code?: string; cause?: unknown });
  if (cause instanceof ConfigError) return new ConfigError(`cannot reach ${host}: ${cause.message}`);
  if (cause instanceof RetryableError) return new RetryableError(`cannot reach ${host}: ${cause.message}`);
  if (UNSENDABLE.has(code ?? ''))
    return new ConfigError(
      `${host}: the name of a header, or the address, holds what HTTP cannot carry, such as a blank`,
    );
  const through = proxy ? ` through the proxy ${proxy.host}` : '';
  return connectionError(`cannot reach ${host}${through}`, code, port);
}

function plainProxy({ host, port, login }: HttpProxy) {
  const [username = '', ...password] = login?.split(':') ?? [];
  const auth = login === undefined ? {} : { auth: { username, password: password.join(':') } };
  return { protocol: 'http', host, port, ...auth };
}

/** The answer's start. A body that breaks off, or never ends, does not change what the status said. */
async function firstBytes(
  stream: Readable,
  signal: AbortSignal,
  limit: number,
): Promise<{ body: string; whole: boolean }> {
  const parts: Buffer[] = [];
  let size = 0;
  let whole = true;
  const abort = () => stream.destroy();
  signal.addEventListener('abort', abort);
  try {
    for await (const part of stream) {
      parts.push(part as Buffer);
      size += (part as Buffer).length;
      if (size > limit) {
        whole = false;
        break;
      }
    }
  } catch {
    whole = false; // Kept: what came before it broke off.
  } finally {
    signal.removeEventListener('abort', abort);
    stream.destroy();
  }
  return { body: Buffer.concat(parts).subarray(0, limit).toString('utf8'), whole };
}
