import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { DatabaseName } from '../adapters/sqlite/damage.ts';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { openSqliteStore } from '../adapters/stores/sqlite/store.ts';
import { ConfigError } from '../core/errors.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createMeter } from './meter.ts';
import { checkData } from './recovery.ts';

let dir: string;
let meter: ReturnType<typeof createMeter>;
const check = (recover: boolean) =>
  checkData(dir, { recover, clock: { nowMs: () => 0 }, logger: createRecordingLogger(), meter });

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

it('says nothing of sound databases, nor of none', () => {
  expect([check(false), check(true)]).toEqual([[], []]);
  rmSync(dir, { recursive: true });
  expect(check(false)).toEqual([]);
});

it.each([['state'], ['samples']] as const)(
  'takes %s that cannot be read for no damage, and moves nothing',
  (name) => {
    const file = join(dir, `${name}.db`);
    rmSync(file);
    mkdirSync(file);
    expect(() => check(true)).toThrow(/cannot be opened|cannot be read/);
    expect(readdirSync(dir).filter((each) => each.includes('aside'))).toEqual([]);
  },
);

it.each([['state'], ['samples']] as const)('does not start on damaged %s, and says what to do', (name) => {
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
] as const)('takes a row of %s that is no JSON for damage: %s', (name, sql, detail) => {
  const db = new DatabaseSync(join(dir, `${name}.db`));
  db.exec(sql);
  db.close();
  expect(() => check(false)).toThrow(`${name}.db is damaged (${detail})`);
  expect(check(true)).toMatchObject([{ name, detail }]);
  expect(check(false)).toEqual([]);
});

it('puts damaged ones aside when it may, and deletes nothing', () => {
  damage('state');
  const aside = check(true);
  expect(aside.map(({ name, files }) => [name, files[0]])).toEqual([
    ['state', 'state.db.aside-19700101T000000Z'],
  ]);
  expect(readdirSync(dir)).toContain('state.db.aside-19700101T000000Z');
  expect(readdirSync(dir)).not.toContain('state.db');
  expect(meter.text()).toContain('bartizan_databases_set_aside_total{database="state"} 1');
  expect(check(false)).toEqual([]);
});
