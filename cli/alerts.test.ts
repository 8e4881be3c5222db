import { appendFileSync, chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { openSqliteStore } from '../adapters/stores/sqlite/store.ts';
import { newKey } from '../localstack/fleet/new-key.ts';
import { alertOf, T0, transitionOf } from '../test/contract/state-fixtures.ts';
import { asUnprivilegedUser } from '../test/unprivileged-user.ts';
import { capturePrinted, type Printed } from './printed.fixture.ts';
import { run } from './program.ts';

let dir: string;
let printed: Printed;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-alerts-'));
  chmodSync(dir, 0o755);
  writeFileSync(join(dir, 'key'), newKey());
  writeFileSync(
    join(dir, 'c.yaml'),
    `bastions: [{ name: gate, host: 127.0.0.1, user: u, privateKey: "\${file:key}" }]
clusters: [{ name: prod, bastion: gate, nodes: [{ name: n1, role: etcd, host: 127.0.0.1, user: u }] }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
store: { path: data }
`,
  );
  const state = openSqliteState({ path: join(dir, 'data') });
  const alert = alertOf('n1');
  await state.commitAlert({
    alert,
    expectedVersion: 0,
    transitions: [transitionOf(alert, 'firing', T0)],
    dueAtMs: T0,
  });
  await state.close();
  printed = capturePrinted();
});
afterEach(() => {
  process.exitCode = undefined;
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true });
});

const bartizan = (...args: string[]) => run(['node', 'bartizan', ...args, '-c', join(dir, 'c.yaml')]);

describe('`alerts`', () => {
  it('lists the alerts of state when there are no samples, and notes that values are unknown', async () => {
    await bartizan('alerts');
    expect(printed.out).toMatch(/^firing +mem +.*n1/m);
    expect(printed.err).toMatch(
      /^bartizan: the values of the alerts are unknown: store\.path: there are no data in \S+samples\.db/,
    );
    expect(process.exitCode).toBe(1);
  });

  it.each([
    ['the ratio that its rule compares', 'ratio: { of: mem_usage, over: swap_usage }', '190%', 190],
    ['the value of its window', 'metric: mem_usage, window: { last: 2m, reduce: max }', '97%', 97],
    ['the newest sample when the rule compares samples', 'metric: mem_usage', '95%', 95],
  ])('shows %s', async (_, compared, text, value) => {
    appendFileSync(join(dir, 'c.yaml'), `rules: [{ name: mem, ${compared}, above: 90, for: 5m }]\n`);
    const store = openSqliteStore({ path: join(dir, 'data') });
    const minute = Math.floor(Date.now() / 60_000) * 60_000;
    const { labels } = alertOf('n1');
    await store.write([
      { metric: 'mem_usage', labels, timeMs: minute - 60_000, value: 97 },
      { metric: 'mem_usage', labels, timeMs: minute, value: 95 },
      { metric: 'swap_usage', labels, timeMs: minute, value: 50 },
    ]);
    await store.close();
    await bartizan('alerts');
    expect(printed.out).toMatch(new RegExp(`^firing .* ${text} +[\\dm]+s `, 'm'));
    expect(printed.out).not.toMatch(/is bartizan running/);
    printed.out = '';
    await bartizan('alerts', '--json');
    expect(JSON.parse(printed.out)).toMatchObject([{ rule: 'mem', value, valueAtMs: minute }]);
  });
});

describe('`alerts` beside no running `up`', () => {
  it('notes how old the newest value is', async () => {
    appendFileSync(join(dir, 'c.yaml'), 'rules: [{ name: mem, metric: mem_usage, above: 90, for: 5m }]\n');
    const store = openSqliteStore({ path: join(dir, 'data') });
    const { labels } = alertOf('n1');
    const timeMs = Date.now() - 8 * 60_000 - 500;
    await store.write([{ metric: 'mem_usage', labels, timeMs, value: 95 }]);
    await store.close();
    await bartizan('alerts');
    expect(printed.out).toMatch(/^firing .* 95% +8m\d?s? /m);
    expect(printed.out).toMatch(/\nno value is newer than 8m\d?s?: is bartizan running\? /);
  });
});

describe('a data folder of another user', () => {
  it.each([
    'alerts',
    'alerts --last 1d',
    'query up',
    'silence list',
    'silence expire 1f0c',
    'data check',
    'data move-aside state',
    'routes test rule=memory',
    'probe',
    'up',
  ])('`%s` reports that this user may not read it', async (line) => {
    const folder = join(dir, 'data');
    const args = line.split(' ');
    // Loads the modules first, because the other user may not read them either.
    await bartizan(...args);
    Object.assign(printed, { out: '', err: '' });
    await asUnprivilegedUser(folder, 0o000, () => bartizan(...args));
    expect([printed.out, process.exitCode]).toEqual(['', 1]);
    expect(printed.err).toMatch(`store.path: ${folder} is closed`);
    expect(printed.err).not.toMatch(/no data/);
  });
});
