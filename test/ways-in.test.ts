// Every way in to bastions and nodes writes its lines into the audit. A new one fails here until it has a line in WAYS, with a
// run that proves it.

import { readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runByHand } from '../adapters/probes/command/run-by-hand.ts';
import { PROBES } from '../adapters/probes/registry.ts';
import { scanConfinement } from '../adapters/ssh/confinement-scan.ts';
import { parseHostKey } from '../adapters/ssh/host-keys.ts';
import { createKeyring } from '../adapters/ssh/keyring.ts';
import { createPinnedKeys } from '../adapters/ssh/known-hosts-file.ts';
import { parsePrivateKey } from '../adapters/ssh/private-keys.ts';
import { learnHostKeys } from '../adapters/ssh/trust.ts';
import { readNodeCertificates } from '../adapters/tunnel/node-certificates.ts';
import type { AuditEntry } from '../core/model/audit.ts';
import type { Check } from '../core/model/check.ts';
import { bastionConfig, batchOf, SESSIONS, targetOf } from './prober-fixture.ts';
import { bastion, healthyNode, setupProber, useBastion } from './prober-fleet.ts';
import { CLIENT_KEY, type FakeNode } from './ssh-fleet.ts';
import {
  memoryAudit,
  open as openTunnel,
  serve,
  lines as tunnelLines,
  node as tunnelNode,
  useTunnels,
} from './tunnel-fixture.ts';

/** Modules that open connections or channels, or run commands. They know no audit: what uses them must write it. */
const OPENERS = [
  'bastion-connection',
  'bastion-session',
  'bastion-socket',
  'command',
  'confinement',
  'connection-pool',
  'key-scan',
  'login-checks',
  'node-sessions',
  'service-scan',
  'session',
  'tunnel',
].map((name) => `adapters/ssh/${name}.ts`);
/** They use of an opener what opens nothing: texts of errors, a list of names. */
const HARMLESS = ['adapters/ssh/login-failure.ts', 'cli/json-shapes.ts'];

interface Seen {
  lines: readonly AuditEntry[];
  node: FakeNode;
}

/** What goes through the openers, and a run of it. */
const WAYS: Readonly<Record<string, () => Promise<Seen>>> = {
  'adapters/probes/prober.ts': () => probed({ name: 'x', probe: 'usage' }),
  'adapters/probes/node-handle.ts': () =>
    probed({ name: 'x', probe: 'tcp', options: { via: 'node', port: 9 } }),
  'adapters/ssh/trust.ts': trusted,
  'adapters/ssh/confinement-scan.ts': checked,
  'adapters/probes/command/run-by-hand.ts': executed,
  'adapters/tunnel/route.ts': tunnelled,
  'adapters/tunnel/node-certificates.ts': certificatesRead,
};

/** A check of each kind. */
const CHECKS: Readonly<Record<string, Check['options']>> = {
  usage: {},
  apiserver: {},
  etcd: {},
  pki: {},
  tls: { ports: [9] },
  http: { port: 9 },
  tcp: { port: 9 },
  konnectivity: {},
  kubelet: {},
  scheduler: {},
  'controller-manager': {},
  prometheus: { port: 9, series: [{ name: 'depth', metric: 'workqueue_depth' }] },
  command: { command: 'df' },
  hostkey: {},
};
const COMMAND = { name: 'df', script: 'df', timeoutMs: 5_000, maxOutputBytes: 1_000, where: {} };

useBastion();
useTunnels();

const secrets = { resolve: async () => CLIENT_KEY, redact: (text: string) => text };
const key = { key: parsePrivateKey(CLIENT_KEY, 'the key of the test') };

async function probed(check: Pick<Check, 'name' | 'probe'> & Partial<Check>): Promise<Seen> {
  const { prober, audit } = await setupProber({}, { checks: [check] });
  const node = await healthyNode();
  await prober.probe(batchOf([targetOf('n', node)], { checks: [check.name] }));
  return { lines: audit, node };
}

async function trusted(): Promise<Seen> {
  const node = await healthyNode();
  const targets = [targetOf('n', node)];
  const lines: AuditEntry[] = [];
  await learnHostKeys({
    config: { bastions: [bastionConfig(bastion)], clusters: [{ name: 'c', bastion: 'b', nodes: [] }] },
    targets,
    fleet: targets,
    secrets,
    knownHosts: '/nonexistent/known_hosts',
    ask: async () => false,
    audit: (entry) => lines.push(entry),
    actor: 'cli:test',
    nowMs: Date.now,
  });
  return { lines, node };
}

async function checked(): Promise<Seen> {
  const node = await healthyNode();
  const target = targetOf('n', node);
  const lines: AuditEntry[] = [];
  const pinned = (line: string) => ({ accepted: [parseHostKey(line)], revoked: [] });
  await scanConfinement({
    scans: [
      {
        bastion: bastionConfig(bastion, { deadlines: { dialMs: 200 } }),
        key,
        pinned: pinned(bastion.hostKey),
        nodes: [
          {
            target,
            key,
            pinned: pinned(node.hostKey),
            services: [{ via: 'bastion', host: '127.0.0.1', port: 9 }],
          },
        ],
        permitted: [target],
      },
    ],
    audit: (entry) => lines.push(entry),
    actor: 'cli:test',
    nowMs: Date.now,
  });
  return { lines, node };
}

