// A bastion and nodes in this process, served by ssh2, that can be told to misbehave.
import { connect, createServer, type Server, type Socket } from 'node:net';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import { parsePrivateKey } from '../adapters/ssh/private-keys.ts';
import { newKey, publicKeyOf } from '../localstack/fleet/new-key.ts';

export interface FakeHost {
  host: string;
  port: number;
  /** `type base64` */
  hostKey: string;
  close(): Promise<void>;
}

/** What a node does with a command: its channel, the script it got, and how many came before. */
export type Behaviour = (channel: ServerChannel, script: string, count: number) => void;

export interface FakeNode extends FakeHost {
  /** Connections and commands so far. */
  logins: number;
  commands: string[];
  /** Cuts every connection, as a reboot does. */
  cut(): void;
  /** Answers nothing more on the connections there are. */
  freeze(): void;
  connections(): number;
  onConnection(listener: () => void): void;
}

export interface FakeBastion extends FakeHost {
  logins: number;
  /** Destinations dialled so far. */
  dialled: string[];
  /** As SIGKILL does: every connection ends. */
  kill(): void;
  /** As SIGSTOP does: connections stay, nothing is answered. */
  freeze(): void;
  /** Does not answer whether that port could be reached, until it is released. */
  hold(port: number): void;
  release(): void;
  connections(): number;
}

/** PEM of a private key that every fake accepts. */
export const CLIENT_KEY = newKey();
const CLIENT_PUBLIC = publicKeyOf(CLIENT_KEY);

export async function startFakeNode(
  behave: Behaviour,
  options: { hostKey?: string; banner?: string; accepts?: string; port?: number } = {},
): Promise<FakeNode> {
  const { hostKey = newKey(), banner, accepts = CLIENT_PUBLIC } = options;
  const sockets = new Set<Socket>();
  const node = { logins: 0, commands: [] as string[] };
  const server = new ssh2.Server(
    {
      hostKeys: [{ key: parsePrivateKey(hostKey, 'host key') } as never],
      ...(banner !== undefined && { banner }),
    },
    (connection) => {
      authenticate(connection, accepts, () => node.logins++);
      connection.on('session', (accept) => {
        accept().on('exec', (acceptExec, _reject, { command }) => {
          const channel = acceptExec();
          let script = '';
          channel.on('data', (chunk: Buffer) => {
            script += chunk;
          });
          channel.on('end', () => {
            node.commands.push(command);
            behave(channel, script, node.commands.length - 1);
          });
        });
      });
    },
  );
  const raw = serveOn(server, sockets);
  const { port, close } = await listen(raw, sockets, options.port);
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const freeze = () => {
    for (const socket of sockets) socket.removeAllListeners('data').pause();
  };
  const connections = () => sockets.size;
  const onConnection = (listener: () => void) => void raw.on('connection', listener);
  const hostKeyLine = publicKeyOf(hostKey);
  return Object.assign(node, {
    host: '127.0.0.1',
    port,
    hostKey: hostKeyLine,
    cut,
    freeze,
    connections,
    onConnection,
    close,
  });
}

/** A node whose port answers with whatever `behave` does with the bare connection. */
export async function startRawNode(behave: (socket: Socket) => void): Promise<FakeHost> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    behave(socket);
  });
  const { port, close } = await listen(server, sockets);
  return { host: '127.0.0.1', port, hostKey: publicKeyOf(newKey()), close };
}

export async function startFakeBastion(
  options: { hostKey?: string; accepts?: string } = {},
): Promise<FakeBastion> {
  const { hostKey = newKey(), accepts = CLIENT_PUBLIC } = options;
  const sockets = new Set<Socket>();
  const outgoing = new Set<Socket>();
  const state = { logins: 0, dialled: [] as string[] };
  const held = new Set<number>();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const server = new ssh2.Server(
    { hostKeys: [{ key: parsePrivateKey(hostKey, 'host key') } as never] },
    (connection) => {
      authenticate(connection, accepts, () => state.logins++);
      connection.on('tcpip', async (accept, reject, { destIP, destPort }) => {
        state.dialled.push(`${destIP}:${destPort}`);
        if (held.has(destPort)) await released;
        const socket = connect({ host: destIP, port: destPort, noDelay: true });
        outgoing.add(socket);
        socket.once('connect', () => {
          const channel = accept();
          channel.pipe(socket).pipe(channel);
          channel.on('error', () => socket.destroy()).on('close', () => socket.destroy());
          socket.on('close', () => channel.close());
        });
        socket.on('error', () => reject());
      });
    },
  );
  const raw = serveOn(server, sockets);
  const { port, close } = await listen(raw, sockets);
  const each = (act: (socket: Socket) => void) => {
    for (const socket of sockets) act(socket);
  };
  return Object.assign(state, {
    host: '127.0.0.1',
    port,
    hostKey: publicKeyOf(hostKey),
    kill: () => each((socket) => socket.destroy()),
    freeze: () => {
      // ssh2 reads by `data` events: without them it neither reads nor answers, and TCP stays up.
      each((socket) => socket.removeAllListeners('data').pause());
      for (const socket of outgoing) socket.removeAllListeners('data').pause();
    },
    release,
    hold: (value: number) => void held.add(value),
    connections: () => sockets.size,
    close: async () => {
      for (const socket of outgoing) socket.destroy();
      await close();
    },
  });
}

function authenticate(connection: Connection, accepts: string, onLogin: () => void): void {
  connection.on('error', () => {});
  connection.on('authentication', (context) => {
    const right =
      context.method === 'publickey' &&
      `${context.key.algo} ${context.key.data.toString('base64')}` === accepts;
    if (right) context.accept();
    else context.reject(['publickey']);
  });
  connection.on('ready', onLogin);
}

/** ssh2's server does not show its sockets; so they are taken in front of it. */
function serveOn(server: InstanceType<typeof ssh2.Server>, sockets: Set<Socket>): Server {
  return createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    server.injectSocket(socket);
  });
}

async function listen(server: Server, sockets: Set<Socket>, port = 0) {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address() as { port: number };
  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { port: address.port, close };
}
