import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import type { TargetStatus } from '../core/model/target-status.ts';
import { newKey } from '../localstack/fleet/new-key.ts';
import { coverageShape } from './coverage-shape.ts';
import { capturePrinted, type Printed } from './printed.fixture.ts';
import { run } from './program.ts';

let dir: string;
let printed: Printed;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-coverage-'));
  writeFileSync(join(dir, 'key'), newKey());
  const nodes = Array.from({ length: 30 }, (_, i) => `{ name: n${i}, role: etcd, host: 10.0.0.${i} }`);
  writeFileSync(
    join(dir, 'c.yaml'),
    `bastions: [{ name: gate, host: 127.0.0.1, user: u, privateKey: "\${file:key}" }]
clusters: [{ name: prod, bastion: gate, nodes: [${nodes.join(', ')}] }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
store: { path: data }
`,
  );
  printed = capturePrinted();
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = 0;
  rmSync(dir, { recursive: true, force: true });
});

const roundMs = Math.floor(Date.now() / 60_000) * 60_000;
const status = (node: string, more: Partial<TargetStatus> = {}): TargetStatus => ({
  cluster: 'prod',
  node,
  check: 'usage',
  roundMs,
  ok: true,
  ...more,
});

async function coverage(statuses: TargetStatus[], ...args: string[]) {
  const state = openSqliteState({ path: join(dir, 'data') });
  await state.putTargetStatus(statuses, { bastion: 'gate', index: 0 });
  await state.close();
  await run(['node', 'bartizan', 'coverage', '-c', join(dir, 'c.yaml'), ...args]);
  return { out: printed.out, code: process.exitCode };
}

const refused = status('n3', { ok: false, reason: 'auth', detail: 'it refused the key' });
const seen = Array.from({ length: 30 }, (_, i) => status(`n${i}`));

it('exits with 0 where every node is watched', async () => {
  expect(await coverage(seen)).toEqual({ out: '30 of 30 nodes watched\n', code: 0 });
});

it('groups the others by reason, and says how many are not shown', async () => {
  const { out: text, code } = await coverage([...seen.slice(0, 3), refused]);
  expect(code).toBe(1);
  expect(text).toMatch(/^3 of 30 nodes watched; 27 not\n\n26 never-seen: no check of it has ended yet\n/);
  expect(text).toContain('  and 6 more: --json has all\n');
  expect(text).toMatch(/1 auth: it refuses our login\n.*\n {2}prod\/n3 +\d\d:\d\d +it refused the key/);
});

it('has every node as JSON', async () => {
  const { out: text } = await coverage([...seen.slice(0, 3), refused], '--json');
  const report = coverageShape.parse(JSON.parse(text));
  expect([report.nodes, report.watched, report.unwatched.length, report.invalid]).toEqual([30, 3, 27, []]);
  expect(report.unwatched[0]).toEqual({
    cluster: 'prod',
    node: 'n3',
    reason: 'auth',
    detail: 'it refused the key',
    checkedAtMs: roundMs,
  });
});

it('counts the nodes that `up` has while the inventory does not answer, or lacks too many', async () => {
  const file = join(dir, 'c.yaml');
  const server = createServer((_, answer) => answer.end('[]')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const withSource = (at: number) => `${readFileSync(file, 'utf8').replace(/^inventory.*\n/m, '')}\
inventory: [{ type: http, name: cmdb, url: "http://127.0.0.1:${at}/" }]
`;
  const nodes = ['a', 'b', 'c'].map((name) => ({ name, role: 'etcd', host: '10.0.1.1', user: 'u' }));
  const state = openSqliteState({ path: join(dir, 'data') });
  const text = JSON.stringify({ name: 'extra', bastion: 'gate', nodes });
  await state.counters.save('inventory http cmdb', { extra: text });
  await state.close();
  try {
    for (const at of [1, port]) {
      printed.out = '';
      writeFileSync(file, withSource(at));
      const { out: shown } = await coverage([...seen, status('a', { cluster: 'extra' })]);
      expect(shown).toMatch(/^31 of 33 nodes watched; 2 not\n\n2 never-seen: /);
    }
  } finally {
    server.close();
  }
});
