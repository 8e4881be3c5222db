import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { verifyAudit } from '../adapters/audit/read-chain.ts';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import type { StateStore } from '../core/ports.ts';
import { alertOf } from '../test/contract/state-fixtures.ts';
import { capturePrinted, type Printed } from './printed.fixture.ts';
import { run } from './program.ts';

let dir: string;
let printed: Printed;
let before: typeof process.exitCode;
/** A running `up` has it open like this. */
let state: StateStore;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-silence-'));
  before = process.exitCode;
  process.exitCode = undefined;
  writeFileSync(
    join(dir, 'b.yaml'),
    `bastions: [{ name: gate, host: 127.0.0.1, port: 1, user: u, privateKey: "\${file:b.yaml}" }]
clusters: [{ name: c, bastion: gate, nodes: [{ name: n, role: etcd, host: 127.0.0.1, user: u }] }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
rules: [{ name: mem, metric: mem_usage, above: 90, for: 5m }]
silences: [{ match: { node: n }, from: 2027-01-01T00:00:00Z, until: 2100-01-01T00:00:00Z, comment: "the file\u202e" }]
`,
  );
  state = openSqliteState({ path: join(dir, 'data') });
  printed = capturePrinted();
});
afterEach(async () => {
  process.exitCode = before;
  vi.restoreAllMocks();
  await state.close();
  rmSync(dir, { recursive: true });
});

async function bartizan(...args: string[]): Promise<number> {
  Object.assign(printed, { out: '', err: '' });
  process.exitCode = undefined;
  await run(['node', 'bartizan', ...args, '-c', join(dir, 'b.yaml')]);
  return Number(process.exitCode ?? 0);
}

const listed = () => state.listSilences({ endedAfterMs: 0 });
const auditFile = () => join(dir, 'data', 'cli', 'actions', 'audit.jsonl');

it('`silence add` adds a silence beside a running `up`, with author and comment, and prints the alerts that it covers', async () => {
  await state.commitAlert({ alert: alertOf('n'), expectedVersion: 0, transitions: [], dueAtMs: 0 });
  const args = ['--where', 'node=n', '-w', 'role=~etcd|api', '--for', '2h', '--comment', 'disk swap'];
  expect(await bartizan('silence', 'add', ...args, '--author', 'ann')).toBe(0);
  expect(printed.err).toBe('');
  expect(printed.out).toMatch(
    /^silence [0-9a-f]{8}: node="n" role=~"etcd\|api" until .* \(2h\), by ann: disk swap\n/,
  );
  expect(printed.out).toContain('covers now:\n  mem c / n\n');
  const [silence] = await listed();
  expect(silence).toMatchObject({
    matchers: [
      { name: 'node', op: '=', value: 'n' },
      { name: 'role', op: '=~', value: 'etcd|api' },
    ],
    author: 'ann',
    comment: 'disk swap',
  });
  expect((silence?.untilMs ?? 0) - (silence?.fromMs ?? 0)).toBe(7_200_000);
});

it('`silence add` warns when a silence matches nothing today, and adds it anyway', async () => {
  expect(await bartizan('silence', 'add', '-w', 'node=m', '--for', '2h', '--comment', 'x')).toBe(0);
  expect(printed.err).toBe('warning: it matches no node today\n');
  expect(printed.out).toContain('covers no alert now');
  await bartizan('silence', 'add', '-w', 'severity=critical', '--for', '2h', '--comment', 'x');
  expect(printed.err).toBe("warning: it matches no alert that today's rules and nodes can have\n");
  await bartizan('silence', 'add', '-w', 'mount=/data', '--for', '2h', '--comment', 'x');
  expect(printed.err).toMatch(/matches no alert/);
  expect(await listed()).toHaveLength(3);
});

