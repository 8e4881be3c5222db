// Requests of HTTP to history: which are let through, with what limits, and how their answers are written.

import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Meter } from '../core/ports.ts';
import { type HistoryInterface, interfaceOf, type Refusal, refusalBody } from '../history/interfaces.ts';
import type { History } from './history-host.ts';
import type { HistoryRequest } from './history-messages.ts';
import { isLoopback, isRemote } from './request-guard.ts';
import { createRequestRate, type RateLimit } from './request-rate.ts';

const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'DELETE'];
const SAFE: readonly string[] = ['GET', 'HEAD'];
const MOST_BODY_BYTES = 1024 ** 2;
/** Queries are shorter; longer bodies share `MOST_HELD_BYTES`. */
const SHORT_BODY_BYTES = 64 * 1024;
/** Bodies that were read for queries that are not answered yet: nobody has asked yet who sent them. */
const MOST_HELD_BYTES = 32 * 1024 ** 2;
/** A large dashboard asks for thirty panels at once. */
const RATE: RateLimit = { perSecond: 100, burst: 300 };
/** What a client that reads slowly may take longer than a query. */
const READING_MS = 60_000;

export interface HistoryGateOptions {
  /** Undefined where this process answers no queries, with the reason. */
  history: () => History | Refusal;
  /** How long a query may take. */
  timeoutMs: () => number;
  /** Names under which pages of ours are served, beside the host of the request. */
  origins: () => readonly string[];
  isSecure: boolean;
  meter: Meter;
}

/** Whether the history service has that path. */
export function isOfHistory({ url = '' }: Pick<IncomingMessage, 'url'>): boolean {
  return interfaceOf(pathOf(url)) !== undefined;
}

/** Whether a request may have a body. */
export function mayHaveBody(request: Pick<IncomingMessage, 'url' | 'method'>): boolean {
  return isOfHistory(request) && !SAFE.includes(request.method ?? '');
}

export function createHistoryGate(options: HistoryGateOptions) {
  const { meter } = options;
  const mayAsk = createRequestRate(RATE);
  const held: Held = { bytes: 0 };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<number> {
    const of = interfaceOf(pathOf(request.url ?? ''));
    const refused = refusalOf(request, options, mayAsk);
    if (refused) {
      meter.count('server_requests_refused_total', { why: refused.why });
      return writeRefusal(response, of, refused);
    }
    const leaving = new AbortController();
    response.once('close', () => leaving.abort());
    const mostMs = options.timeoutMs() + READING_MS;
    // A query is silent for longer than other connections may be.
    request.socket.setTimeout(mostMs);
    const limit = setTimeout(() => response.destroy(), mostMs);
    try {
      if (request.headers.expect !== undefined) response.writeContinue();
      const answer = await withBody(request, held, async (body) => {
        const history = options.history();
        return 'answer' in history
          ? await history.answer(toRequest(request, body, options.isSecure), leaving.signal)
          : history;
      });
      if (!('body' in answer)) return writeRefusal(response, of, answer);
      await writeAnswer(response, answer, leaving.signal);
      return answer.status;
    } finally {
      clearTimeout(limit);
    }
  }

  return (request: IncomingMessage, response: ServerResponse): void => {
    const beganMs = performance.now();
    const labels = { interface: interfaceOf(pathOf(request.url ?? '')) ?? '' };
    const finish = (code: string) => {
      meter.count('history_requests_total', { ...labels, code });
      meter.observe('history_request_seconds', (performance.now() - beganMs) / 1000, labels);
    };
    handle(request, response).then(
      (status) => finish(String(status)),
      () => {
        // The client has left, or the answer broke off: the connection shows it.
        response.destroy();
        finish('broken');
      },
    );
  };
}

const TOO_LARGE: Refusal = {
  status: 413,
  code: 'too-large',
  message: `a request may have ${MOST_BODY_BYTES / 1024 ** 2} MiB at most`,
};

const TOO_MANY: Refusal = {
  status: 503,
  code: 'busy',
  message: 'too many long requests are under way; ask again soon',
  retryAfterS: 5,
};

type GateRefusal = Refusal & { why: 'method' | 'host' | 'origin' | 'encoding' | 'rate' | 'body' };

