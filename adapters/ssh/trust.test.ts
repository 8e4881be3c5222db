import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadConfig } from '../../cli/config-file.ts';
import type { Config } from '../../core/config/types.ts';
import type { Target } from '../../core/model.ts';
import type { AuditEntry } from '../../core/ports.ts';
import { type Fleet, startFleet } from '../../localstack/fleet/fleet.ts';
import { createFileInventory } from '../inventory/file.ts';
import { createSecrets } from '../secrets/secrets.ts';
import { learnHostKeys, type ShownKey } from './trust.ts';

let dir: string;
let fleet: Fleet;
let config: Config;
let targets: readonly Target[];
const known = () => readFileSync(join(dir, 'known_hosts'), 'utf8');

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-trust-'));
  const model = (name: string, seed: number) => ({ name, seed, memory: () => 50 });
  fleet = await startFleet({ dir: join(dir, 'nodes'), nodes: [model('n1', 1), model('n2', 2)] });
  writeFileSync(join(dir, 'key'), fleet.privateKey);
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

async function learn(answer: (key: ShownKey) => boolean) {
  const asked: ShownKey[] = [];
  const audit: AuditEntry[] = [];
  const report = await learnHostKeys({
    config,
    targets,
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

it('learns what is accepted, and names what cannot be reached', async () => {
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

it('asks nothing about what it knows', async () => {
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

it('never learns a key that is revoked, whatever is answered', async () => {
  const [n1] = fleet.nodes;
  writeFileSync(join(dir, 'known_hosts'), `${known()}@revoked * ${n1?.hostKey}\n`);
  const before = known();
  const { asked, outcomes } = await learn(() => true);
  expect(asked).toEqual(['prod/n1 revoked']);
  expect(outcomes).toMatchObject({ 'prod/n1': 'refused', 'prod/n2': 'already known' });
  expect(known()).toBe(before);
});
