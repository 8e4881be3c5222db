// The rights of a key on real servers with every feature enabled: without restrictions, with the line of `bartizan
// keys`, and with line and block; also where checks connect to a port from the node. Real clients try them, and so does
// `check --connect`.

import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROBES } from '../../adapters/probes/registry.ts';
import {
  bastionKeyLine,
  type Endpoint,
  nodeKeyLine,
  type ServerText,
} from '../../adapters/ssh/authorized-keys.ts';
import { CAPABILITIES, type Capability, tryCapabilities } from '../../adapters/ssh/confinement.ts';
import { parseHostKey } from '../../adapters/ssh/host-keys.ts';
import { parsePrivateKey } from '../../adapters/ssh/private-keys.ts';
import { openSession } from '../../adapters/ssh/session.ts';
import { bastionSshdConfig, nodeSshdConfig } from '../../adapters/ssh/sshd-config.ts';
import { loadConfig, secretsFor } from '../../cli/config-file.ts';
import { checkConnections } from '../../cli/connect-check.ts';
import { isConnected } from '../../cli/connect-report.ts';
import type { ConnectRow } from '../../cli/connect-row.ts';
import { type Account, createFleet, type Fleet, type Server } from '../../examples/openssh/fleet.ts';
import { freePort } from '../../localstack/free-port.ts';
import { attemptByHand, BY_HAND, type ByHand, type Scene } from './attempts.ts';

/** Settings of a careless administrator, before those of Debian. */
const CARELESS = ['PermitTunnel yes', 'GatewayPorts yes', 'AllowAgentForwarding yes', 'UsePAM no'];
const DEBIAN = readFileSync('/usr/share/openssh/sshd_config', 'utf8')
  .split('\n')
  .filter((line) => /^(?!Include)[A-Z]/.test(line));
const ACCOUNT = { name: 'probe', uid: 47_110, shell: '/bin/bash' };

let dir: string;
let fleet: Fleet;
let account: Account;
let tcp: NetServer;
let unix: NetServer;
/** What checks of a node ask on its loopback address. */
let service: NetServer;
const servers: Record<string, Server> = {};

const textOf = (text: ServerText) => ('text' in text ? text.text : '');
const key = () => ({ key: parsePrivateKey(readFileSync(fleet.key('ed25519'), 'utf8'), 'key') });
const portOf = (server: NetServer) => (server.address() as { port: number }).port;
const tcpPort = () => portOf(tcp);
const socketPath = () => join(dir, 'target.sock');

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

  const ports = await Promise.all(Array.from({ length: 8 }, freePort));
  const nodes = ports.slice(0, 3).map((port) => ({ host: '127.0.0.1', port }));
  const scripts = PROBES.flatMap(({ catalogue }) => catalogue);
  const bare = readFileSync(`${fleet.key('ed25519')}.pub`, 'utf8');
  const hopLine = textOf(bastionKeyLine(key(), nodes));
  const nodeLine = nodeKeyLine(key(), scripts);
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

async function byHand(
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

async function byProgram(name: string, permitted: readonly Endpoint[] = []): Promise<Capability[]> {
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
    ports: [tcpPort(), portOf(service)],
    permitted,
    sockets: ['/nowhere.sock', socketPath()],
    deadlineMs: 15_000,
    nowMs: Date.now,
  });
  session.end();
  expect(attempts.filter(({ outcome }) => outcome === 'unanswered')).toEqual([]);
  return attempts.filter(({ outcome }) => outcome === 'open').map(({ capability }) => capability);
}

/** X11 needs xauth on the server, which may be missing here. */
const ALL = CAPABILITIES.filter((capability) => capability !== 'x11' || existsSync('/usr/bin/xauth'));

describe('a key on a bastion', () => {
  it('has all rights without restrictions, and each attempt shows that', async () => {
    expect(await byHand('bare')).toEqual(BY_HAND);
    expect(await byProgram('bare')).toEqual(ALL);
  });

  it('with only the line, may create Unix sockets, and has the rights that only sshd_config controls', async () => {
    // The shell that runs `exit 1` reads the environment first, so `AcceptEnv *` is dangerous.
    expect(await byHand('line')).toEqual(['environment', 'socket-listen']);
    expect(await byProgram('line')).toEqual(['environment', 'tunnel', 'socket-listen']);
  });

  it('with line and block, has no rights', async () => {
    expect(await byHand('block')).toEqual([]);
    expect(await byProgram('block')).toEqual([]);
  });
});

describe('a key on a node', () => {
  /** Without `sftp`, which waits for an answer while the line waits for its script; our own check sends enough. */
  const attempts = BY_HAND.filter((attempt) => attempt !== 'sftp');

  it('with only the line, has the rights that only sshd_config controls', async () => {
    expect(await byHand('node-line', attempts)).toEqual(['environment']);
    expect(await byProgram('node-line')).toEqual(['environment', 'tunnel']);
  });

  it("with line, block and Debian's AcceptEnv, has no rights", async () => {
    expect(await byHand('node-block', attempts)).toEqual([]);
    expect(await byProgram('node-block')).toEqual([]);
  });
});

describe('a key on a node whose checks connect to a port there', () => {
  const attempts = BY_HAND.filter((attempt) => attempt !== 'sftp');
  const permitted = () => [{ host: '127.0.0.1', port: portOf(service) }];

  it('reaches that port, and creates Unix sockets with the line alone', async () => {
    expect(await reachesService('forward-line')).toBe(true);
    expect(await byHand('forward-line', attempts)).toEqual(['environment', 'socket-listen']);
    expect(await byProgram('forward-line', permitted())).toEqual(['environment', 'tunnel', 'socket-listen']);
  });

  it('reaches that port and may do nothing else with block and line', async () => {
    expect(await reachesService('forward')).toBe(true);
    expect(await byHand('forward', attempts)).toEqual([]);
    expect(await byProgram('forward', permitted())).toEqual([]);
  });

  const reachesService = async (name: string) =>
    (await byHand(name, ['connect'], { tcpPort: portOf(service) })).length > 0;
});

