// The fakes listen on 127.0.0.1, which is another machine for a function in a container. So this forwards the same
// ports at an address of this machine that containers can reach: the gateway of their network.
import { connect, createServer, isIP, type Server, type Socket } from 'node:net';

const HERE = '127.0.0.1';

export interface PortForwarding {
  /** The host of the fakes for functions. */
  host: string;
  stop(): Promise<void>;
}

/**
 * Forwards each port if `host` is another address of this machine. A name needs no forwarding: Docker Desktop leads
 * `host.docker.internal` to 127.0.0.1 by itself.
 * @throws Error when the address does not belong to this machine, or a port is in use there
 */
export async function forwardPorts(
  host: string | undefined,
  ports: readonly number[],
): Promise<PortForwarding> {
  if (!host || host === HERE || isIP(host) === 0) return { host: host || HERE, stop: async () => undefined };
  if (/^(0\.0\.0\.0|::)$/.test(host)) throw new Error(`${host} is every address: name that of one network`);
  const open = new Set<Socket>();
  const servers: Server[] = [];
  const stop = async () => {
    for (const socket of open) socket.destroy();
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  };
  try {
    for (const port of ports) {
      const server = createServer((outer) => pipeSockets(outer, connect(port, HERE), open));
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
      servers.push(server);
    }
  } catch (cause) {
    await stop();
    throw new Error(`STAND_INS_HOST=${host}: ${(cause as Error).message}; is the network of containers up?`, {
      cause,
    });
  }
  return { host, stop };
}

/** Pipes two sockets into each other, which end together. `open` has those that have not ended. */
export function pipeSockets(outer: Socket, inner: Socket, open: Set<Socket>): void {
  for (const [one, other] of [
    [outer, inner],
    [inner, outer],
  ] as const) {
    open.add(one);
    one.on('error', () => other.destroy());
    one.on('close', () => {
      open.delete(one);
      other.destroy();
    });
    one.pipe(other);
  }
}
