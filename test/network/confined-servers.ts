// Servers with every feature enabled, for tests of the rights of a key: without restrictions, with the line of `bartizan
// keys`, and with line and block.
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { PROBES } from '../../adapters/probes/registry.ts';
import {
  bastionKeyLine,
  type Endpoint,
  nodeKeyLine,
  type ServerText,
} from '../../adapters/ssh/authorized-keys.ts';
import { type Capability, tryCapabilities } from '../../adapters/ssh/confinement.ts';
import { parseHostKey } from '../../adapters/ssh/host-keys.ts';
import { parsePrivateKey } from '../../adapters/ssh/private-keys.ts';
import { openSession } from '../../adapters/ssh/session.ts';
import { signedKeyLine } from '../../adapters/ssh/signed-key-line.ts';
import { bastionSshdConfig, nodeSshdConfig } from '../../adapters/ssh/sshd-config.ts';
import { type Account, createFleet, type Fleet, type Server } from '../../examples/openssh/fleet.ts';
import { freePort } from '../../localstack/free-port.ts';
import { attemptByHand, BY_HAND, type ByHand, type Scene } from './attempts.ts';

/** Settings of a careless administrator, before those of Debian. */
const CARELESS = ['PermitTunnel yes', 'GatewayPorts yes', 'AllowAgentForwarding yes', 'UsePAM no'];
const DEBIAN = readFileSync('/usr/share/openssh/sshd_config', 'utf8')
  .split('\n')
  .filter((line) => /^(?!Include)[A-Z]/.test(line));
const ACCOUNT = { name: 'probe', uid: 47_110, shell: '/bin/bash' };

export let dir: string;
export let fleet: Fleet;
let account: Account;
let tcp: NetServer;
let unix: NetServer;
let service: NetServer;
export const servers: Record<string, Server> = {};

const textOf = (text: ServerText) => ('text' in text ? text.text : '');
const key = () => ({ key: parsePrivateKey(readFileSync(fleet.key('ed25519'), 'utf8'), 'key') });
const portOf = (server: NetServer) => (server.address() as { port: number }).port;
const tcpPort = () => portOf(tcp);
const socketPath = () => join(dir, 'target.sock');

/** Starts the servers for all tests of the file. */
export function useConfinedServers(): void {
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'bartizan-confined-'));
    chmodSync(dir, 0o711);
    fleet = createFleet(dir);
    const home = join(dir, 'home');
    account = { ...ACCOUNT, home };
    mkdirSync(join(home, '.ssh'), { recursive: true });
    writeFileSync(join(home, '.ssh', 'rc'), 'touch "$HOME/rc-${SSH_CONNECTION##* }"\n');
    chownSync(home, account.uid, 65_534);
    tcp = createServer((socket) => socket.end('BANNER'));
    unix = createServer((socket) => socket.end('BANNER'));
    service = createServer((socket) => socket.end('BANNER'));
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => unix.listen(socketPath(), resolve));
    chmodSync(socketPath(), 0o777);

    const ports = await Promise.all(Array.from({ length: 9 }, freePort));
    const nodes = ports.slice(0, 3).map((port) => ({ host: '127.0.0.1', port }));
    const scripts = PROBES.flatMap(({ catalogue }) => catalogue);
    const bare = readFileSync(`${fleet.key('ed25519')}.pub`, 'utf8');
    const hopLine = textOf(bastionKeyLine(key(), nodes));
    const nodeLine = nodeKeyLine(key(), scripts);
    const signers = [
      readFileSync(`${fleet.key('ecdsa')}.pub`, 'utf8')
        .split(' ')
        .slice(0, 2)
        .join(' '),
    ];
    const signedLine = signedKeyLine(key(), { signers, lowestVersion: 1 });
    const permits = [{ host: '127.0.0.1', port: portOf(service) }];
    const forwardLine = nodeKeyLine(key(), scripts, permits);
    const forwardBlock = textOf(nodeSshdConfig(['probe'], permits));
    const broad = [...CARELESS, 'AcceptEnv *', ...DEBIAN];
    // No block can restrict the environment.
    const narrow = [...CARELESS, ...DEBIAN];
    const hopBlock = textOf(bastionSshdConfig('probe'));
    const nodeBlock = textOf(nodeSshdConfig(['probe']));
    const plan: [string, string, string[], string][] = [
      ['node-bare', bare, broad, ''],
      ['node-line', nodeLine, broad, ''],
      ['node-block', nodeLine, narrow, nodeBlock],
      ['bare', bare, broad, ''],
      ['line', hopLine, broad, ''],
      ['block', hopLine, broad, hopBlock],
      ['node-signed', signedLine, narrow, nodeBlock],
      ['forward-line', forwardLine, broad, ''],
      ['forward', forwardLine, narrow, forwardBlock],
    ];
    const started = plan.map(([name, authorizedKeys, config, blocks], i) =>
      fleet.start({
        name,
        host: '127.0.0.1',
        port: ports[i] as number,
        hostKeys: ['ed25519'],
        authorizedKeys: `${authorizedKeys}\n`,
        config,
        blocks,
        account,
      }),
    );
    for (const server of await Promise.all(started)) servers[server.name] = server;
  });
  afterAll(async () => {
    await fleet?.stop();
    tcp?.close();
    unix?.close();
    service?.close();
    rmSync(dir, { recursive: true, force: true });
  });
}

/** Port of a service on the loopback address of the nodes: checks may connect to it there. */
export const servicePort = () => portOf(service);

/** Which of the attempts succeed with clients that everybody has. */
export async function byHand(
  name: string,
  attempts: readonly ByHand[] = BY_HAND,
  changes: Partial<Scene> = {},
): Promise<ByHand[]> {
  const scene = {
    key: fleet.key('ed25519'),
    where: 'probe@127.0.0.1',
    home: account.home,
    dir,
    tcpPort: tcpPort(),
    socketPath: socketPath(),
    ...changes,
  };
  const { port } = servers[name] as Server;
  const open = await Promise.all(attempts.map((attempt) => attemptByHand(scene, attempt, port)));
  return attempts.filter((_, i) => open[i]);
}

/** Which rights our own attempts find open. */
export async function byProgram(name: string, permitted: readonly Endpoint[] = []): Promise<Capability[]> {
  const server = servers[name] as Server;
  const session = await openSession({
    stream: connect(server.port, '127.0.0.1'),
    user: account.name,
    key: key(),
    pinned: { accepted: [parseHostKey(server.hostKeys[0] as string)], revoked: [] },
    phase: 'bastion',
    deadlineMs: 15_000,
  });
  const attempts = await tryCapabilities(session, {
    ports: [tcpPort(), servicePort()],
    permitted,
    sockets: ['/nowhere.sock', socketPath()],
    deadlineMs: 15_000,
    nowMs: Date.now,
  });
  session.end();
  expect(attempts.filter(({ outcome }) => outcome === 'unanswered')).toEqual([]);
  return attempts.filter(({ outcome }) => outcome === 'open').map(({ capability }) => capability);
}
