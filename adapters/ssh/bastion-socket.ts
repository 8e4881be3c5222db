import dns from 'node:dns';
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { explainOpenFiles } from './open-files.ts';

/** A TCP connection to a bastion, possibly still in the making. */
export interface BastionSocket {
  stream: Socket;
  /** Why there is no connection yet, for people; undefined when it is there. */
  missing(): string | undefined;
}

/**
 * All callers that ask for the same name share one lookup. The system resolves names in threads, two at a time, and a
 * lookup at a silent name server takes seconds: without sharing, eight connections to one bastion would wait in line.
 */
export function createSharedLookup(lookup: LookupFunction): LookupFunction {
  type Callback = Parameters<LookupFunction>[2];
  const waiting = new Map<string, Callback[]>();
  return (name, options, callback) => {
    const key = JSON.stringify([name, options]);
    const others = waiting.get(key);
    if (others) {
      others.push(callback);
      return;
    }
    const all = [callback];
    waiting.set(key, all);
    lookup(name, options, (...answer) => {
      waiting.delete(key);
      for (const each of all) each(...answer);
    });
  };
}

const sharedLookup = createSharedLookup(dns.lookup as LookupFunction);

/** Errors are events of the stream; `explainSocketError` explains them. */
export function connectToBastion(
  { host, port }: { host: string; port: number },
  lookup: LookupFunction = sharedLookup,
): BastionSocket {
  let resolved = isIP(host) !== 0;
  const socket = connect({ host, port, lookup });
  // ssh2 leaves Nagle's algorithm on, which delays every small exchange until the one before is acknowledged.
  socket.setNoDelay(true);
  gatherWrites(socket);
  socket.once('lookup', () => {
    resolved = true;
  });
  const missing = () => {
    if (!resolved) return `the name ${host} does not resolve: no answer of a name server`;
    return socket.connecting ? `no connection to ${host}:${port}` : undefined;
  };
  return { stream: socket, missing };
}

type SocketError = Error & { code?: unknown; hostname?: unknown; address?: unknown; port?: unknown };

const EXPLANATIONS: Readonly<Record<string, (error: SocketError) => string>> = {
  ENOTFOUND: ({ hostname }) => `the name ${hostname} does not resolve: there is no such name (ENOTFOUND)`,
  EAI_AGAIN: ({ hostname }) => `the name ${hostname} does not resolve: the name server fails (EAI_AGAIN)`,
  ECONNREFUSED: ({ address, port }) => `nothing listens on ${address}:${port} (ECONNREFUSED)`,
  EHOSTUNREACH: ({ address }) => `there is no route to ${address} (EHOSTUNREACH)`,
  ENETUNREACH: ({ address }) => `there is no route to ${address} (ENETUNREACH)`,
  ETIMEDOUT: ({ address, port }) => `${address}:${port} does not answer (ETIMEDOUT)`,
  ECONNRESET: () => 'it reset the connection (ECONNRESET)',
  EPIPE: () => 'it ended the connection (EPIPE)',
};

/** Explains an error of a socket, with what to do about it where the system's own message does not say. */
export function explainSocketError(error: SocketError): string {
  const explanation = EXPLANATIONS[String(error.code)]?.(error) ?? explainOpenFiles(error);
  return explanation ?? (error.message || String(error.code));
}

/**
 * Gathers what is written in one turn of the event loop into one write. A bastion connection carries many sessions, so
 * that one read causes many small packets, and a system call costs more than the packet.
 */
function gatherWrites(socket: Socket): void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let corked = false;
  socket.write = ((...args: unknown[]) => {
    if (!corked) {
      corked = true;
      socket.cork();
      setImmediate(() => {
        corked = false;
        socket.uncork();
      });
    }
    return write(...args);
  }) as Socket['write'];
}
