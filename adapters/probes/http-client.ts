import type { BastionConfig } from '../../core/model/config.ts';
import type { Tunnel } from '../ssh/tunnel.ts';
import { readBody } from './http-body.ts';
import {
  agentOf,
  asSocket,
  exchange,
  type HttpAnswer,
  type HttpConnection,
  type HttpRequest,
  isIdle,
  LostConnectionError,
  PROTOCOL_BYTES,
} from './http-exchange.ts';
import { connectTls, type TlsOptions } from './tls-connection.ts';

export type { HttpAnswer, HttpRequest } from './http-exchange.ts';

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
  /** Connections that no request uses, one a name. */
  const idle = new Map<string, HttpConnection>();

  async function connect(
    peer: HttpPeer,
    tls: TlsOptions | undefined,
    deadlineMs: number,
  ): Promise<HttpConnection> {
    const startMs = performance.now();
    const tunnel = await peer.open();
    const dialMs = performance.now() - startMs;
    tunnel.allow(PROTOCOL_BYTES);
    if (!tls) {
      tunnel.stream.resume();
      // A server that closes its side of an idle connection leaves ours open: a request would wait for its deadline.
      tunnel.stream.once('end', () => tunnel.stream.destroy());
      const socket = asSocket(tunnel.stream);
      return { socket, tunnel, agent: agentOf(socket), dialMs };
    }
    const { socket, facts } = await connectTls(tunnel, tls, deadlineMs);
    const tlsMs = performance.now() - startMs - dialMs;
    return { socket, tunnel, agent: agentOf(socket), dialMs, tlsMs, tls: facts };
  }

  /** The connection is the caller's alone until `keep`. */
  function take(name: string): HttpConnection | undefined {
    const kept = idle.get(name);
    idle.delete(name);
    return kept && isIdle(kept) ? kept : undefined;
  }

  function keep(name: string, connection: HttpConnection): void {
    const { socket } = connection;
    if (socket.destroyed) return;
    // Two requests were sent at once.
    idle.get(name)?.socket.destroy();
    idle.set(name, connection);
  }

  /** Once for each connection: a listener for each request would outlive its request. */
  function forgetClosed(name: string, connection: HttpConnection): void {
    connection.socket.once('close', () => {
      if (idle.get(name) === connection) idle.delete(name);
    });
  }

  return {
    async request(peer, request, deadlines) {
      const { tls, deadlineMs = () => deadlines.execMs } = request;
      const name = JSON.stringify([peer.key, tls ?? null]);
      const send = async (connection: HttpConnection, isNew: boolean) => {
        const answer = await exchange(connection, peer, request, { deadlineMs: deadlineMs(), isNew });
        if (!answer.isCut) keep(name, connection);
        return readBody(answer, request);
      };
      const kept = take(name);
      if (kept) {
        try {
          return await send(kept, false);
        } catch (error) {
          // The server may have closed the connection while it was idle. A new one decides.
          if (!(error instanceof LostConnectionError)) throw error;
        }
      }
      const connection = await connect(peer, tls, deadlines.handshakeMs);
      forgetClosed(name, connection);
      return send(connection, true);
    },
    closeIdle() {
      for (const { socket } of idle.values()) socket.destroy();
      idle.clear();
    },
  };
}