it('`silence add` acknowledges an alert by the beginning of its id, until it resolves', async () => {
  await state.commitAlert({ alert: alertOf('n'), expectedVersion: 0, transitions: [], dueAtMs: 0 });
  expect(await bartizan('silence', 'add', '--alert', 'mem:', '--author', 'ann')).toBe(0);
  expect(printed.out).toMatch(
    /alert mem:n \(rule="mem" .*\) until it resolves, .* at the latest, by ann: acknowledged/,
  );
  expect((await listed())[0]).toMatchObject({ alertId: 'mem:n', comment: 'acknowledged' });
  await bartizan('silence', 'list');
  expect(printed.out).toMatch(/active +alert mem:n .* it resolves +ann +acknowledged/);
  const resolved = { ...alertOf('n'), status: 'ok' as const };
  await state.commitAlert({ alert: resolved, expectedVersion: 1, transitions: [], dueAtMs: 0 });
  await bartizan('silence', 'list');
  expect(printed.out).not.toContain('mem:n');
  await bartizan('silence', 'list', '--expired');
  expect(printed.out).toMatch(/expired +alert mem:n/);
  expect(await bartizan('silence', 'add', '--alert', 'mem:')).toBe(1);
  expect(printed.err).toContain('no alert mem: is pending or firing; `bartizan alerts` lists them');
});

it('`silence list` also lists silences of the configuration, which do not end at run time, without characters that control a terminal', async () => {
  await bartizan('silence', 'list');
  expect(printed.out).toMatch(/file:1 +(active|pending) +node="n" .*2100-01-01 00:00:00 +the file +the file/);
  expect(printed.out).not.toContain('\u202e');
  expect(await bartizan('silence', 'expire', 'file:1')).toBe(1);
  expect(printed.err).toMatch(
    /silences of the configuration do not end at run time; remove it from .*, `silences\[0\]`/,
  );
});

it('`silence add` refuses an end that is too far away or no time', async () => {
  expect(await bartizan('silence', 'add', '-w', 'node=n', '--for', '99999999999d', '--comment', 'x')).toBe(2);
  expect(printed.err).toContain('is longer than a hundred years');
  expect(await listed()).toEqual([]);
});

it('an empty id, for example of a shell variable that is not set, is wrong usage', async () => {
  await state.commitAlert({ alert: alertOf('n'), expectedVersion: 0, transitions: [], dueAtMs: 0 });
  for (const empty of ['', ' ']) {
    expect(await bartizan('silence', 'add', '--alert', empty)).toBe(2);
    expect(printed.err).toContain('It is empty');
  }
  await bartizan('silence', 'add', '-w', 'node=n', '--for', '2h', '--comment', 'x');
  expect(await bartizan('silence', 'expire', '')).toBe(2);
  expect(printed.err).toContain('It is empty');
  expect((await state.listSilences({ endedAfterMs: Date.now() })).length).toBe(1);
});

it('`silence expire` ends a silence at once, and only once', async () => {
  await bartizan('silence', 'add', '-w', 'node=n', '--for', '2h', '--comment', 'x');
  const [silence] = await listed();
  expect(await bartizan('silence', 'expire', silence?.id.slice(0, 8) ?? '')).toBe(0);
  expect(printed.out).toMatch(/^ended silence [0-9a-f]{8}: node="n"/);
  expect(await state.listSilences({ endedAfterMs: Date.now() })).toEqual([]);
  expect(await bartizan('silence', 'expire', silence?.id ?? '')).toBe(1);
  expect(printed.err).toContain('no silence');
});

it('each command appends a chained line to the audit, also when it fails', async () => {
  await bartizan('silence', 'add', '-w', 'node=n', '--for', '2h', '--comment', 'x', '--author', 'ann');
  const [silence] = await listed();
  await bartizan('silence', 'expire', silence?.id ?? '');
  const lines = readFileSync(auditFile(), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toMatchObject([
    { action: 'silence-added', subject: silence?.id, outcome: 'ok', actor: expect.stringMatching(/^cli:./) },
    { action: 'silence-ended', subject: silence?.id, outcome: 'ok' },
  ]);
  expect(lines[0].detail).toContain('by ann: x');
  expect(await verifyAudit(auditFile())).toMatchObject({ ok: true, entries: 2 });
});
