// A fake bastion and fake nodes in this process, served by ssh2, that can misbehave on demand.
import { connect, createServer, type Server, type Socket } from 'node:net';
import ssh2, { type Connection, type ParsedKey, type ServerChannel, type ServerConfig } from 'ssh2';
import { parsePrivateKey } from '../adapters/ssh/private-keys.ts';
import { newKey, publicKeyOf } from '../localstack/fleet/new-key.ts';
import { failToConnect, forbid } from './refused-channels.ts';

export interface FakeHost {
  host: string;
  port: number;
  /** `type base64` */
  hostKey: string;
  close(): Promise<void>;
}

/** The reaction of a node to a command, given its channel, the script, and the number of earlier commands. */
export type Behaviour = (channel: ServerChannel, script: string, count: number) => void;

export interface FakeNode extends FakeHost {
  /** The number of connections and commands so far. */
  logins: number;
  commands: string[];
  /** Cuts every connection, as a reboot does. */
  cut(): void;
  /** Stops answering on the open connections. */
  freeze(): void;
  connections(): number;
  onConnection(listener: (socket: Socket) => void): void;
  /** Accepts no new connection, like an sshd whose listener died; open ones continue. */
  shut(): void;
  /** Accepts no key from now on. */
  revoke(): void;
  /** Sends this to each new connection and closes it; undefined: stops that. */
  turnAway(line: string | undefined): void;
  /** The destinations of connections from the node so far. */
  dialled: string[];
}

export interface FakeBastion extends FakeHost {
  logins: number;
  /** The destinations of connections so far. */
  dialled: string[];
  /** Ends every connection, like SIGKILL. */
  kill(): void;
  /** Keeps connections and answers nothing, like SIGSTOP. */
  freeze(): void;
  /** Delays the answer to connections to this port until `release`. */
  hold(port: number): void;
  release(): void;
  /** Refuses connections to this port, as `permitopen` does. */
  forbid(port: number): void;
  /** As for a node. */
  /** The processes of the connections that are open now have no file left. */
  fill(): void;
  shut(): void;
  revoke(): void;
  connections(): number;
}

/** The PEM of a private key that every fake accepts. */
export const CLIENT_KEY = newKey();
const CLIENT_PUBLIC = publicKeyOf(CLIENT_KEY);

