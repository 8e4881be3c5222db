import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { DatabaseName } from '../adapters/sqlite/integrity.ts';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { openSqliteStore } from '../adapters/stores/sqlite/store.ts';
import { ConfigError } from '../core/errors.ts';
import { incidentOf, T0 } from '../test/contract/state-fixtures.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createMeter } from './meter.ts';
import { checkData, forgetSetAside } from './recovery.ts';

let dir: string;
let meter: ReturnType<typeof createMeter>;
const check = (recover: boolean, met?: DatabaseName) =>
  checkData(dir, { recover, met, clock: { nowMs: () => 0 }, logger: createRecordingLogger(), meter });

beforeEach(async () => {
  meter = createMeter();
  dir = mkdtempSync(join(tmpdir(), 'bartizan-recovery-'));
  await openSqliteState({ path: dir }).close();
  await openSqliteStore({ path: dir }).close();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function damage(name: DatabaseName): void {
  const file = join(dir, `${name}.db`);
  const bytes = readFileSync(file);
  bytes.fill(0xa5, bytes.length - 8_192);
  writeFileSync(file, bytes);
}

it('reports nothing about intact databases, nor about a missing one', () => {
  expect([check(false), check(true)]).toEqual([[], []]);
  rmSync(dir, { recursive: true });
  expect(check(false)).toEqual([]);
});

it.each([['state'], ['samples']] as const)(
  'does not treat %s that cannot be read as damaged, and moves nothing',
  (name) => {
    const file = join(dir, `${name}.db`);
    rmSync(file);
    mkdirSync(file);
    expect(() => check(true)).toThrow(/cannot be opened|cannot be read/);
    expect(readdirSync(dir).filter((each) => each.includes('aside'))).toEqual([]);
  },
);

it.each([['state'], ['samples']] as const)('does not start on damaged %s, and gives an advice', (name) => {
  damage(name);
  const before = readFileSync(join(dir, `${name}.db`));
  expect(() => check(false)).toThrow(ConfigError);
  expect(() => check(false)).toThrow(
    new RegExp(`${name}\\.db is damaged .*bartizan up --recover.*bartizan data move-aside ${name}`),
  );
  expect(readFileSync(join(dir, `${name}.db`)).equals(before)).toBe(true);
});

it.each([
  ['state', "INSERT INTO counters VALUES ('k', '{\"a\":')", '1 row of counters cannot be read'],
  [
    'state',
    `INSERT INTO silence VALUES ('a', 1, '{}'), ('b', 1, '{"id": \x01\x02'), ('c', 1, '')`,
    '2 rows of silence cannot be read',
  ],
  [
    'samples',
    `INSERT INTO label_set VALUES (1, 'usage', '[["node","n', 1)`,
    '1 row of label_set cannot be read',
  ],
] as const)('treats an invalid JSON row of %s as damage: %s', (name, sql, detail) => {
  const db = new DatabaseSync(join(dir, `${name}.db`));
  db.exec(sql);
  db.close();
  expect(() => check(false)).toThrow(`${name}.db is damaged (${detail})`);
  expect(check(true)).toEqual([{ name, detail }]);
  expect(readdirSync(dir)).not.toContain(`${name}.db`);
});

it('puts damaged databases aside when it may, and deletes nothing', () => {
  damage('state');
  expect(check(true).map(({ name }) => name)).toEqual(['state']);
  expect(readdirSync(dir)).toContain('state.db.aside-19700101T000000Z');
  expect(readdirSync(dir)).not.toContain('state.db');
  expect(meter.text()).toContain('bartizan_databases_set_aside_total{database="state"} 1');
});

it('remembers what was put aside until the notice is stored, because the start may fail before', async () => {
  damage('state');
  const [first] = check(true);
  await openSqliteState({ path: dir }).close();
  damage('samples');
  expect(check(true)).toEqual([first, expect.objectContaining({ name: 'samples' })]);
  expect(check(false).map(({ name }) => name)).toEqual(['state', 'samples']);
  forgetSetAside(dir);
  expect(check(false)).toEqual([]);
  forgetSetAside(dir);
});

it('does not move a database when it cannot record that', () => {
  damage('state');
  mkdirSync(join(dir, 'set-aside.json.new'));
  expect(() => check(true)).toThrow(/set-aside\.json cannot be opened \(EISDIR\)/);
  expect(readdirSync(dir)).toContain('state.db');
});

it('puts a database aside whose damage the process met, even if the check finds nothing', () => {
  expect(check(true, 'state')).toEqual([{ name: 'state', detail: 'damage was met while it was in use' }]);
  expect(readdirSync(dir)).not.toContain('state.db');
});

it('notices a file that a crash has emptied, but accepts a new one', () => {
  writeFileSync(join(dir, 'state.db'), '');
  expect(check(false)).toEqual([]);
  writeFileSync(join(dir, 'audit.jsonl'), '{}\n');
  expect(() => check(false)).toThrow('state.db is damaged (the file is empty)');
});

it('notices an index that does not match its table, which the quick check does not', async () => {
  const state = openSqliteState({ path: dir });
  const incidents = ['a', 'b'].map((id) => ({
    value: incidentOf(id, { groupKey: id, dueAtMs: T0 }),
    version: 0,
  }));
  await state.commitIncidents({ incidents });
  await state.close();
  const db = new DatabaseSync(join(dir, 'state.db'));
  const page = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'incident_due'").get()?.rootpage;
  db.close();
  const bytes = readFileSync(join(dir, 'state.db'));
  // An empty page, as it was before both: a write that the disk lost.
  bytes.set(Buffer.from('0a00000000100000', 'hex'), (Number(page) - 1) * 4_096);
  writeFileSync(join(dir, 'state.db'), bytes);
  expect(() => check(false)).toThrow(/state\.db is damaged \(row \d missing from index incident_due/);
});
