import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { alertOf } from '../test/contract/state-fixtures.ts';
import { silenceOf } from '../test/contract/state-silences.ts';
import { run } from './program.ts';

let dir: string;
let out = '';
let before: typeof process.exitCode;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-routes-'));
  before = process.exitCode;
  writeFileSync(
    join(dir, 'b.yaml'),
    `bastions: [{ name: gate, host: 127.0.0.1, port: 1, user: u, privateKey: "\${file:b.yaml}" }]
clusters: [{ name: c, bastion: gate, nodes: [{ name: n, role: etcd, host: 127.0.0.1, user: u }] }]
channels:
  - { name: ops, type: webhook, url: "http://127.0.0.1:1/", fallback: spare }
  - { name: spare, type: webhook, url: "http://127.0.0.1:1/" }
rules:
  - { name: down, metric: up, below: 1, for: 3m, severity: critical }
  - { name: mem, metric: mem_usage, above: 90, for: 5m, inhibitedBy: [down] }
  - { name: load, metric: load1, above: 90, for: 5m, severity: info }
routes:
  - { name: night, match: { severity: info }, channels: [] }
  - { name: etcd, match: { role: etcd }, channels: [ops], repeatInterval: never }
`,
  );
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
});
afterEach(() => {
  process.exitCode = before;
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true });
});

async function routesTest(...args: string[]): Promise<string> {
  out = '';
  process.exitCode = undefined;
  await run(['node', 'bartizan', 'routes', 'test', ...args, '-c', join(dir, 'b.yaml')]);
  return `${out}exit ${process.exitCode ?? 0}`;
}

it('shows who would get an alert, and why, with labels that rule and node imply', async () => {
  expect(await routesTest('rule=mem', 'node=n')).toBe(
    `cluster=c role=etcd severity=warning rule=mem node=n

ROUTE          BECAUSE                        CHANNELS
night  passed  severity is warning, not info
etcd   taken   role is etcd                   ops

sent to ops, or spare where that fails (route etcd)
grouped with others of rule=mem cluster=c (route etcd): the first message at once, the next 5m later, never repeated
withheld while down fires for the same cluster and node; now it does not
exit 0`,
  );
});

it('distinguishes nobody on purpose from nobody by mistake', async () => {
  expect(await routesTest('rule=load', 'node=n')).toMatch(
    /nobody, on purpose\n.*not reached[\s\S]*nobody gets it, on purpose[\s\S]*exit 0$/,
  );
  expect(await routesTest('severity=critical')).toMatch(
    /wants a label role[\s\S]*nobody gets it: no route takes it[\s\S]*exit 1$/,
  );
});

it('uses the silences and firing alerts of state', async () => {
  const state = openSqliteState({ path: join(dir, 'data') });
  const down = alertOf('n', { id: 'down-1', rule: 'down' });
  await state.commitAlert({ alert: down, expectedVersion: 0, transitions: [], dueAtMs: 0 });
  await state.putSilence({ ...silenceOf('0123456789', Date.now() + 60_000), fromMs: 0 });
  const printed = await routesTest('rule=mem', 'node=n');
  expect(printed).toMatch(/withheld now by silence 01234567 until .* \(node=~"n\.\*\|감시": 디스크 교체\)/);
  expect(printed).toContain('withheld now: down fires for the same cluster and node');
  const json = JSON.parse((await routesTest('rule=mem', 'node=n', '--json')).replace(/exit 0$/, ''));
  expect(json).toMatchObject({
    hearers: [{ channel: 'ops', route: 'etcd', fallbacks: ['spare'] }],
    withheldBy: [
      { by: 'silence', name: '0123456789' },
      { by: 'inhibition', name: 'down', now: true },
    ],
  });
  await state.close();
});

it('knows the labels that the inventory gives a node', async () => {
  const file = join(dir, 'b.yaml');
  const text = readFileSync(file, 'utf8')
    .replace('name: c, bastion', 'name: c, labels: { customer: acme }, bastion')
    .replace('match: { role: etcd }', 'match: { customer: ac* }');
  writeFileSync(file, text);
  expect(await routesTest('rule=mem', 'node=n')).toContain('etcd   taken   customer is ac*');
  expect(await routesTest('rule=mem', 'node=n', 'customer=other')).toContain('customer is other, not ac*');
});
