// `bartizan` under a limit of open files that is lower than its number of batches: each batch needs a connection.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyAudit } from '../../adapters/audit/read-chain.ts';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import { type Sink, startSink } from '../../localstack/sink/sink.ts';
import { scaledMs } from '../machine-speed.ts';
import { healthy } from '../node-behaviour.ts';
import {
  CLIENT_KEY,
  type FakeBastion,
  type FakeNode,
  startFakeBastion,
  startFakeNode,
} from '../ssh-fleet.ts';
import { until } from '../until.ts';

/** Node, two databases, audit, lock and server need about twenty files. */
const LIMIT = 48;
const BATCHES = 40;
/** Forty logins must fit into an interval. */
const EVERY_S = Math.min(20, Math.ceil(scaledMs(2_000) / 1000));
const HINTS = 'too many open files in this process: raise its limit (ulimit -n)';
const bin = fileURLToPath(new URL('../../bin/bartizan.ts', import.meta.url));

let dir: string;
let bastion: FakeBastion;
let node: FakeNode;
let sink: Sink;
let running: ChildProcess | undefined;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-open-files-'));
  [bastion, node] = await Promise.all([startFakeBastion(), startFakeNode(healthy)]);
  sink = await startSink({ secret: 'files-secret', dir: join(dir, 'messages') });
  writeFileSync(join(dir, 'key'), CLIENT_KEY, { mode: 0o600 });
  writeFileSync(join(dir, 'secret'), 'files-secret', { mode: 0o600 });
  const names = Array.from({ length: BATCHES }, (_, i) => `b${i}`);
  const slot = ({ port, hostKey }: FakeBastion | FakeNode) =>
    `host: 127.0.0.1, port: ${port}, user: probe, hostKeys: ["${hostKey}"]`;
  const bastions = names.map((name) => `  - { name: ${name}, ${slot(bastion)}, privateKey: "\${file:key}" }`);
  const clusters = names.map(
    (name) => `  - { name: ${name}, bastion: ${name}, nodes: [{ name: n, role: etcd, ${slot(node)} }] }`,
  );
  writeFileSync(
    join(dir, 'bartizan.yaml'),
    `
bastions:
${bastions.join('\n')}
clusters:
${clusters.join('\n')}
checks: [{ name: usage, probe: usage, every: ${EVERY_S}s }]
rules: [{ name: lost, metric: bastion_up, below: 1, for: 0s, severity: critical }]
channels: [{ name: ops, type: webhook, url: "${sink.url}", secret: "\${file:secret}" }]
routes: [{ name: all, channels: [ops], groupInterval: 0s }]
store: { path: data }
schedule: { jitter: 0s }
server: { listen: "127.0.0.1:0" }
`,
  );
});

afterAll(async () => {
  running?.kill('SIGKILL');
  await Promise.all([sink, bastion, node].map((each) => ('stop' in each ? each.stop() : each.close())));
  rmSync(dir, { recursive: true, force: true });
});

function start(program: string, ...args: readonly string[]): ChildProcess {
  running = spawn(program, args, { cwd: dir, stdio: ['ignore', 'pipe', 'inherit'] });
  return running;
}

async function newest(): Promise<Map<string, number>> {
  const store = openSqliteStore({ path: join(dir, 'data'), readOnly: true });
  const found = await store.query({ metric: 'bastion_up', fromMs: 0, toMs: Date.now() });
  await store.close();
  return new Map(found.map(({ labels, points }) => [labels.bastion ?? '', points.at(-1)?.value ?? -1]));
}

it('`probe` reports each bastion for which no file was left, and probes all others', async () => {
  // Sets both limits, because Node raises the soft one by itself.
  const child = start('prlimit', `--nofile=${LIMIT}`, process.execPath, bin, 'probe');
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += chunk;
  });
  expect(await once(child, 'close')).toEqual([1, null]);
  const lost = text.split('\n').filter((line) => line.startsWith('bastion '));
  expect(new Set(lost.map((line) => line.replace(/^bastion \w+/, '')))).toEqual(
    new Set([`: unreachable (bastion): ${HINTS}; 1 node behind it is unknown`]),
  );
  expect(text.match(/^\w+ +n +etcd +up /gm)).toHaveLength(BATCHES - lost.length);
});

it('`up` alerts when it may not open enough files, and recovers when it may', async () => {
  const child = start(process.execPath, bin, 'up', '--log-level', 'error');
  const exit = once(child, 'exit');
  const mayOpen = (count: number) =>
    execFileSync('prlimit', ['--pid', String(child.pid), `--nofile=${count}:`]);
  const up = async () => [...(await newest().catch(() => new Map())).values()].filter((value) => value === 1);
  await until('all are up', async () => (await up()).length === BATCHES, { everyMs: 200 });

  mayOpen(LIMIT);
  bastion.kill();
  const details = () => sink.messages.flatMap(({ payload }) => payload.alerts.map((alert) => alert.detail));
  await until('an alert with that detail', () => details().includes(`unreachable: ${HINTS}`));
  // Some batches still get a connection.
  const during = (await up()).length;
  expect(during).toBeGreaterThan(0);
  expect(during).toBeLessThan(BATCHES);

  mayOpen(1_000);
  await until('all are up', async () => (await up()).length === BATCHES, { everyMs: 200 });
  child.kill('SIGTERM');
  expect(await exit).toEqual([0, null]);
  for (const name of ['samples.db', 'state.db']) {
    const db = new DatabaseSync(join(dir, 'data', name), { readOnly: true });
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    db.close();
  }
  expect(await verifyAudit(join(dir, 'data/audit.jsonl'))).toMatchObject({ ok: true });
});
