import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, RetryableError } from '../../core/errors.ts';
import { openDatabase } from './database.ts';

const V1 = 'CREATE TABLE note (text TEXT NOT NULL) STRICT';
const V2 = "ALTER TABLE note ADD COLUMN author TEXT NOT NULL DEFAULT 'unknown'";

describe('database', () => {
  let path: string;
  const file = () => join(path, 'test.db');
  const open = (options: { migrations?: string[]; readOnly?: boolean; busyTimeoutMs?: number } = {}) =>
    openDatabase({ path, file: 'test.db', migrations: [V1], busyTimeoutMs: 20, ...options });
  const add = (database: ReturnType<typeof open>, text: string) =>
    database.write(() => database.prepare('INSERT INTO note (text) VALUES (?)').run(text));

  beforeEach(() => {
    path = join(mkdtempSync(join(tmpdir(), 'bartizan-db-')), 'data');
  });
  afterEach(() => rmSync(join(path, '..'), { recursive: true }));

  it('makes folder and file for their owner alone, log and index included', () => {
    const database = open();
    add(database, 'a');
    const mode = (name: string) => (statSync(name).mode & 0o777).toString(8);
    expect([path, file(), `${file()}-wal`, `${file()}-shm`].map(mode)).toEqual(['700', '600', '600', '600']);
    database.close();
  });

  it('waits for the disk at each commit, in WAL mode, and leaves no log behind', () => {
    const database = open();
    const pragma = (name: string) => database.prepare(`PRAGMA ${name}`).get();
    expect(pragma('journal_mode')).toEqual(['wal']);
    expect(pragma('synchronous')).toEqual([2]); // FULL
    add(database, 'a');
    expect(statSync(`${file()}-wal`).size).toBeGreaterThan(0);
    database.close();
    database.close();
    expect(() => statSync(`${file()}-wal`)).toThrow('ENOENT');
  });

  it('keeps the log from growing without bound, and empties it at the end even beside a reader', () => {
    const database = open();
    const reader = open({ readOnly: true });
    let largest = 0;
    for (let i = 0; i < 300; i++) {
      add(database, 'x'.repeat(100_000));
      reader.read(() => reader.prepare('SELECT count(*) FROM note').get());
      largest = Math.max(largest, statSync(`${file()}-wal`).size);
    }
    expect(statSync(file()).size).toBeGreaterThan(20_000_000);
    expect(largest).toBeLessThan(12_000_000);
    database.close();
    expect(statSync(`${file()}-wal`).size).toBe(0);
    reader.close();
  });

  it('migrates a file of the previous version, keeps its rows, and only once', () => {
    const old = open();
    add(old, 'kept');
    old.close();
    for (let i = 0; i < 2; i++) {
      const database = open({ migrations: [V1, V2] });
      expect(database.prepare('SELECT text, author FROM note').all()).toEqual([['kept', 'unknown']]);
      expect(database.prepare('PRAGMA user_version').get()).toEqual([2]);
      database.close();
    }
  });

  it('migrates all or nothing', () => {
    open().close();
    expect(() => open({ migrations: [V1, V2, 'CREATE TABLE note (again)'] })).toThrow();
    const database = open();
    expect(database.prepare('SELECT name FROM pragma_table_info(?)').all('note')).toEqual([['text']]);
    database.close();
  });

  it('refuses a file of a newer program, and says so', () => {
    open({ migrations: [V1, V2] }).close();
    for (const readOnly of [false, true]) {
      expect(() => open({ readOnly })).toThrow(ConfigError);
      expect(() => open({ readOnly })).toThrow(/newer bartizan \(schema 2, this program knows 1\); update/);
    }
  });

  it('reads beside the one that writes, and changes nothing', () => {
    expect(() => open({ readOnly: true })).toThrow(/no data in .*test\.db yet; `bartizan up`/);
    const database = open();
    add(database, 'a');
    const reader = open({ readOnly: true });
    expect(reader.prepare('SELECT text FROM note').all()).toEqual([['a']]);
    expect(() => add(reader, 'b')).toThrow(ConfigError);
    database.close();
    reader.close();
    expect(() => open({ readOnly: true, migrations: [V1, V2] })).toThrow(
      /older bartizan .* start `bartizan up` once/,
    );
    writeFileSync(file(), '');
    expect(() => open({ readOnly: true })).toThrow(/no data/);
  });

  it('gives a reader one moment for all its statements', () => {
    const database = open();
    const reader = open({ readOnly: true });
    reader.read(() => {
      const count = () => reader.prepare('SELECT count(*) FROM note').get();
      expect(count()).toEqual([0]);
      add(database, 'a');
      expect(count()).toEqual([0]);
    });
    database.close();
    reader.close();
  });

  it('takes back everything when a write fails half-way', () => {
    const database = open();
    const failing = () =>
      database.write(() => {
        database.prepare("INSERT INTO note (text) VALUES ('half')").run();
        throw new Error('no');
      });
    expect(failing).toThrow('no');
    add(database, 'whole');
    expect(database.prepare('SELECT text FROM note').all()).toEqual([['whole']]);
    database.close();
  });

  it('is retryable while another process holds the lock', () => {
    const database = open();
    const other = new DatabaseSync(file());
    other.exec('BEGIN IMMEDIATE');
    expect(() => add(database, 'a')).toThrow(RetryableError);
    expect(() => add(database, 'a')).toThrow(/locked by another process/);
    other.exec('COMMIT');
    add(database, 'a');
    other.close();
    database.close();
  });

  it('is retryable when the disk is full, and goes on when it is not any more', () => {
    const database = open();
    const limit = (pages: number) => database.prepare(`PRAGMA max_page_count = ${pages}`).get();
    limit(10);
    const large = () => add(database, 'x'.repeat(100_000));
    expect(large).toThrow(RetryableError);
    expect(large).toThrow(/no space left/);
    limit(1_000_000);
    large();
    expect(database.prepare('SELECT count(*) FROM note').get()).toEqual([1]);
    database.close();
  });

  it.each([
    ['all of it', 0, 8192],
    ['its pages', 4096, 8192],
  ])('tells the operator what to do about a damaged file: %s', (_what, from, to) => {
    const database = open();
    for (let i = 0; i < 100; i++) add(database, 'x'.repeat(1000));
    database.close();
    damage(file(), from, to);
    const use = () => {
      const damaged = open();
      try {
        damaged.read(() => damaged.prepare('SELECT text FROM note').all());
      } finally {
        damaged.close();
      }
    };
    expect(use).toThrow(ConfigError);
    expect(use).toThrow(/test\.db is damaged\. Stop bartizan and restore .* or put it aside/);
  });

  it('names the folder when it cannot be made or is none', () => {
    writeFileSync(path, 'a file');
    expect(() => open()).toThrow(ConfigError);
    expect(() => open()).toThrow(/store\.path: .* cannot be opened \(EEXIST\)|store\.path: .* is no folder/);
  });
});

function damage(file: string, from: number, to: number): void {
  const bytes = readFileSync(file);
  bytes.fill(0xa5, from, to);
  writeFileSync(file, bytes);
}
