// One request and its answer, over a connection in a tunnel.
import http from 'node:http';
import type { Duplex } from 'node:stream';
import { ProbeError, probeError, seconds } from '../ssh/failure.ts';
import type { Tunnel } from '../ssh/tunnel.ts';
import { createPieces } from './pieces.ts';
import type { TlsFacts, TlsOptions } from './tls-connection.ts';

export interface HttpRequest {
  /** Absent: plain HTTP. */
  tls?: TlsOptions;
  /** Default: GET. */
  method?: string;
  /** With its query. */
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** Most bytes of the answer's body, packed and unpacked; more is cut off. */
  maxBytes: number;
  /** Lets the server pack its answer: for long texts. Default: no. */
  gzip?: boolean;
  /** From the request to the last byte; asked when the request is sent. Default: the node's `exec` deadline. */
  deadlineMs?: () => number;
}

export interface HttpAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  /** The body, unpacked. */
  content: Buffer;
  /** The body as text, decoded from UTF-8 each time. */
  readonly body: string;
  /** There was more than `maxBytes`. */
  isCut: boolean;
  /** Bytes of the body that arrived, packed where it was. */
  bytes: number;
  /** How long each phase took. A connection that was open already has neither `dialMs` nor `tlsMs`. */
  phases: { dialMs?: number; tlsMs?: number; responseMs: number };
  /** Absent: plain HTTP. */
  tls?: TlsFacts;
}

/** An answer whose content is as it arrived. */
export type PackedAnswer = Omit<HttpAnswer, 'body'>;

/** Status line, headers, chunk sizes, TLS records and SSH packets beside the body. */
export const PROTOCOL_BYTES = 64 * 1024;
/** While no request is sent: a `close_notify`, new session tickets. */
const IDLE_BYTES = 16 * 1024;
/** Headers; Node answers more with an error (HPE_HEADER_OVERFLOW). */
const MAX_HEADER_BYTES = 16 * 1024;

export interface HttpConnection {
  socket: Duplex;
  tunnel: Tunnel;
  agent: http.Agent;
  dialMs: number;
  tlsMs?: number;
  tls?: TlsFacts;
}

/** A kept connection that ended before it answered. */
export class LostConnectionError extends Error {}

/**
 * An agent that has this socket and no other. With one agent for many connections Node would answer a lost socket by a new
 * one for the options of the lost one, and two requests would share a socket: an assertion inside Node fails then.
 */
export function agentOf(socket: Duplex): http.Agent {
  const agent = new http.Agent({ keepAlive: true, maxFreeSockets: 1, maxSockets: 1 });
  let isTaken = false;
  agent.createConnection = () => {
    if (isTaken) throw new LostConnectionError('the connection was used and is lost');
    isTaken = true;
    return socket;
  };
  return agent;
}

/** Whether the connection waits for a request. */
export function isIdle({ agent }: HttpConnection): boolean {
  return Object.values(agent.freeSockets).some((sockets) => sockets?.some((socket) => !socket.destroyed));
}

/**
 * Sends a request over a connection that no other request uses meanwhile.
 * @throws ProbeError; LostConnectionError where a connection that was idle ends before it answers
 */
export function exchange(
  connection: HttpConnection,
  to: { host: string; port: number },
  { method = 'GET', path, headers, body, maxBytes, gzip = false }: HttpRequest,
  { deadlineMs, isNew }: { deadlineMs: number; isNew: boolean },
): Promise<PackedAnswer> {
  const { agent, tunnel, dialMs, tlsMs, tls } = connection;
  const { promise, resolve, reject } = Promise.withResolvers<PackedAnswer>();
  const startMs = performance.now();
  const sent = startRequest({
    agent,
    ...to,
    method,
    path,
    maxHeaderSize: MAX_HEADER_BYTES,
    headers: { 'accept-encoding': gzip ? 'gzip' : 'identity', 'user-agent': 'bartizan', ...headers },
  });
  tunnel.allow(maxBytes + PROTOCOL_BYTES);
  // A stream of ours closes at once. Inside a handler of Node's HTTP that frees the parser of the request twice, so that
  // two connections, which may be anybody's in this process, share one from then on.
  const drop = () => process.nextTick(() => sent.destroy());
  const fail = (error: Error) => {
    clearTimeout(timer);
    reject(error);
    drop();
  };
  const timer = setTimeout(
    () => fail(probeError('timeout', 'request', `no answer within ${seconds(deadlineMs)}`)),
    deadlineMs,
  );
  let hasAnswered = false;
  sent.on('error', (error: NodeJS.ErrnoException) => {
    if (!isNew && !hasAnswered) fail(new LostConnectionError('the idle connection was closed'));
    else fail(explain(error, tunnel.isCut()));
  });
  // Without a listener Node drops the connection, and no other event follows.
  sent.on('upgrade', (_response, socket) => {
    socket.destroy();
    fail(probeError('protocol', 'request', 'switched to another protocol, which nobody asked for'));
  });
  sent.on('response', (response) => {
    hasAnswered = true;
    const pieces = createPieces();
    let bytes = 0;
    const finish = (isCut: boolean) => {
      clearTimeout(timer);
      const responseMs = performance.now() - startMs;
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        content: pieces.join(),
        isCut,
        bytes,
        phases: { ...(isNew && { dialMs, ...(tlsMs !== undefined && { tlsMs }) }), responseMs },
        ...(tls && { tls }),
      });
    };
    response.on('data', (chunk: Buffer) => {
      const left = maxBytes - bytes;
      bytes += chunk.length;
      if (left > 0) pieces.add(left < chunk.length ? chunk.subarray(0, left) : chunk);
      // More may arrive before the connection is dropped.
      if (left < 0 || bytes <= maxBytes) return;
      finish(true);
      drop();
    });
    response.on('end', () => {
      if (bytes > maxBytes) return;
      tunnel.allow(IDLE_BYTES);
      finish(false);
    });
    response.on('error', (error) => fail(explain(error, tunnel.isCut())));
  });
  sent.end(body);
  return promise;
}

/** @throws ProbeError for what HTTP cannot send, such as a secret with line breaks in a header */
function startRequest(options: http.RequestOptions): http.ClientRequest {
  try {
    return http.request(options);
  } catch (error) {
    if (error instanceof LostConnectionError) throw error;
    // The message of Node names the header, and not its value.
    const { message } = error as Error;
    throw probeError('config', 'request', `it cannot be sent: ${message}`, { cause: error });
  }
}

function explain(error: NodeJS.ErrnoException, isCut: boolean): Error {
  if (error instanceof ProbeError) return error;
  if (isCut) return probeError('output', 'request', 'cut off: it sends without end', { cause: error });
  const { code = '', message } = error;
  if (code.startsWith('HPE_'))
    return probeError('protocol', 'request', `does not speak HTTP: ${message}`, { cause: error });
  // With TLS 1.3 a server asks for a certificate in the handshake and complains of a missing one after it.
  if (/certificate required|bad certificate|ALERT_CERTIFICATE/i.test(`${message} ${code}`)) {
    return probeError('auth', 'tls', 'it requires a client certificate', { cause: error });
  }
  return probeError('protocol', 'request', 'closed the connection without a whole answer', { cause: error });
}

/** Node's HTTP calls these on a socket; a channel has none of them. */
export function asSocket(stream: Duplex): Duplex {
  const same = () => stream;
  return Object.assign(stream, {
    setKeepAlive: same,
    setNoDelay: same,
    setTimeout: same,
    ref: same,
    unref: same,
  });
}
