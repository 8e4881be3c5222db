import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadConfig } from '../../cli/config-file.ts';
import type { AuditEntry } from '../../core/model/audit.ts';
import type { Config } from '../../core/model/config.ts';
import type { Target } from '../../core/model/target.ts';
import { type Fleet, startFleet } from '../../localstack/fleet/fleet.ts';
import { createFileInventory } from '../inventory/file.ts';
import { createSecrets } from '../secrets/secrets.ts';
import { learnHostKeys, type ScannedKey } from './trust.ts';

let dir: string;
let fleet: Fleet;
let config: Config;
let targets: readonly Target[];
const known = () => readFileSync(join(dir, 'known_hosts'), 'utf8');

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-trust-'));
  const model = (name: string, seed: number) => ({ name, seed, memory: () => 50 });
  fleet = await startFleet({ dir: join(dir, 'nodes'), nodes: [model('n1', 1), model('n2', 2)] });
  writeFileSync(join(dir, 'key'), fleet.privateKey, { mode: 0o600 });
  const nodes = [...fleet.nodes, { name: 'gone', host: '127.0.0.1', port: 1 }];
  writeFileSync(
    join(dir, 'c.yaml'),
    `bastions: [{ name: gate, host: 127.0.0.1, port: ${fleet.bastion.port}, user: probe, privateKey: "\${file:key}" }]
clusters: [{ name: prod, bastion: gate, nodes: [${nodes.map((n) => `{ name: ${n.name}, role: etcd, host: 127.0.0.1, port: ${n.port}, user: probe }`).join(', ')}] }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
`,
  );
  ({ config } = await loadConfig(join(dir, 'c.yaml')));
  targets = await createFileInventory(config).list();
});

afterAll(async () => {
  await fleet.stop();
  rmSync(dir, { recursive: true });
});

async function learn(
  answer: (key: ScannedKey) => boolean,
  changes: {
    config?: Config;
    targets?: readonly Target[];
    fleet?: readonly Target[];
    stop?: AbortSignal;
  } = {},
) {
  const asked: ScannedKey[] = [];
  const audit: AuditEntry[] = [];
  const report = await learnHostKeys({
    config,
    targets,
    fleet: targets,
    ...changes,
    secrets: createSecrets({ baseDir: dir }),
    knownHosts: join(dir, 'known_hosts'),
    ask: async (key) => {
      asked.push(key);
      return answer(key);
    },
    audit: (entry) => audit.push(entry),
    actor: 'test',
    nowMs: () => 0,
  });
  const outcomes = Object.fromEntries(report.shown.map(({ what, outcome }) => [what, outcome]));
  return {
    asked: asked.map(({ what, verdict }) => `${what} ${verdict}`),
    outcomes,
    failed: report.failed,
    audit,
  };
}

it('does not log in to a bastion that is refused', async () => {
  const { asked, outcomes, failed } = await learn(() => false);
  expect(asked).toEqual(['bastion gate unknown']);
  expect(outcomes).toEqual({ 'bastion gate': 'refused' });
  expect(failed[0]?.detail).toContain('3 nodes behind it were not looked at');
});

it('ends a scan when it is stopped, and keeps what was accepted', async () => {
  const stop = new AbortController();
  const stopped = learn(
    () => {
      stop.abort(new Error('Ctrl-C'));
      return true;
    },
    { stop: stop.signal },
  );
  await expect(stopped).rejects.toThrow('Ctrl-C');
  expect(known()).toContain(fleet.bastion.hostKey);
  expect(known()).not.toContain('%gate');
  rmSync(join(dir, 'known_hosts'));
});

it('waits for no silent host when it is stopped', async () => {
  const sockets: Socket[] = [];
  const stop = new AbortController();
  const silent = createServer((socket) => {
    sockets.push(socket);
    stop.abort(new Error('Ctrl-C'));
  });
  await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
  const { port } = silent.address() as AddressInfo;
  const bastions = config.bastions.map((bastion) => ({ ...bastion, port }));
  const ended = await learn(() => true, { config: { ...config, bastions }, stop: stop.signal }).catch(String);
  expect(ended).toBe('Error: Ctrl-C');
  for (const socket of sockets) socket.destroy();
  await new Promise((done) => silent.close(done));
});