function refusalOf(
  request: IncomingMessage,
  { origins, isSecure }: HistoryGateOptions,
  mayAsk: (address: string) => boolean,
): GateRefusal | undefined {
  const { method = '', headers, socket } = request;
  const { remoteAddress = '' } = socket;
  if (!isLoopback(remoteAddress) && !mayAsk(remoteAddress))
    return {
      ...{ why: 'rate', status: 429, code: 'too-many-requests', retryAfterS: 1 },
      message: `this address asks more than ${RATE.perSecond} times a second`,
    };
  if (!METHODS.includes(method))
    return {
      ...{ why: 'method', status: 405, code: 'method' },
      message: `the method is one of ${METHODS.join(', ')}`,
    };
  if (!URL.canParse(addressOf(request, isSecure)))
    return { why: 'host', status: 400, code: 'address', message: 'this is no address of this server' };
  if (SAFE.includes(method)) return undefined;
  const own = `${isSecure ? 'https' : 'http'}://${headers.host ?? ''}`;
  if (headers.origin !== undefined && ![own, ...origins()].includes(headers.origin))
    return {
      ...{ why: 'origin', status: 403, code: 'origin' },
      message:
        'a page of another address may not change anything here; set `server.publicUrl` where people reach this server',
    };
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    return {
      ...{ why: 'encoding', status: 415, code: 'encoding' },
      message: 'a request is read uncompressed; send it without `Content-Encoding`',
    };
  if (Number(headers['content-length'] ?? 0) > MOST_BODY_BYTES) return { why: 'body', ...TOO_LARGE };
  return undefined;
}

interface Held {
  bytes: number;
}

/** What is done with the body, or why it is not read. @throws when the client leaves */
async function withBody<T>(
  request: IncomingMessage,
  held: Held,
  use: (body: Uint8Array<ArrayBuffer>) => Promise<T>,
): Promise<T | Refusal> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // The refusal of a longer one must still reach the client.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      const { length } = chunk as Buffer;
      if (bytes + length > MOST_BODY_BYTES) return TOO_LARGE;
      if (bytes + length > SHORT_BODY_BYTES && held.bytes + length > MOST_HELD_BYTES) return TOO_MANY;
      bytes += length;
      held.bytes += length;
      chunks.push(chunk as Buffer);
    }
    return await use(joined(chunks, bytes));
  } finally {
    held.bytes -= bytes;
  }
}

function joined(chunks: readonly Buffer[], bytes: number): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

function toRequest(
  request: IncomingMessage,
  body: Uint8Array<ArrayBuffer>,
  isSecure: boolean,
): HistoryRequest {
  const { method = 'GET', headersDistinct, socket } = request;
  return {
    method,
    url: addressOf(request, isSecure),
    headers: Object.entries(headersDistinct).flatMap(([name, values = []]) =>
      values.map((value): [string, string] => [name, value]),
    ),
    ...(body.length > 0 && { body }),
    caller: { address: socket.remoteAddress ?? '', isLocal: !isRemote(request) },
  };
}

function addressOf({ url = '/', headers }: IncomingMessage, isSecure: boolean): string {
  return `${isSecure ? 'https' : 'http'}://${headers.host || 'localhost'}${url}`;
}

async function writeAnswer(
  response: ServerResponse,
  { status, headers, body }: { status: number; headers: [string, string][]; body: AsyncIterable<Uint8Array> },
  signal: AbortSignal,
): Promise<void> {
  const pieces = body[Symbol.asyncIterator]();
  const first = await pieces.next();
  let next = first.done ? first : await pieces.next();
  const isShort = next.done === true && !first.done && !headers.some(([name]) => name === 'content-length');
  const length = isShort ? [['content-length', String(first.value.length)]] : [];
  response.writeHead(status, [...headers, ...length].flat());
  if (!first.done) await write(response, first.value, signal);
  for (; !next.done; next = await pieces.next()) await write(response, next.value, signal);
  response.end();
}

async function write(response: ServerResponse, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  if (!response.write(bytes)) await once(response, 'drain', { signal });
}

/** The connection ends with it, since a body may not have been read. */
function writeRefusal(response: ServerResponse, of: HistoryInterface | undefined, refusal: Refusal): number {
  const { type, text } = refusalBody(of, refusal);
  if (refusal.retryAfterS !== undefined) response.setHeader('retry-after', refusal.retryAfterS);
  if (refusal.status === 405) response.setHeader('allow', METHODS.join(', '));
  response.writeHead(refusal.status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'x-content-type-options': 'nosniff',
    connection: 'close',
  });
  response.end(text);
  return refusal.status;
}

/** Without the query, which may hold anything. */
function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '';
}
