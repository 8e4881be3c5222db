import { lstat, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { ConfigError } from '../../core/errors.ts';

/** The address of IPv4 alone: a client may take `localhost` for that of IPv6. */
export const LOOPBACK = '127.0.0.1';

/** Where a tunnel listens on this machine: port 0 is any free one. */
export type LocalEnd = { port: number } | { socket: string };

export interface LocalListener {
  /** The port in use, or the path of the Unix socket. */
  end: LocalEnd;
  /** Closes the listener. Connections stay. Idempotent. */
  close(): Promise<void>;
}

/** Readable and writable by our user only. */
const OWNER_ONLY = 0o177;

/**
 * Listens on loopback, or on a Unix socket that only our user can connect to. `onConnection` gets each connection paused,
 * with half-close; `onError` what went wrong with one that could not be accepted. Removes a Unix socket that a killed process left behind.
 * @throws ConfigError that names the port or file, and what to do
 */
export async function listenLocally(
  wanted: LocalEnd,
  onConnection: (socket: Socket) => void,
  onError: (error: Error) => void = () => {},
): Promise<LocalListener> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, onConnection);
  if ('socket' in wanted) {
    await removeDeadSocket(wanted.socket);
    await listen(server, { path: wanted.socket }).catch((error) => {
      throw explainSocketFile(wanted.socket, error);
    });
  } else {
    await listen(server, { host: LOOPBACK, port: wanted.port }).catch((error) => {
      throw explainPort(wanted.port, error);
    });
  }
  // The system may lack files or memory for one more connection.
  server.on('error', onError);
  const address = server.address();
  const end = typeof address === 'object' && address !== null ? { port: address.port } : wanted;
  const closed = new Promise<void>((resolve) => server.once('close', resolve));
  return {
    end,
    // `Server.close` would also wait for all connections to end.
    async close() {
      if (server.listening) server.close();
      if (server.listening) await closed;
    },
  };
}

function listen(server: Server, where: { path: string } | { host: string; port: number }): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  // Node makes the file of a Unix socket before `listen` returns.
  const umask = process.umask(OWNER_ONLY);
  try {
    server.listen(where, () => {
      server.off('error', reject);
      resolve();
    });
  } finally {
    process.umask(umask);
  }
  return promise;
}

function explainPort(port: number, cause: NodeJS.ErrnoException): ConfigError {
  const explanations: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} of this machine is in use; choose another one with --local, or any free one with --local 0`,
    EACCES: `this user may not listen on port ${port}; choose one above 1023 with --local`,
  };
  const text = explanations[cause.code ?? ''];
  return text === undefined
    ? new ConfigError(`cannot listen on port ${port}`, { cause })
    : new ConfigError(text);
}

function explainSocketFile(path: string, cause: NodeJS.ErrnoException): ConfigError {
  const explanations: Readonly<Record<string, string>> = {
    EADDRINUSE: `${path} is in use, or is no socket; choose another path with --socket`,
    EACCES: `this user may not make a socket in the folder of ${path}`,
    ENOENT: `the folder of ${path} does not exist`,
    EINVAL: `${path} is too long for a socket; choose a shorter path with --socket`,
  };
  const text = explanations[cause.code ?? ''];
  return text === undefined ? new ConfigError(`cannot listen on ${path}`, { cause }) : new ConfigError(text);
}

/** A socket of ours on which nobody listens any more. */
async function removeDeadSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isSocket() || found.uid !== process.getuid?.()) return;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path, () => resolve(false));
  socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  const isDead = await promise;
  socket.destroy();
  if (isDead) await rm(path, { force: true });
}