export async function startFakeNode(
  behave: Behaviour,
  options: {
    hostKey?: string;
    banner?: string;
    accepts?: string;
    port?: number;
    algorithms?: ServerConfig['algorithms'];
    /** Called with each connection before the server sends anything. */
    meet?: (connection: Connection) => void;
    /** Makes the key that it shows of its own. */
    disguise?: (own: ParsedKey) => ParsedKey;
    /** Whether it connects to ports for us. Default: true. */
    forwards?: boolean;
  } = {},
): Promise<FakeNode> {
  const { hostKey = newKey(), banner, accepts = CLIENT_PUBLIC, disguise = (own) => own } = options;
  const sockets = new Set<Socket>();
  const outgoing = new Set<Socket>();
  const node = { logins: 0, commands: [] as string[], dialled: [] as string[] };
  let revoked = false;
  let refusal: string | undefined;
  const server = new ssh2.Server(
    {
      hostKeys: [{ key: disguise(parsePrivateKey(hostKey, 'host key')) } as never],
      ...(banner !== undefined && { banner }),
      ...(options.algorithms && { algorithms: options.algorithms }),
    },
    (connection) => {
      options.meet?.(connection);
      authenticate(
        connection,
        () => (revoked ? '' : accepts),
        () => node.logins++,
      );
      // Without a listener ssh2 answers that it is forbidden.
      if (options.forwards !== false) {
        connection.on('tcpip', (accept, reject, { destIP, destPort }) => {
          node.dialled.push(`${destIP}:${destPort}`);
          forward({ host: destIP, port: destPort }, outgoing, accept, reject);
        });
      }
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
  const raw = serveOn(server, sockets, () => refusal);
  const { port, close: stop } = await listen(raw, sockets, options.port);
  const close = async () => {
    for (const socket of outgoing) socket.destroy();
    await stop();
  };
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const freeze = () => {
    for (const socket of sockets) socket.removeAllListeners('data').pause();
  };
  const connections = () => sockets.size;
  const onConnection = (listener: (socket: Socket) => void) => void raw.on('connection', listener);
  const hostKeyLine = publicKeyOf(hostKey);
  return Object.assign(node, {
    host: '127.0.0.1',
    port,
    hostKey: hostKeyLine,
    cut,
    freeze,
    connections,
    onConnection,
    shut: () => void raw.close(),
    revoke: () => {
      revoked = true;
    },
    turnAway: (line: string | undefined) => {
      refusal = line;
    },
    close,
  });
}

/** A server whose `behave` handles the bare connection. */
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
  let revoked = false;
  const sockets = new Set<Socket>();
  const outgoing = new Set<Socket>();
  const state = { logins: 0, dialled: [] as string[] };
  const held = new Set<number>();
  const forbidden = new Set<number>();
  const present = new Set<Connection>();
  const full = new WeakSet<Connection>();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const server = new ssh2.Server(
    { hostKeys: [{ key: parsePrivateKey(hostKey, 'host key') } as never] },
    (connection) => {
      authenticate(
        connection,
        () => (revoked ? '' : accepts),
        () => state.logins++,
      );
      present.add(connection);
      connection.on('close', () => present.delete(connection));
      connection.on('tcpip', async (accept, reject, { destIP, destPort }) => {
        state.dialled.push(`${destIP}:${destPort}`);
        if (held.has(destPort)) await released;
        if (forbidden.has(destPort)) return forbid(connection, reject);
        if (full.has(connection)) return failToConnect(connection, reject, 'open failed');
        forward({ host: destIP, port: destPort }, outgoing, accept, reject);
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
      // Without `data` events ssh2 neither reads nor answers, and TCP stays up.
      each((socket) => socket.removeAllListeners('data').pause());
      for (const socket of outgoing) socket.removeAllListeners('data').pause();
    },
    release,
    hold: (value: number) => void held.add(value),
    forbid: (value: number) => void forbidden.add(value),
    fill: () => {
      for (const connection of present) full.add(connection);
    },
    shut: () => void raw.close(),
    revoke: () => {
      revoked = true;
    },
    connections: () => sockets.size,
    close: async () => {
      for (const socket of outgoing) socket.destroy();
      await close();
    },
  });
}

/** Connects a channel with a port. */
function forward(
  to: { host: string; port: number },
  outgoing: Set<Socket>,
  accept: () => ServerChannel,
  reject: () => void,
): void {
  // Like sshd it passes the end of one direction on, and leaves the other open.
  const socket = connect({ ...to, noDelay: true, allowHalfOpen: true });
  let isOpen = false;
  outgoing.add(socket);
  socket.once('connect', () => {
    isOpen = true;
    const channel = accept();
    channel.pipe(socket).pipe(channel, { end: false });
    // What still waits for the window of the channel goes first.
    const afterData = (then: () => unknown) => void channel.write(Buffer.alloc(0), () => then());
    socket.on('end', () => afterData(() => channel.eof()));
    channel.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.on('close', () => (socket.readableEnded ? afterData(() => channel.close()) : channel.close()));
  });
  socket.on('close', () => outgoing.delete(socket));
  socket.on('error', () => {
    if (!isOpen) reject();
  });
}

function authenticate(connection: Connection, accepts: () => string, onLogin: () => void): void {
  connection.on('error', () => {});
  connection.on('authentication', (context) => {
    const right =
      context.method === 'publickey' &&
      `${context.key.algo} ${context.key.data.toString('base64')}` === accepts();
    if (right) context.accept();
    else context.reject(['publickey']);
  });
  connection.on('ready', onLogin);
}

/** Accepts sockets for ssh2's server, which does not expose them. */
function serveOn(
  server: InstanceType<typeof ssh2.Server>,
  sockets: Set<Socket>,
  refusal: () => string | undefined = () => undefined,
): Server {
  return createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    const line = refusal();
    if (line !== undefined) socket.end(line);
    else server.injectSocket(socket);
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
