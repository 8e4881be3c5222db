import http from 'node:http';
import type { Duplex } from 'node:stream';
import type { BastionConfig } from '../../core/model/config.ts';
import { ProbeError, probeError, seconds } from '../ssh/failure.ts';
import type { Tunnel } from '../ssh/tunnel.ts';
import { connectTls, type TlsFacts, type TlsOptions } from './tls-connection.ts';

export interface HttpRequest {
  /** Absent: plain HTTP. */
  tls?: TlsOptions;
  /** Default: GET. */
  method?: string;
  /** With its query. */
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** Of the answer's body; more is cut off. */
  maxBytes: number;
  /** From the request to the last byte. Default: the node's `exec` deadline. */
  deadlineMs?: number;
}

export interface HttpAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  /** UTF-8. */
  body: string;
  /** There was more than `maxBytes`. */
  isCut: boolean;
  /** Bytes of the body that arrived. */
  bytes: number;
  /** How long each phase took. A connection that was open already has neither `dialMs` nor `tlsMs`. */
  phases: { dialMs?: number; tlsMs?: number; responseMs: number };
  /** Absent: plain HTTP. */
  tls?: TlsFacts;
}

/** Where requests go, and how to get there. */
export interface HttpPeer {
  /** Requests with the same key and TLS options share a connection. */
  key: string;
  host: string;
  port: number;
  /** @throws ProbeError */
  open(): Promise<Tunnel>;
}

export interface HttpClient {
  /**
   * Sends one request, over a connection that is kept for the next. A redirect is an answer: nobody follows it.
   * @throws ProbeError when there is no answer
   */
  request(peer: HttpPeer, request: HttpRequest, deadlines: BastionConfig['deadlines']): Promise<HttpAnswer>;
  /** Closes connections that no request uses. */
  closeIdle(): void;
}

/** Status line, headers, chunk sizes, TLS records and SSH packets beside the body. */
const PROTOCOL_BYTES = 64 * 1024;
/** While no request is sent: a `close_notify`, new session tickets. */
const IDLE_BYTES = 16 * 1024;
/** Headers; Node answers more with an error (HPE_HEADER_OVERFLOW). */
const MAX_HEADER_BYTES = 16 * 1024;

interface Connected {
  socket: Duplex;
  tunnel: Tunnel;
  dialMs: number;
  tlsMs?: number;
  tls?: TlsFacts;
}

const clients = new WeakMap<object, HttpClient>();

/** The HTTP client of a connection to a bastion, or of a session with a node: its connections end with that. */
export function httpClientOf(connection: object): HttpClient {
  const known = clients.get(connection);
  if (known) return known;
  const client = createHttpClient();
  clients.set(connection, client);
  return client;
}

export function createHttpClient(): HttpClient {
  const connections = new WeakMap<object, Connected>();
  const agent = new http.Agent({ keepAlive: true, maxFreeSockets: 1, maxSockets: 1 });
  // Node names a connection by address; ours differ in who opens them and in TLS.
  agent.getName = (options) => (options as unknown as { name: string }).name;
  agent.createConnection = ((options: { connected: Connected }) => options.connected.socket) as never;

  async function connect(
    peer: HttpPeer,
    tls: TlsOptions | undefined,
    deadlineMs: number,
  ): Promise<Connected> {
    const startMs = performance.now();
    const tunnel = await peer.open();
    const dialMs = performance.now() - startMs;
    tunnel.allow(PROTOCOL_BYTES);
    if (!tls) {
      tunnel.stream.resume();
      return { socket: asSocket(tunnel.stream), tunnel, dialMs };
    }
    const { socket, facts } = await connectTls(tunnel, tls, deadlineMs);
    return { socket, tunnel, dialMs, tlsMs: performance.now() - startMs - dialMs, tls: facts };
  }

  function hasIdle(name: string): boolean {
    return (agent.freeSockets[name] ?? []).some((socket) => !socket.destroyed);
  }

  async function request(
    peer: HttpPeer,
    wanted: HttpRequest,
    deadlines: BastionConfig['deadlines'],
  ): Promise<HttpAnswer> {
    const { tls, deadlineMs = deadlines.execMs } = wanted;
    const name = JSON.stringify([peer.key, tls ?? null]);
    if (hasIdle(name)) {
      try {
        return await send(peer, wanted, { name, deadlineMs });
      } catch (error) {
        // The server may have closed the connection while it was idle. A new one decides.
        if (!(error instanceof LostConnectionError)) throw error;
      }
    }
    const connected = await connect(peer, tls, deadlines.handshakeMs);
    connections.set(connected.socket, connected);
    return send(peer, wanted, { name, deadlineMs, connected });
  }

  function send(
    { host, port }: HttpPeer,
    { method = 'GET', path, headers, body, maxBytes }: HttpRequest,
    options: { name: string; deadlineMs: number; connected?: Connected },
  ): Promise<HttpAnswer> {
    const { deadlineMs } = options;
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    const startMs = performance.now();
    const sent = http.request({
      agent,
      host,
      port,
      method,
      path,
      maxHeaderSize: MAX_HEADER_BYTES,
      // A packed body could be a thousand times its size.
      headers: { 'accept-encoding': 'identity', 'user-agent': 'bartizan', ...headers },
      ...(options as object),
    });
    const end = (settle: () => void) => {
      clearTimeout(timer);
      settle();
    };
    const fail = (error: Error) => {
      end(() => reject(error));
      sent.destroy();
    };
    const timer = setTimeout(
      () => fail(probeError('timeout', 'request', `no answer within ${seconds(deadlineMs)}`)),
      deadlineMs,
    );
    let connected: Connected | undefined;
    let hasAnswered = false;
    sent.on('socket', (socket) => {
      connected = connections.get(socket);
      connected?.tunnel.allow(maxBytes + PROTOCOL_BYTES);
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      if (sent.reusedSocket && !hasAnswered) fail(new LostConnectionError('the idle connection was closed'));
      else fail(explain(error, connected?.tunnel.isCut() ?? false));
    });
    sent.on('response', (response) => {
      hasAnswered = true;
      const chunks: Buffer[] = [];
      let bytes = 0;
      const finish = (isCut: boolean) =>
        end(() => {
          if (!isCut) connected?.tunnel.allow(IDLE_BYTES);
          const { dialMs, tlsMs } = options.connected ?? {};
          const responseMs = performance.now() - startMs;
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString('utf8'),
            isCut,
            bytes,
            phases: {
              ...(dialMs !== undefined && { dialMs }),
              ...(tlsMs !== undefined && { tlsMs }),
              responseMs,
            },
            ...(connected?.tls && { tls: connected.tls }),
          });
        });
      response.on('data', (chunk: Buffer) => {
        const left = maxBytes - bytes;
        bytes += chunk.length;
        if (left > 0) chunks.push(left < chunk.length ? chunk.subarray(0, left) : chunk);
        if (bytes <= maxBytes) return;
        finish(true);
        sent.destroy();
      });
      response.on('end', () => finish(false));
      response.on('error', (error) => fail(explain(error, connected?.tunnel.isCut() ?? false)));
    });
    sent.end(body);
    return promise;
  }

  return {
    request,
    closeIdle() {
      for (const sockets of Object.values(agent.freeSockets))
        for (const socket of sockets ?? []) socket.destroy();
    },
  };
}

/** A kept connection that ended before it answered. */
class LostConnectionError extends Error {}

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
function asSocket(stream: Duplex): Duplex {
  const same = () => stream;
  return Object.assign(stream, {
    setKeepAlive: same,
    setNoDelay: same,
    setTimeout: same,
    ref: same,
    unref: same,
  });
}
