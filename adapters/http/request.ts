import type { Readable } from 'node:stream';
import axios, { type AxiosResponse } from 'axios';
import { ConfigError, PermanentError, RetryableError } from '../../core/errors.ts';
import { visibleText } from '../../core/text/visible-text.ts';
import { connectionError } from './connection-errors.ts';
import type { Network } from './network.ts';
import type { HttpProxy } from './proxy-tunnel.ts';
import { retryAfterOf } from './retry-after.ts';
import { guardedTransport } from './send-guard.ts';

export interface HttpRequest {
  method: 'POST' | 'PUT' | 'GET' | 'DELETE';
  url: string;
  headers: Readonly<Record<string, string>>;
  body?: string | Uint8Array | FormData;
  timeoutMs: number;
  signal: AbortSignal;
  /** Proxy and certificate authorities; by default none of our own. */
  network?: Network;
  /** Maps a response other than 2xx to an error; undefined: the status decides. It may throw, too. */
  explain?: (refusal: HttpResponse) => Error | undefined;
  /** The wait in ms that the body of a refusal asks for, where a service puts it there. */
  retryAfterInBody?: (body: string) => number | undefined;
  /** How much of the response body to keep. Default: 64 KiB. */
  responseLimitBytes?: number;
}

export interface HttpResponse {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** The first bytes, up to the limit. */
  body: string;
  /** Whether the body is complete. */
  whole: boolean;
}

export interface HttpDeps {
  nowMs: () => number;
  redact: (text: string) => string;
}

const BODY_LIMIT = 65_536;
const DETAIL_LIMIT = 200;
/** A body that broke off may end with half a secret: up to this much of its last word is cut. */
const BROKEN_END = 1_024;

/**
 * Sends one request and returns a 2xx response. Anything else is a typed error that names the host, the status and the
 * start of the response, but never address, headers or body of the request, which its cause does not hold either. It does
 * not follow redirects: the content is meant for the address in the configuration.
 * @throws ConfigError for 401, 403, 407, a malformed address, a bad certificate; RetryableError for 408, 425, 429, 5xx,
 * no connection, no response in time; PermanentError for any other status
 */
export async function sendRequest(request: HttpRequest, deps: HttpDeps): Promise<HttpResponse> {
  const { port, secure, ...address } = addressOf(request.url);
  // A host name may be a token, in lower case.
  const host = deps.redact(address.host);
  const timed = AbortSignal.any([request.signal, AbortSignal.timeout(request.timeoutMs)]);
  const { network = {} } = request;
  const transport = guardedTransport();
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
      ...(transport && { transport }),
      ...(network.agent && { httpsAgent: network.agent }),
      // For https the agent opens our own tunnel; for http axios uses the proxy. Without a proxy axios reads the environment.
      ...(network.proxy && { proxy: secure ? false : plainProxy(network.proxy) }),
    });
  } catch (error) {
    const plainHttpProxy = secure ? undefined : network.proxy;
    throw connectionFailure(
      { host, port: plainHttpProxy?.port ?? port },
      request.timeoutMs,
      error,
      timed,
      plainHttpProxy,
    );
  }
  const { status } = response;
  const headers = Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
  const { body, whole } = await firstBytes(response.data, timed, request.responseLimitBytes ?? BODY_LIMIT);
  const answer = { status, headers, body, whole };
  if (status >= 200 && status < 300) return answer;
  const own = request.explain?.(answer);
  if (own) throw own;
  const safeHeaders = { ...headers, location: deps.redact(headers.location ?? '') };
  const error = statusError(host, status, safeHeaders, responseExcerpt(answer, deps.redact), deps.nowMs());
  const retryAfterMs = error instanceof RetryableError ? request.retryAfterInBody?.(body) : undefined;
  throw retryAfterMs === undefined
    ? error
    : new RetryableError(error.message, { retryAfterMs, rateLimited: status === 429 });
}

/** Text from outside as one line, without secrets and invisible characters. */
export function cleanLine(text: unknown, redact: (text: string) => string): string {
  return redact(visibleText(String(text)))
    .replace(/\s+/g, ' ')
    .trim();
}

/** The start of a response as one line, without secrets and invisible characters. */
export function responseExcerpt({ body, whole }: HttpResponse, redact: (text: string) => string): string {
  const text = cleanLine(body, redact);
  const ending = Math.min(BROKEN_END, text.length - 1 - text.lastIndexOf(' '));
  const safe = whole ? text : text.slice(0, text.length - ending).trim();
  return safe.slice(0, DETAIL_LIMIT);
}

/** The error for an HTTP status other than 2xx. */
export function statusError(
  host: string,
  status: number,
  headers: Readonly<Record<string, string>>,
  detail: string,
  nowMs: number,
): ConfigError | PermanentError | RetryableError {
  const message = `${host} answered ${status}${detail ? `: ${detail}` : ''}`;
  if (status === 407)
    return new ConfigError(`${message} (the proxy requires a login: write it into \`proxy\`)`);
  if (status === 401 || status === 403) return new ConfigError(`${message} (check the credentials)`);
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const retryAfterMs = retryAfterOf(headers['retry-after'], nowMs);
    return new RetryableError(message, { retryAfterMs, rateLimited: status === 429 });
  }
  if (status >= 300 && status < 400) {
    const to = targetHost(headers.location, host);
    return new PermanentError(
      `${host} redirects (${status}) to ${to}; write the final address into the configuration`,
    );
  }
  return new PermanentError(message);
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
    : 'a malformed address';
}

/** Codes with which Node refuses to send a header or path. */
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
      `${host}: a header name or the address contains a character that HTTP cannot carry, such as a blank`,
    );
  const through = proxy ? ` through the proxy ${proxy.host}` : '';
  return connectionError(`cannot reach ${host}${through}`, code, port);
}

function plainProxy({ host, port, login }: HttpProxy) {
  const [username = '', ...password] = login?.split(':') ?? [];
  const auth = login === undefined ? {} : { auth: { username, password: password.join(':') } };
  return { protocol: 'http', host, port, ...auth };
}

/** Reads the start of the body. A body that breaks off, or never ends, does not change the meaning of the status. */
async function firstBytes(
  stream: Readable,
  signal: AbortSignal,
  limit: number,
): Promise<{ body: string; whole: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  let whole = true;
  const abort = () => stream.destroy();
  signal.addEventListener('abort', abort);
  try {
    for await (const chunk of stream) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size > limit) {
        whole = false;
        break;
      }
    }
  } catch {
    whole = false; // Keep what arrived before the body broke off.
  } finally {
    signal.removeEventListener('abort', abort);
    stream.destroy();
  }
  return { body: Buffer.concat(chunks).subarray(0, limit).toString('utf8'), whole };
}
