import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { isIP, type Socket } from 'node:net';
import type { Meter } from '../core/ports.ts';

/** The most concurrent connections, in all and from one remote address. */
const CONNECTIONS = 256;
const CONNECTIONS_OF_ONE = 64;
/** Connections that only this machine may use, so that its monitoring gets through however many others there are. */
const RESERVED = 32;
/** The most answers that a connection has not read yet; a client with more does not read. */
const UNANSWERED = 4;
const HEADER_MS = 10_000;
const REQUEST_MS = 15_000;
/** A connection without any data for this long is closed. */
const IDLE_MS = 30_000;
const KEEP_ALIVE_MS = 5_000;

/** Limits for `createServer`: the size of headers, and the time that they may take. */
export const SERVER_LIMITS = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: HEADER_MS,
  requestTimeout: REQUEST_MS,
  keepAliveTimeout: KEEP_ALIVE_MS,
  connectionsCheckingInterval: 1_000,
} as const;

/** Limits the memory that remote clients can use by opening connections: further ones are closed. */
export function boundConnections(server: Server, meter: Meter): void {
  const byAddress = new Map<string, number>();
  let all = 0;
  server.setTimeout(IDLE_MS, (socket) => socket.destroy());
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const mine = (byAddress.get(address) ?? 0) + 1;
    const room = isLoopback(address)
      ? all < CONNECTIONS
      : all < CONNECTIONS - RESERVED && mine <= CONNECTIONS_OF_ONE;
    if (!room) {
      refuse(meter, 'connections');
      socket.destroy();
      return;
    }
    all++;
    byAddress.set(address, mine);
    socket.once('close', () => {
      all--;
      const left = (byAddress.get(address) ?? 1) - 1;
      if (left > 0) byAddress.set(address, left);
      else byAddress.delete(address);
    });
  });
}

interface GuardOptions {
  hosts: readonly string[];
  /** Whose body is read. Default: none. */
  mayHaveBody?: (request: IncomingMessage) => boolean;
  meter: Meter;
}

/** Answers every request through the guard, also those that Node would answer by itself, uncounted. */
export function answerGuarded(server: Server, listener: RequestListener, options: GuardOptions): void {
  const guarded = guardRequests(listener, options);
  for (const event of ['request', 'checkContinue', 'checkExpectation'] as const) server.on(event, guarded);
}

/**
 * Accepts requests for one of our hosts, most without a body, on connections that read their answers. Otherwise a page in a
 * browser could ask under its own name that resolves to here; it cannot use the address, which health checks use.
 */
function guardRequests(listener: RequestListener, options: GuardOptions): RequestListener {
  const { meter } = options;
  const unanswered = new WeakMap<Socket, number>();
  return (request, response) => {
    const { socket } = request;
    if (socket.destroyed) return;
    const waiting = (unanswered.get(socket) ?? 0) + 1;
    if (waiting > UNANSWERED) {
      refuse(meter, 'unread');
      socket.destroy();
      return;
    }
    unanswered.set(socket, waiting);
    response.once('finish', () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
    if (hasBody(request) && !options.mayHaveBody?.(request)) {
      refuse(meter, 'body');
      return answer(response, 413, 'requests have no body here\n');
    }
    if (expectsMore(request)) {
      refuse(meter, 'expectation');
      return answer(response, 417, 'requests expect nothing here\n');
    }
    const { host } = request.headers;
    const allowed = new Set(['localhost', ...options.hosts].map(plainHost));
    if (host !== undefined && !isAllowed(host, allowed)) {
      refuse(meter, 'host');
      return answer(response, 421, 'this name does not belong to this server; list it in server.hosts\n');
    }
    return listener(request, response);
  };
}

function refuse(meter: Meter, why: 'connections' | 'unread' | 'body' | 'expectation' | 'host'): void {
  meter.count('server_requests_refused_total', { why });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}

/** Whoever reads a body answers `100 Continue`; without one it is harmless. */
function expectsMore({ headers: { expect } }: IncomingMessage): boolean {
  return expect !== undefined && expect.toLowerCase() !== '100-continue';
}

function answer(response: ServerResponse, status: number, text: string): void {
  const headers = { 'content-type': 'text/plain', 'content-length': text.length, connection: 'close' };
  response.writeHead(status, headers).end(text);
}

function isAllowed(header: string, allowed: ReadonlySet<string>): boolean {
  const name = /^(\[[^\]]*\]|[^:]*)(?::\d{1,5})?$/.exec(header.trim())?.[1];
  if (name === undefined) return false;
  const host = plainHost(name);
  return isIP(host) !== 0 || allowed.has(host);
}

function plainHost(host: string): string {
  return host
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}

export function isLoopback(address: string | undefined): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address ?? '');
}

/** Such as X-Forwarded-For, CF-Connecting-IP, True-Client-IP, X-Envoy-External-Address. */
const OF_PROXIES =
  /^(?:x-(?:forwarded|original|envoy|arr)\b.*|(?:.+-)?(?:real|client|connecting|remote)-(?:ip|addr)|forwarded|via|cdn-loop)$/;

/**
 * Whether the client is on another machine, perhaps behind a proxy. Not every proxy adds a header: some keep the
 * requested host, and nginx speaks HTTP/1.0 by default.
 */
export function isRemote({ socket, headers, httpVersion }: IncomingMessage): boolean {
  const proxied = Object.keys(headers).some((name) => OF_PROXIES.test(name));
  const host = plainHost((headers.host ?? '').replace(/:\d+$/, ''));
  const local = host === 'localhost' || isLoopback(host);
  return proxied || httpVersion === '1.0' || !local || !isLoopback(socket.remoteAddress);
}
