import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { openSqliteStore } from '../adapters/stores/sqlite/store.ts';
import { lockFolder } from '../local/lock.ts';
import { capturePrinted, type Printed } from './printed.fixture.ts';
import { run } from './program.ts';

let dir: string;
let printed: Printed;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-data-'));
  writeFileSync(
    join(dir, 'bartizan.yaml'),
    `bastions: [{ name: b, host: b, user: u, privateKey: "\${file:k}" }]
clusters: [{ name: c, bastion: b, nodes: [{ name: n, role: etcd, host: h }] }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
store: { path: . }
`,
  );
  const store = openSqliteStore({ path: dir });
  const labels = { cluster: 'c', node: 'n', role: 'etcd' };
  await store.write(
    Array.from({ length: 2_000 }, (_, i) => ({ metric: 'mem_usage', labels, timeMs: i * 1_000, value: i })),
  );
  await store.close();
  await openSqliteState({ path: dir }).close();
  printed = capturePrinted();
});

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  rmSync(dir, { recursive: true, force: true });
});

const bartizan = (...args: string[]) =>
  run(['node', 'bartizan', 'data', ...args, '-c', join(dir, 'bartizan.yaml')]);
const file = () => join(dir, 'samples.db');
const databases = () => readdirSync(dir).filter((name) => /^samples\.db(?!.*-(wal|shm)$)/.test(name));

/** Damages all pages of a table but its root. */
function damage(table = 'samples_node'): void {
  const db = new DatabaseSync(file(), { readOnly: true });
  const pages = db
    .prepare('SELECT pgoffset, pgsize FROM dbstat WHERE name = ? AND path <> ?')
    .all(table, '/');
  db.close();
  const bytes = readFileSync(file());
  for (const { pgoffset, pgsize } of pages)
    bytes.fill(0xa5, Number(pgoffset), Number(pgoffset) + Number(pgsize));
  writeFileSync(file(), bytes);
}

it('`data check` distinguishes a damaged database from an intact one', async () => {
  await bartizan('check', '--json');
  expect(JSON.parse(printed.out)).toEqual([
    { name: 'samples', state: 'fine' },
    { name: 'state', state: 'fine' },
  ]);
  expect(process.exitCode).toBeUndefined();
  damage();
  printed.out = '';
  await bartizan('check');
  expect(printed.out).toMatch(/^samples\.db +damaged +\S.*\nstate\.db +fine/m);
  expect(process.exitCode).toBe(1);
});

it('`data check` finds a row that cannot be read although SQLite calls the file intact, and the database can be put aside', async () => {
  const db = new DatabaseSync(join(dir, 'state.db'));
  db.exec(`INSERT INTO counters VALUES ('k', '{"a')`);
  db.close();
  await bartizan('check');
  expect(printed.out).toMatch(/^state\.db +damaged +1 row of counters cannot be read$/m);
  expect(process.exitCode).toBe(1);
  await bartizan('move-aside', 'state');
  expect([printed.err, readdirSync(dir)]).toEqual(['', expect.not.arrayContaining(['state.db'])]);
});

it('`data move-aside` renames a damaged database, and the next start has an empty one', async () => {
  damage();
  await bartizan('move-aside', 'samples');
  expect(printed.err).toBe('');
  expect(printed.out).toMatch(/^put aside in .*: samples\.db\.aside-\d{8}T\d{6}Z/);
  expect(databases()).toEqual([expect.stringMatching(/^samples\.db\.aside-\d{8}T\d{6}Z$/)]);
  const store = openSqliteStore({ path: dir });
  expect(await store.query({ metric: 'mem_usage', fromMs: 0, toMs: 1e9 })).toEqual([]);
  await store.close();
});

it('`data move-aside` renames an intact database only with --force', async () => {
  await bartizan('move-aside', 'samples');
  expect(printed.err).toContain('samples.db is not damaged; --force puts it aside anyway');
  expect(databases()).toEqual(['samples.db']);
  await bartizan('move-aside', 'samples', '--force');
  expect(databases()).toEqual([expect.stringContaining('.aside-')]);
});

it('`data move-aside` refuses a folder that a process uses', async () => {
  damage();
  const lock = lockFolder(dir);
  await bartizan('move-aside', 'samples');
  lock.release();
  expect(printed.err).toContain('another bartizan process runs on');
  expect(databases()).toEqual(['samples.db']);
});

it('`data backup` and `data restore` say what they did, where, and what was there before', async () => {
  const kept = mkdtempSync(join(tmpdir(), 'bartizan-kept-'));
  onTestFinished(() => rmSync(kept, { recursive: true }));
  const backup = join(kept, 'data.tar');
  await bartizan('backup', backup);
  expect(printed.out).toMatch(
    /data\.tar: [\d.]+ KiB, 2 files, read back and sound\. It has everything until 20/,
  );
  await bartizan('restore', backup);
  expect(printed.err).toMatch(/store\.path: .* has data \(samples\.db, .*\); --force moves/);
});

it('the error about a damaged database names this command', async () => {
  damage();
  const store = openSqliteStore({ path: dir });
  const reading = store.query({ metric: 'mem_usage', fromMs: 0, toMs: 1e9 });
  await expect(reading).rejects.toThrow(/samples\.db is damaged.*`bartizan data move-aside samples`/);
  await expect(store.close()).rejects.toThrow(/is damaged/);
});

it('so does the error about one that cannot be opened', () => {
  damage('sqlite_schema');
  expect(() => openSqliteStore({ path: dir })).toThrow(
    /samples\.db is damaged.*`bartizan data move-aside samples`/,
  );
});
