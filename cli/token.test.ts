import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { verifyAudit } from '../adapters/audit/read-chain.ts';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import type { StateStore } from '../core/ports.ts';
import { isTokenOf } from '../history/access/token.ts';
import { capturePrinted, type Printed } from './printed.fixture.ts';
import { run } from './program.ts';

const TOKEN = /^bzt_([0-9a-f]{16})_[\w-]{43}\n$/;

let dir: string;
let printed: Printed;
let before: typeof process.exitCode;
/** A running `up` has it open like this. */
let state: StateStore;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-token-'));
  before = process.exitCode;
  writeFileSync(
    join(dir, 'b.yaml'),
    `bastions: [{ name: gate, host: 127.0.0.1, port: 1, user: u, privateKey: "\${file:b.yaml}" }]
clusters: [{ name: c, bastion: gate, nodes: [{ name: n, role: etcd, host: 127.0.0.1, user: u }] }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
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

it('`token add` prints the token alone; state has its hash, and nothing of the secret', async () => {
  const selector = ['--selector', 'cluster=~"prod-.*"', '--selector', 'customer!=acme'];
  expect(
    await bartizan('token', 'add', 'grafana', '--scope', 'silence', '--expires', '90d', ...selector),
  ).toBe(0);
  const text = printed.out.trim();
  const id = TOKEN.exec(printed.out)?.[1] ?? '';
  const [token] = await state.listTokens();
  expect(token).toMatchObject({
    id,
    name: 'grafana',
    scope: 'silence',
    selector: [
      { name: 'cluster', op: '=~', value: 'prod-.*' },
      { name: 'customer', op: '!=', value: 'acme' },
    ],
  });
  expect((token?.expiresAtMs ?? 0) - (token?.createdAtMs ?? 0)).toBe(90 * 86_400_000);
  expect(token && isTokenOf(text, token)).toBe(true);
  const secret = text.slice(text.lastIndexOf(id) + id.length + 1);
  for (const file of ['state.db', 'state.db-wal', 'cli/actions/audit.jsonl'])
    expect(readFileSync(join(dir, 'data', file), 'latin1'), file).not.toContain(secret.slice(0, 8));
  expect(printed.err).toBe('');
});

it('a name is taken while its token is valid', async () => {
  await bartizan('token', 'add', 'grafana');
  expect(await bartizan('token', 'add', 'grafana')).toBe(1);
  expect(printed.err).toContain('there is a valid token grafana; choose another name, or revoke that one');
  await bartizan('token', 'revoke', 'grafana');
  expect(await bartizan('token', 'add', 'grafana')).toBe(0);
});

it('`token list` shows valid tokens, on request ended ones, and never a hash', async () => {
  expect(await bartizan('token', 'list')).toBe(0);
  expect(printed.out).toBe('there are no tokens; `bartizan token add NAME` makes one\n');
  for (const name of ['grafana', 'old']) await bartizan('token', 'add', name);
  await bartizan('token', 'revoke', 'old');
  await bartizan('token', 'list');
  expect(printed.out).toMatch(
    /ID .*\n[0-9a-f]{16} +grafana +valid +read +the whole fleet +never +never +\S+\n$/,
  );
  await bartizan('token', 'list', '--ended', '--json');
  expect(JSON.parse(printed.out)).toMatchObject([{ status: 'valid' }, { name: 'old', status: 'revoked' }]);
  expect(printed.out).not.toContain('hash');
});

it('`token revoke` takes the name, the beginning of the id, or the token, which it never prints', async () => {
  for (const called of ['name', 'id', 'token']) {
    await bartizan('token', 'add', 'grafana');
    const text = printed.out.trim();
    const id = text.slice(4, 20);
    const meant = { name: 'grafana', id: id.slice(0, 6), token: text }[called] ?? '';
    expect(await bartizan('token', 'revoke', meant), called).toBe(0);
    expect(printed.out).toBe(`revoked token ${id}: grafana (read, the whole fleet), until it is revoked\n`);
    expect(await bartizan('token', 'revoke', text)).toBe(1);
    expect(printed.err).toContain(`there is no valid token ${id};`);
    expect(printed.err).not.toContain(text.slice(21, 29));
  }
  expect((await state.listTokens()).every(({ revokedAtMs }) => revokedAtMs !== undefined)).toBe(true);
});

it('a selector is about nodes', async () => {
  for (const [selector, why] of [
    ['mount=/', 'nodes have no label mount'],
    ['severity=critical', 'nodes have no label severity'],
    ['cluster=~(', 'is not a regular expression'],
    ['cluster', 'is no matcher; write one such as node="prod-1"'],
  ] as const) {
    expect(await bartizan('token', 'add', 'x', '--selector', selector)).toBe(2);
    expect(printed.err).toContain(why);
  }
  expect(await state.listTokens()).toEqual([]);
});

it('each change appends a chained line to the audit', async () => {
  await bartizan('token', 'add', 'grafana', '--selector', 'cluster=c');
  await bartizan('token', 'revoke', 'grafana');
  const file = join(dir, 'data', 'cli', 'actions', 'audit.jsonl');
  const lines = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const [token] = await state.listTokens();
  expect(lines).toMatchObject([
    {
      action: 'token-added',
      subject: token?.id,
      outcome: 'ok',
      detail: expect.stringContaining('cluster="c"'),
    },
    { action: 'token-revoked', subject: token?.id, outcome: 'ok', actor: expect.stringMatching(/^cli:./) },
  ]);
  expect(await verifyAudit(file)).toMatchObject({ ok: true, entries: 2 });
});
