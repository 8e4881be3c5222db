import { createServer } from 'node:net';

/** Below the ports that systems give out to outgoing connections (ip_local_port_range of Linux starts at 32,768). */
const FIRST = 20_000;
const LAST = 31_999;
const ATTEMPTS = 200;

const given = new Set<number>();

/**
 * A port of loopback where nobody listens now; never the same twice in a process. Processes draw at random, so that two
 * runs on one machine do not meet.
 */
export async function freePort(): Promise<number> {
  for (let i = 0; i < ATTEMPTS; i++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port from ${FIRST} to ${LAST}`);
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once('error', () => resolve(false));
  server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  return promise;
}
