import type { Readable } from 'node:stream';
import axios, { type AxiosResponse } from 'axios';
import { ConfigError, PermanentError, RetryableError } from '../core/errors.ts';
import { connectionWords } from './connection-words.ts';

export interface HttpRequest {
  method: 'POST' | 'PUT' | 'GET';
  url: string;
  headers: Readonly<Record<string, string>>;
  body?: string | Uint8Array | FormData;
  timeoutMs: number;
  signal: AbortSignal;
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

const BODY_LIMIT = 65_536;
const DETAIL_LIMIT = 200;
/** Longer than that a service is not waited for at its word; the next try asks again. */
const LONGEST_RETRY_AFTER_MS = 24 * 3_600_000;

/**
 * One request, one answer of 2xx; every other end is a typed error that names the host, the status and the start of
 * the answer, never address, headers or body of the request. Redirects are not followed: what is sent was meant for
 * the address in the configuration. Neither the error nor its cause holds the request.
 * @throws ConfigError 401, 403, 407, an address that is none; RetryableError 408, 425, 429, 5xx, no connection, no
 * answer in time; PermanentError all else
 */
export async function sendRequest(
  request: HttpRequest,
  deps: { nowMs: () => number; redact: (text: string) => string },
): Promise<HttpAnswer> {
  const { host, port } = placeOf(request.url);
  const timed = AbortSignal.any([request.signal, AbortSignal.timeout(request.timeoutMs)]);
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
    });
  } catch (error) {
    throw new RetryableError(connectionFailure({ host, port }, request.timeoutMs, error, timed));
  }
  const { status } = response;
  const headers = Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
  const { body, whole } = await firstBytes(response.data, timed, request.answerLimitBytes ?? BODY_LIMIT);
  if (status >= 200 && status < 300) return { status, headers, body, whole };
  const detail = deps.redact(body).replace(/\s+/g, ' ').trim().slice(0, DETAIL_LIMIT);
  const error = errorOf(host, status, headers, detail, deps.nowMs());
  const retryAfterMs = error instanceof RetryableError ? request.retryAfterInBody?.(body) : undefined;
  throw retryAfterMs === undefined ? error : new RetryableError(error.message, { retryAfterMs });
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
  if (status === 401 || status === 403 || status === 407)
    return new ConfigError(`${said} (check the credentials)`);
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    return new RetryableError(said, { retryAfterMs: retryAfterOf(headers['retry-after'], nowMs) });
  }
  if (status >= 300 && status < 400) {
    const to = targetHost(headers.location, host);
    return new PermanentError(
      `${host} redirects (${status}) to ${to}; write the final address into the configuration`,
    );
  }
  return new PermanentError(said);
}

/** `Retry-After`, seconds or an HTTP date (RFC 9110, 10.2.3), in ms from now; undefined where it says neither. */
export function retryAfterOf(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  if (!Number.isFinite(ms)) return undefined;
  return Math.min(LONGEST_RETRY_AFTER_MS, Math.max(0, ms));
}

/** @throws ConfigError without the address: it may hold a token */
function placeOf(url: string): { host: string; port: number } {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new ConfigError('url is not an http or https address');
  }
  const { host, port, protocol } = new URL(url);
  return { host, port: Number(port || (protocol === 'https:' ? 443 : 80)) };
}

function targetHost(location: string | undefined, host: string): string {
  if (location === undefined) return 'nowhere';
  return URL.canParse(location, `http://${host}`)
    ? new URL(location, `http://${host}`).host
    : 'an address that is none';
}

function connectionFailure(
  { host, port }: { host: string; port: number },
  timeoutMs: number,
  error: unknown,
  signal: AbortSignal,
): string {
  if (signal.aborted) {
    const reason = signal.reason instanceof Error ? signal.reason.name : '';
    return reason === 'TimeoutError'
      ? `${host} did not answer within ${timeoutMs / 1000} s`
      : `sending to ${host} was cut off`;
  }
  const code = axios.isAxiosError(error) ? error.code : undefined;
  return `cannot reach ${host}: ${connectionWords(code, port)}`;
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