async function byHand() {
  const node = await healthyNode();
  const hop = bastionConfig(bastion);
  const config = { bastions: [hop], clusters: [{ name: 'c', bastion: 'b', nodes: [] }] };
  const lines: AuditEntry[] = [];
  const login = {
    bastion: hop,
    target: targetOf('n', node),
    sessions: SESSIONS,
    keyring: createKeyring(config, secrets),
    hostKeys: createPinnedKeys('/nonexistent/known_hosts'),
    nowMs: Date.now,
    signatures: undefined,
  };
  return { node, lines, login };
}

async function executed(): Promise<Seen> {
  const { node, lines, login } = await byHand();
  await runByHand(COMMAND, {
    ...login,
    accessor: { kind: 'exec', actor: 'cli:test' },
    audit: { ...memoryAudit, append: async (entries) => void lines.push(...entries) },
    signal: new AbortController().signal,
  });
  return { node, lines };
}

async function certificatesRead(): Promise<Seen> {
  const { node, lines, login } = await byHand();
  const record = (entry: AuditEntry) => void lines.push(entry);
  const reading = readNodeCertificates(
    { ...login, accessor: { kind: 'tunnel', actor: 'cli:test' }, record },
    {},
  );
  // The node of the test has no certificates; what counts is that it was asked.
  await reading.catch(() => {});
  return { node, lines };
}

async function tunnelled(): Promise<Seen> {
  const { port } = await serve((socket) => socket.end());
  await openTunnel(port);
  return { node: tunnelNode, lines: tunnelLines };
}

/** Each access that bastion and node saw has its line. */
function expectLines({ lines, node }: Seen): void {
  expect(bastion.logins).toBeGreaterThan(0);
  const ofBastion = lines.filter(({ target }) => target === undefined);
  expect(ofBastion.length).toBeGreaterThanOrEqual(bastion.logins);
  for (const line of lines) {
    expect(line).toMatchObject({ bastion: 'b', outcome: expect.any(String), durationMs: expect.any(Number) });
    expect(line.actor).toMatch(/^(bartizan|cli:test)$/);
    expect(line.kind).toMatch(/^(probe|trust|check|tunnel|exec)$/);
  }
  const ofNode = lines.filter(({ target }) => target === 'c/n');
  expect(ofNode.length).toBeGreaterThan(0);
  const scripts = ofNode.filter(({ commandSha256 }) => commandSha256 !== undefined);
  if (node.commands.length > 0) expect(scripts.length).toBeGreaterThan(0);
  // Where a connection to a service was asked for, a line names the port.
  const asked = [...bastion.dialled, ...node.dialled].map((to) => to.split(':').at(-1) ?? '');
  const services = asked.filter((port) => Number(port) !== node.port);
  const named = lines.map(({ command }) => command).join(' ');
  for (const port of new Set(services)) expect(named).toContain(port);
}

describe('every way in writes its lines', () => {
  it.each(Object.entries(WAYS))('%s', async (_, run) => {
    expectLines(await run());
  });

  it('there is a check of each kind', () => {
    expect(Object.keys(CHECKS).sort()).toEqual(PROBES.map(({ type }) => type).sort());
  });

  it.each(Object.keys(CHECKS))('a check of kind %s', async (probe) => {
    const command = probe === 'command' ? { command: COMMAND } : {};
    expectLines(await probed({ name: `its-${probe}`, probe, options: CHECKS[probe] ?? {}, ...command }));
  });
});

describe('there is no other way in', () => {
  const production = ['adapters', 'cli', 'local', 'functions', 'lib', 'bin'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.ts$/.test(name) && !/\.(test|fixture)\.ts$/.test(name))
      .map((name) => join(folder, name)),
  );
  const textOf = (file: string) => readFileSync(file, 'utf8');
  /** Files that a file imports values of. */
  const importsOf = (file: string) =>
    [...textOf(file).matchAll(/^(?:import|export)\s+(?!type\b)([^;]*?)\s+from\s+'([^']+)'/gms)]
      .filter(([, names = '']) => !/^\{(\s*type\s+\w+,?)+\s*\}$/.test(names))
      .map(([, , from = '']) => (from.startsWith('.') ? normalize(join(file, '..', from)) : from));

  it('only one module makes an SSH connection', () => {
    // The client of PostgreSQL has the same name.
    const clientOfDatabase = (text: string) => /\bimport\('pg'\)/.test(text) && !/\bssh2\b/.test(text);
    const makers = production.filter((file) => {
      const text = textOf(file);
      return /\bnew\s+(ssh2\.)?Client\b|\bssh2\.connect\b/.test(text) && !clientOfDatabase(text);
    });
    expect(makers).toEqual(['adapters/ssh/session.ts']);
  });

  it('no module runs the ssh of the system', () => {
    const spawning = production.filter((file) => /['"](node:)?child_process['"]/.test(textOf(file)));
    expect(spawning.filter((file) => /['"`](\S*\/)?(ssh|scp|sftp)['"`\s]/.test(textOf(file)))).toEqual([]);
  });

  it('what uses an opener is proved above to write its lines', () => {
    const users = production.filter(
      (file) =>
        !OPENERS.includes(file) &&
        !HARMLESS.includes(file) &&
        importsOf(file).some((one) => OPENERS.includes(one)),
    );
    expect(users.sort()).toEqual(Object.keys(WAYS).sort());
    for (const file of users) expect(`${file} ${textOf(file)}`).toMatch(/\bAuditEntry\b|\blogInAudited\b/);
  });

  it('every opener is there', () => {
    expect(OPENERS.filter((file) => !production.includes(file))).toEqual([]);
  });
});