describe('check --connect', () => {
  it('reports the rights on bastion and node, and no forbidden one; the probe works', async () => {
    const host = (name: string) => {
      const { port, hostKeys } = servers[name] as Server;
      return `host: 127.0.0.1, port: ${port}, user: probe, hostKeys: ["${hostKeys[0]}"]`;
    };
    const bastion = (name: string) =>
      `{ name: ${name}, ${host(name)}, privateKey: "\${file:${fleet.key('ed25519')}}" }`;
    const node = (name: string) => `{ name: ${name}, role: etcd, ${host(name)} }`;
    const file = join(dir, 'c.yaml');
    writeFileSync(
      file,
      `bastions: [${['bare', 'line', 'block'].map(bastion).join(', ')}]
clusters:
  - { name: a, bastion: block, nodes: [${['node-bare', 'node-line', 'node-block'].map(node).join(', ')}] }
  - { name: b, bastion: line, nodes: [${node('node-block')}] }
  - { name: c, bastion: bare, nodes: [${node('node-block')}] }
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
store: { path: data }
`,
    );
    const { config } = await loadConfig(file);
    const rows = await checkConnections(config, secretsFor(file), { quiet: true });
    const rowOf = (name: string) => rows.find((row) => row.name === name) as ConnectRow;
    // A node may have a full disk or a wrong clock: those of this machine.
    for (const name of ['block', 'a/node-block', 'b/node-block', 'c/node-block'])
      expect(rowOf(name)).toMatchObject({
        state: expect.stringMatching(/^(ok|warning)$/),
        open: [],
        unanswered: [],
      });

    expect(rowOf('line')).toMatchObject({
      state: 'warning',
      advice: expect.stringContaining('put the block of sshd_config that'),
    });
    expect(rowOf('line').open).toContain('socket-listen');
    expect(rowOf('line').open).not.toContain('command');
    expect(rowOf('bare').detail).toMatch(
      /lets us in; our key may do more than probing needs: commands, a shell, sftp,/,
    );
    expect(rowOf('bare').advice).toMatch(
      /put the line and the block of sshd_config that `bartizan keys` prints/,
    );
    expect(rowOf('a/node-bare').open).toContain('command');
    expect(rowOf('a/node-line')).toMatchObject({ state: 'warning', open: ['environment', 'tunnel'] });
    expect(rowOf('a/node-line').advice).toMatch(/put the block .* on the node .*; AcceptEnv must be narrow/);
    // Open rights do not fail the check.
    expect(isConnected(rows.filter(({ kind }) => kind !== 'channel'))).toBe(true);

    const audit = readFileSync(join(dir, 'data', 'cli', 'audit.jsonl'), 'utf8')
      .trim()
      .split('\n');
    const onLine = audit.filter(
      (line) => line.includes('"bastion":"line"') && line.includes('"command":"try '),
    );
    expect(onLine).toHaveLength(2 * CAPABILITIES.length);
    expect(onLine.filter((line) => line.includes('"command":"try socket-listen"'))).toEqual([
      expect.stringContaining('"outcome":"refused"'),
      expect.stringContaining('"outcome":"open"'),
    ]);
  });

  it('refuses checks through a node whose sshd forwards Unix sockets, and reports which ports answer', async () => {
    const host = (name: string, user = 'probe') => {
      const { port, hostKeys } = servers[name] as Server;
      return `host: 127.0.0.1, port: ${port}, user: ${user}, hostKeys: ["${hostKeys[0]}"]`;
    };
    const node = (name: string) => `{ name: ${name}, role: etcd, ${host(name)} }`;
    const file = join(dir, 'forwarding.yaml');
    writeFileSync(
      file,
      `bastions: [{ name: bare, ${host('bare')}, privateKey: "\${file:${fleet.key('ed25519')}}" }]
clusters:
  - { name: a, bastion: bare, nodes: [${['node-bare', 'node-block', 'forward-line', 'forward'].map(node).join(', ')}] }
  - { name: b, bastion: bare, acceptsRootByForwarding: true, nodes: [${node('node-bare')}] }
checks: [{ name: etcd, probe: etcd, port: ${portOf(service)} }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
store: { path: forwarding }
`,
    );
    const { config } = await loadConfig(file);
    const rows = await checkConnections(config, secretsFor(file), { quiet: true });
    const rowOf = (name: string) => rows.find((row) => row.name === name) as ConnectRow;
    const answered = { via: 'node', host: '127.0.0.1', port: portOf(service) };
    expect(rowOf('a/forward')).toMatchObject({
      state: expect.stringMatching(/^(ok|warning)$/),
      open: [],
      services: [{ ...answered, outcome: 'answers' }],
    });
    expect(rowOf('a/node-block')).toMatchObject({
      state: 'failed',
      services: [{ ...answered, outcome: 'forbidden' }],
      advice: expect.stringContaining('block and line that `bartizan keys` prints'),
    });
    for (const name of ['a/node-bare', 'a/forward-line']) {
      expect(rowOf(name)).toMatchObject({
        state: 'failed',
        detail: expect.stringContaining('`via: node` is refused: sshd forwards Unix sockets for our key'),
        services: [{ ...answered, outcome: 'answers' }],
      });
    }
    expect(rowOf('b/node-bare').state).toBe('warning');
  });
});
