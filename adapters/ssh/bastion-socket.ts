import dns from 'node:dns';
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { explainOpenFiles } from './open-files.ts';

/** A TCP connection to a bastion that is being made. */
export interface BastionSocket {
  stream: Socket;
  /** What is still missing of a session, in words. */
  missing(): string;
}

/**
 * A look-up under way is shared by all that ask for the same name. The system resolves names in threads, two at a time,
 * and each that waits for a silent name server waits for seconds: eight connections must not wait in line.
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

/** Errors of it are events of its stream; `explainSocketError` puts them into words. */
export function reachBastion(
  { host, port }: { host: string; port: number },
  lookup: LookupFunction = sharedLookup,
): BastionSocket {
  let resolved = isIP(host) !== 0;
  const socket = connect({ host, port, lookup });
  // ssh2 leaves Nagle's algorithm on, which makes many small exchanges wait for each other.
  socket.setNoDelay(true);
  gatherWrites(socket);
  socket.once('lookup', () => {
    resolved = true;
  });
  const missing = () => {
    if (!resolved) return `the name ${host} does not resolve: no answer of a name server`;
    return socket.connecting ? `no connection to ${host}:${port}` : 'no SSH session';
  };
  return { stream: socket, missing };
}

const WORDS: Readonly<Record<string, (name: string) => string>> = {
  ENOTFOUND: (name) => `the name ${name} does not resolve: there is no such name (ENOTFOUND)`,
  EAI_AGAIN: (name) => `the name ${name} does not resolve: the name server fails (EAI_AGAIN)`,
};

/** In words that say what to do where the system's do not. */
export function explainSocketError(error: Error & { code?: unknown; hostname?: unknown }): string {
  const words = WORDS[String(error.code)]?.(String(error.hostname)) ?? explainOpenFiles(error);
  return words ?? (error.message || String(error.code));
}

/**
 * What is answered to one read goes out in one write: among many sessions a read holds packets of many of them, and a
 * write costs more than the packet.
 */
function gatherWrites(socket: Socket): void {
  let corked = false;
  socket.on('data', () => {
    if (corked) return;
    corked = true;
    socket.cork();
    // After everything that waits for what was read.
    setImmediate(() => {
      corked = false;
      socket.uncork();
    });
  });
}
