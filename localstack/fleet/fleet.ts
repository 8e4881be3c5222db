import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import { parsePrivateKey } from '../../adapters/ssh/private-keys.ts';
import { newKey, publicKeyOf } from './new-key.ts';
import { NODE_PROGRAMS, type NodeModel, nodeFiles } from './node-model.ts';

const { Server, utils } = ssh2;

export interface FleetNode {
  name: string;
  host: string;
  port: number;
  /** In the format of known_hosts, without the name. */
  hostKey: string;
}

export interface Fleet {
  bastion: FleetNode;
  nodes: readonly FleetNode[];
  /** PKCS#8; opens the bastion and the nodes for any user name. */
  privateKey: string;
  /** The lines that `bartizan trust` would write after asking. */
  knownHosts: string;
  /** The commands that nodes have run. */
  commands(): number;
  stop(): Promise<void>;
}

/**
 * A bastion and nodes that speak SSH in this process (ssh2's server), on loopback and free ports. The bastion forwards
 * only to its nodes. A node runs `sh` with its stdin, as a real one does, over a synthetic root that it writes anew
 * before each command. It refuses everything else. When a port is in use, nothing stays open.
 */
export async function startFleet(options: {
  /** The folder for the synthetic roots. */
  dir: string;
  nodes: readonly NodeModel[];
  /** The ports of the bastion and the nodes, in order; free ones if absent. */
  ports?: readonly number[];
  /** Milliseconds since the start of the story; real time unless a test overrides it. */
  sinceStartMs?: () => number;
}): Promise<Fleet> {
  const startedAtMs = Date.now();
  const sinceStartMs = options.sinceStartMs ?? (() => Date.now() - startedAtMs);
  const privateKey = newKey();
  const allowed = fingerprint(publicKeyOf(privateKey));
  const running = new Set<ChildProcess>();
  const servers: { close(): Promise<void> }[] = [];
  let commands = 0;

  async function stop(): Promise<void> {
    await Promise.all(servers.map((server) => server.close()));
    for (const child of running) child.kill('SIGKILL');
  }

  async function startNode(model: NodeModel, port: number): Promise<FleetNode> {
    const root = join(options.dir, model.name);
    const node = await serve(model.name, port, allowed, (connection) => {
      connection.on('session', (accept) => {
        accept().on('exec', (acceptExec, _reject, { command }) => {
          const channel = acceptExec();
          if (command !== 'sh') return void refuse(channel, command);
          commands++;
          for (const [path, content] of Object.entries(nodeFiles(model, sinceStartMs())))
            replaceFile(join(root, path), content);
          runShell(channel, root, running);
        });
      });
    });
    servers.push(node);
    for (const [path, content] of Object.entries(NODE_PROGRAMS))
      replaceFile(join(root, path), content, 0o755);
    return node.entry;
  }

  async function startBastion(nodes: readonly FleetNode[], port: number): Promise<FleetNode> {
    const bastion = await serve('bastion', port, allowed, (connection) => {
      connection.on('tcpip', (accept, reject, { destIP, destPort }) => {
        if (!nodes.some((node) => node.host === destIP && node.port === destPort)) return void reject?.();
        const socket = connect(destPort, destIP, () => {
          const channel = accept();
          socket.on('error', () => channel.close());
          channel.on('error', () => socket.destroy());
          channel.pipe(socket).pipe(channel);
        });
        socket.once('error', () => reject?.());
      });
    });
    servers.push(bastion);
    return bastion.entry;
  }

  const nodes: FleetNode[] = [];
  try {
    for (const [i, model] of options.nodes.entries())
      nodes.push(await startNode(model, options.ports?.[i + 1] ?? 0));
    const bastion = await startBastion(nodes, options.ports?.[0] ?? 0);
    const knownHosts = [bastion, ...nodes].map((h) => `[${h.host}]:${h.port} ${h.hostKey}\n`).join('');
    return { bastion, nodes, privateKey, knownHosts, commands: () => commands, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function serve(
  name: string,
  wantedPort: number,
  allowed: string,
  onReady: (connection: Connection) => void,
): Promise<{ entry: FleetNode; close(): Promise<void> }> {
  const hostKey = newKey();
  const connections = new Set<Connection>();
  const server = new Server(
    { hostKeys: [{ key: parsePrivateKey(hostKey, `host key of ${name}`) } as never] },
    (connection) => {
      connections.add(connection);
      connection.on('close', () => connections.delete(connection));
      connection.on('error', () => connections.delete(connection));
      connection.on('authentication', (context) => {
        const known = context.method === 'publickey' && digest(context.key.data) === allowed;
        const key = known
          ? utils.parseKey(`${context.key.algo} ${context.key.data.toString('base64')}`)
          : undefined;
        if (!known || !key || key instanceof Error) return context.reject(['publickey']);
        const { signature, blob } = context;
        const signed =
          signature === undefined ||
          (blob !== undefined && key.verify(blob, signature, context.hashAlgo) === true);
        if (signed) context.accept();
        else context.reject(['publickey']);
      });
      connection.on('ready', () => onReady(connection));
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(wantedPort, '127.0.0.1', resolve);
  });
  const { port } = server.address() as { port: number };
  return {
    entry: { name, host: '127.0.0.1', port, hostKey: publicKeyOf(hostKey) },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of connections) connection.end();
      }),
  };
}

function fingerprint(publicKey: string): string {
  return digest(Buffer.from(publicKey.split(' ')[1] ?? '', 'base64'));
}

function digest(data: Buffer): string {
  return createHash('sha256').update(data).digest('base64');
}

function refuse(channel: ServerChannel, command: string): void {
  channel.stderr.write(`refused: ${command}\n`);
  channel.exit(126);
  channel.end();
}

function runShell(channel: ServerChannel, root: string, running: Set<ChildProcess>): void {
  const env = { BARTIZAN_ROOT: root, PATH: `${join(root, 'bin')}:/usr/bin:/bin` };
  const child = spawn('/bin/sh', [], { cwd: root, env, stdio: ['pipe', 'pipe', 'pipe'] });
  running.add(child);
  channel.on('error', () => child.kill('SIGKILL'));
  channel.on('close', () => child.kill('SIGKILL'));
  child.stdin.on('error', () => undefined);
  channel.pipe(child.stdin);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  child.on('close', (code) => {
    running.delete(child);
    channel.exit(code ?? 255);
    channel.end();
  });
}

/** Replaced atomically, not written in place, because another command may be reading. */
function replaceFile(file: string, content: string, mode = 0o644): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, content, { mode });
  renameSync(`${file}.new`, file);
}
