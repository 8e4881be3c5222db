// The fixture of a test file with OpenSSH servers in namespaces: a network, its servers, and a configuration of them.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { createFleet, type Fleet, type Server } from '../../examples/openssh/fleet.ts';
import {
  createNetwork,
  inNamespace,
  type Network,
  type NetworkBastion,
} from '../../examples/openssh/network.ts';
import type { RoundReport } from './rounds.ts';

const ROUNDS = fileURLToPath(new URL('rounds.ts', import.meta.url));
/** The program `bartizan`. */
export const BIN = fileURLToPath(new URL('../../bin/bartizan.ts', import.meta.url));

export let dir: string;
export let network: Network;
export let fleet: Fleet;
export let bastion: Server;
/** Absent unless the tests asked for it. */
export let secondBastion: Server | undefined;
export let nodes: Server[];
const children = new Set<ChildProcess>();

/** Servers for all tests of the file. */
export function useNetwork(nodeCount: number, { second = false } = {}): void {
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'bartizan-network-'));
    fleet = createFleet(join(dir, 'fleet'));
    network = await createNetwork(
      Array.from({ length: nodeCount }, (_, i) => `cp-${i + 1}`),
      { second },
    );
    bastion = await fleet.start({ name: 'bastion', ...bastionEndpoint() });
    if (network.secondBastion) {
      secondBastion = await fleet.start({ name: 'second', ...bastionEndpoint(network.secondBastion) });
    }
    nodes = await Promise.all(network.nodes.map((_, i) => startNode(i)));
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await fleet?.stop();
    await network?.stop();
    rmSync(dir, { recursive: true, force: true });
  });
}

export function startNode(index: number): Promise<Server> {
  const node = network.nodes[index];
  if (!node) throw new Error(`there is no node ${index}`);
  const { name, host, namespace } = node;
  return fleet.start({ name, host, namespace, port: 22, hostKeys: ['ed25519'] });
}

export const bastionEndpoint = ({ host, namespace }: NetworkBastion = network.bastion) => ({
  host,
  namespace,
  port: 22,
  hostKeys: ['ed25519'] as const,
});

interface Changes {
  /** More fields of the bastion, in YAML's flow style. */
  bastion?: string;
  /** Default: `bastion`. */
  hop?: Server;
  /** The user on the bastion. Default: root. */
  user?: string;
  bastionHost?: string;
  nodeHost?: (node: Server) => string;
  every?: string;
  /** How many of the nodes. Default: all. */
  nodeCount?: number;
  /** False: the configuration has no host keys, so `bartizan trust` must learn them. */
  trusted?: boolean;
}

/** Writes a configuration of the network. Returns its path. */
export function writeConfig(name: string, changes: Changes = {}): string {
  const {
    hop = bastion,
    bastionHost = hop.host,
    nodeHost = (node: Server) => node.host,
    every = '30s',
    trusted = true,
    user = 'root',
    nodeCount = nodes.length,
  } = changes;
  const keyOf = (server: Server) => (trusted ? `, hostKeys: ["${server.hostKeys[0]}"]` : '');
  const file = join(dir, `${name}.yaml`);
  const bastionText = (named: string, server: Server, host: string) => {
    const fields = [
      `name: ${named}, host: ${host}, port: ${server.port}, user: ${user}`,
      `privateKey: "\${file:${fleet.key('ed25519')}}"${keyOf(server)}`,
      ...(changes.bastion === undefined ? [] : [changes.bastion]),
    ];
    return `{ ${fields.join(', ')} }`;
  };
  const bastions = [bastionText('gate', hop, bastionHost)];
  if (secondBastion) bastions.push(bastionText('second', secondBastion, secondBastion.host));
  const lines = nodes
    .slice(0, nodeCount)
    .map(
      (node) =>
        `      - { name: ${node.name}, role: etcd, host: ${nodeHost(node)}, user: root${keyOf(node)} }`,
    );
  writeFileSync(
    file,
    `bastions: [${bastions.join(', ')}]
clusters:
  - name: c
    bastion: ${secondBastion ? '[gate, second]' : 'gate'}
    nodes:
${lines.join('\n')}
checks: [{ name: usage, probe: usage, every: ${every} }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:9/" }]
store: { path: ${name} }
`,
  );
  return file;
}

export interface Ended {
  code: number | null;
  ms: number;
  stdout: string;
  stderr: string;
}

/** Runs `bartizan` in the namespace `watcher`. */
export function bartizan(...args: readonly string[]): Promise<Ended> {
  return inWatcher(process.execPath, BIN, ...args);
}

export async function inWatcher(...command: readonly string[]): Promise<Ended> {
  return run(...inNamespace(network.watcher.namespace, ...command));
}

export async function run(program: string, args: readonly string[]): Promise<Ended> {
  const startMs = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    texts.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    texts.stderr += chunk;
  });
  const [code] = await once(child, 'close');
  children.delete(child);
  return { code, ms: performance.now() - startMs, ...texts };
}

/** Starts a process in the namespace `watcher` that makes a round on request, over connections that it keeps. */
export function startRounds(configFile: string): { round(): Promise<RoundReport>; stop(): Promise<void> } {
  const command = inNamespace(network.watcher.namespace, process.execPath, ROUNDS, configFile);
  const child = spawn(...command, { stdio: ['pipe', 'pipe', 'inherit'] });
  children.add(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async round() {
      child.stdin.write('\n');
      const { value, done } = await lines.next();
      if (done) throw new Error('the process of the rounds ended');
      return JSON.parse(value) as RoundReport;
    },
    async stop() {
      child.stdin.end();
      await once(child, 'exit');
      children.delete(child);
    },
  };
}

export const logOf = (server: Server) => readFileSync(join(fleet.dir, server.name, 'sshd.log'), 'utf8');
export const loginsOf = (server: Server) => logOf(server).match(/Accepted publickey/g)?.length ?? 0;