it('learns accepted keys, and names hosts that it cannot reach', async () => {
  const { asked, outcomes, failed, audit } = await learn(() => true);
  expect(audit.map(({ target, outcome }) => `${target ?? 'hop'}: ${outcome}`).sort()).toEqual([
    'hop: host-key-shown',
    'prod/gone: unreachable',
    'prod/n1: host-key-shown',
    'prod/n2: host-key-shown',
  ]);
  expect(asked).toEqual(['bastion gate unknown', 'prod/n1 unknown', 'prod/n2 unknown']);
  expect(outcomes).toEqual({ 'bastion gate': 'learned', 'prod/n1': 'learned', 'prod/n2': 'learned' });
  expect(failed.map(({ what }) => what)).toEqual(['prod/gone']);
  expect(known()).toContain(`[127.0.0.1]:${fleet.bastion.port} ${fleet.bastion.hostKey}\n`);
  for (const node of fleet.nodes)
    expect(known()).toContain(`[127.0.0.1%gate]:${node.port} ${node.hostKey}\n`);
});

it('does not ask about known keys', async () => {
  const { asked, outcomes } = await learn(() => false);
  expect(asked).toEqual([]);
  expect(outcomes['prod/n1']).toBe('already known');
});

it('asks again about a key that changed, keeps the old one when refused, replaces it when accepted', async () => {
  const [n1, n2] = fleet.nodes.map((node) => node.hostKey);
  writeFileSync(join(dir, 'known_hosts'), known().replace(n1 ?? '', n2 ?? ''));
  const before = known();
  expect((await learn(() => false)).asked).toEqual(['prod/n1 changed']);
  expect(known()).toBe(before);
  expect((await learn(() => true)).outcomes['prod/n1']).toBe('learned');
  expect(known().match(new RegExp(`:${fleet.nodes[0]?.port} `, 'g'))).toHaveLength(1);
  expect(known()).toContain(n1);
});

it('replaces a key in every form of line, and keeps the keys of another host with the same address', async () => {
  const [node, other] = fleet.nodes as [Fleet['nodes'][number], Fleet['nodes'][number]];
  const before = known();
  const rest = before.replace(new RegExp(`.*%gate.*:${node.port} .*\\n`), '');
  const name = `[127.0.0.1]:${node.port}`;
  const lines = `  ${name.replace('1]', '1%gate]')}\t${other.hostKey}\n${name},[*]:9 ${other.hostKey}\n`;
  const n1 = targets.filter(({ node }) => node === 'n1');
  for (const [fleet, kept] of [
    [targets, `[*]:9 ${other.hostKey}\n`],
    [
      [...targets, ...n1.map((target) => ({ ...target, bastion: 'another' }))],
      `${name},[*]:9 ${other.hostKey}\n`,
    ],
  ] as const) {
    writeFileSync(join(dir, 'known_hosts'), `${rest}${lines}`);
    expect((await learn(() => true, { targets: n1, fleet })).outcomes['prod/n1']).toBe('learned');
    expect(known()).toBe(`${rest}${kept}[127.0.0.1%gate]:${node.port} ${node.hostKey}\n`);
  }
  writeFileSync(join(dir, 'known_hosts'), before);
});

it('learns no key beside one in the configuration, whatever the answer', async () => {
  const before = known();
  const pinned = targets
    .filter(({ node }) => node === 'n1')
    .map((target) => ({ ...target, hostKeys: [fleet.nodes[1]?.hostKey ?? ''] }));
  writeFileSync(join(dir, 'known_hosts'), before.replace(new RegExp(`.*:${fleet.nodes[0]?.port} .*\\n`), ''));
  const { asked, outcomes } = await learn(() => true, { targets: pinned });
  expect([asked, outcomes['prod/n1']]).toEqual([['prod/n1 changed'], 'refused']);
  writeFileSync(join(dir, 'known_hosts'), before);
});

it('learns nothing if a key was revoked while it asked', async () => {
  const before = known();
  const [n1, n2] = fleet.nodes.map((node) => node.hostKey);
  const changed = before.replace(n1 ?? '', n2 ?? '');
  writeFileSync(join(dir, 'known_hosts'), changed);
  const revoking = `${changed}@revoked * ${n1}\n`;
  const failed = learn(() => {
    writeFileSync(join(dir, 'known_hosts'), revoking);
    return true;
  });
  await expect(failed).rejects.toThrow('known_hosts now revokes the key of [127.0.0.1%gate]');
  expect(known()).toBe(revoking);
  writeFileSync(join(dir, 'known_hosts'), before);
});

it('never learns a revoked key, whatever the answer', async () => {
  const [n1] = fleet.nodes;
  writeFileSync(join(dir, 'known_hosts'), `${known()}@revoked * ${n1?.hostKey}\n`);
  const before = known();
  const { asked, outcomes } = await learn(() => true);
  expect(asked).toEqual(['prod/n1 revoked']);
  expect(outcomes).toMatchObject({ 'prod/n1': 'refused', 'prod/n2': 'already known' });
  expect(known()).toBe(before);
});
