// How the audit file is opened, cut and kept; `audit.test.ts` has its chain.

import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../core/model/audit.ts';
import { parseChainLine } from './chain.ts';
import { type AuditFileOptions, createAuditFile } from './file.ts';
import { verifyAudit } from './read-chain.ts';

const entry = (target: string): AuditEntry => ({
  atMs: Date.UTC(2026, 0, 2),
  kind: 'probe',
  actor: 'bartizan',
  bastion: 'seoul',
  target,
  durationMs: 12,
  bytes: 900,
  outcome: 'ok',
});
const entries = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => entry(`a/${from + i}`));

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'audit-file-'));
  file = join(dir, 'deep', 'audit.jsonl');
});
afterEach(() => rmSync(dir, { recursive: true }));

const openAudit = (more: Partial<AuditFileOptions> = {}) =>
  createAuditFile({ file, writer: 'local', nowMs: () => Date.UTC(2026, 0, 3), gatherMs: 0, ...more });
async function write(list: readonly AuditEntry[], more: Partial<AuditFileOptions> = {}) {
  const audit = await openAudit(more);
  await audit.append(list);
  await audit.close();
}
const lines = (path = file) => readFileSync(path, 'utf8').trimEnd().split('\n');
const fieldsOf = (line = '') => parseChainLine(line) as Record<string, unknown> | undefined;
const modeOf = (path: string) => statSync(path).mode & 0o777;

/** Counts the flushes, and rejects writes while `isFull`. */
async function spyOnDisk<T>(use: (disk: { isFull: boolean; flushes: number }) => Promise<T>): Promise<T> {
  const handle = await open(join(dir, 'spied'), 'a');
  const prototype = Object.getPrototypeOf(handle) as Pick<FileHandle, 'appendFile' | 'datasync'>;
  await handle.close();
  const { appendFile, datasync } = prototype;
  const disk = { isFull: false, flushes: 0 };
  prototype.appendFile = function (this: FileHandle, ...args) {
    return disk.isFull ? Promise.reject(new Error('ENOSPC')) : appendFile.apply(this, args);
  };
  prototype.datasync = function (this: FileHandle) {
    disk.flushes++;
    return datasync.call(this);
  };
  return use(disk).finally(() => Object.assign(prototype, { appendFile, datasync }));
}

describe('a new audit file', () => {
  it('is created with its folder, for its owner alone, also after it was rotated', async () => {
    await write(entries(0, 5), { rotateAtBytes: 100 });
    await write(entries(5, 6), { rotateAtBytes: 100 });
    const paths = readdirSync(join(dir, 'deep')).map((name) => join(dir, 'deep', name));
    expect(paths).toHaveLength(2);
    expect(paths.map(modeOf)).toEqual([0o600, 0o600]);
  });

  it('keeps the mode that its owner gave it', async () => {
    await write(entries(0, 1));
    chmodSync(file, 0o640);
    await write(entries(1, 2));
    expect(modeOf(file)).toBe(0o640);
  });

  it('writes entries that come together with one flush', async () => {
    await spyOnDisk(async (disk) => {
      const audit = await openAudit();
      await Promise.all([audit.append(entries(0, 1)), audit.append([]), audit.append(entries(1, 3))]);
      expect(disk.flushes).toBe(1);
      await audit.append([]);
      expect(disk.flushes).toBe(1);
      await audit.close();
    });
    expect(lines()).toHaveLength(3);
  });

  it('writes what is still waiting when it is closed', async () => {
    const audit = await openAudit({ gatherMs: 20 });
    const written = audit.append(entries(0, 2));
    await audit.close();
    await written;
    expect(lines()).toHaveLength(2);
  });
});

describe('an audit file that is there', () => {
  it('is continued from its last line, however long it is', async () => {
    await write(entries(0, 300));
    expect(statSync(file).size).toBeGreaterThan(64 * 1024);
    await write(entries(300, 301));
    expect(await verifyAudit(file)).toMatchObject({ ok: true, entries: 301, repaired: 0 });
  });

  it('loses no line that lacks nothing but its line feed', async () => {
    await write(entries(0, 2));
    writeFileSync(file, readFileSync(file, 'utf8').trimEnd());
    await write(entries(2, 3));
    expect(lines().map((line) => fieldsOf(line)?.target)).toEqual(['a/0', 'a/1', 'a/2']);
    expect(await verifyAudit(file)).toMatchObject({ ok: true, entries: 3, repaired: 0 });
  });

  it('marks a last line that is whole and does not follow the one before', async () => {
    await write(entries(0, 1));
    const foreign = join(dir, 'foreign.jsonl');
    await write(entries(5, 6), { file: foreign });
    appendFileSync(file, lines(foreign)[0] ?? '');
    await write(entries(1, 2));
    expect(lines().map((line) => fieldsOf(line)?.event)[2]).toBe('torn-line');
    expect((await verifyAudit(file)).problems[0]).toMatchObject({ kind: 'misplaced', line: 2 });
  });

  it.each([
    ['without', '{"sequence":2,"prev', 19],
    ['with', '{"sequence":2,"prev\n', 19],
  ])('marks an unfinished line %s a line feed, when it finds it', async (_, rest, bytes) => {
    await write(entries(0, 1));
    appendFileSync(file, rest);
    await write(entries(1, 2), { writer: 'next' });
    expect(lines()).toHaveLength(4);
    expect(fieldsOf(lines()[2])).toMatchObject({
      sequence: 2,
      writer: 'next',
      at: '2026-01-03T00:00:00.000Z',
      event: 'torn-line',
      bytes,
    });
    expect(await verifyAudit(file)).toMatchObject({ ok: true, entries: 2, repaired: 1 });
  });

  it.each([
    [4 * 1024, true],
    [4 * 1024 + 1, false],
  ])('may hold %d bytes of a first line that a crash left: %s', async (bytes, isTaken) => {
    await write([]);
    writeFileSync(file, 'x'.repeat(bytes));
    if (isTaken) {
      await write(entries(0, 1));
      expect(await verifyAudit(file)).toMatchObject({ ok: true, entries: 1, repaired: 1 });
    } else {
      await write(entries(0, 1));
      expect(readdirSync(join(dir, 'deep')).sort()).toEqual(['audit.aside-20260103T000000Z', 'audit.jsonl']);
      expect(await verifyAudit(file)).toMatchObject({ ok: true, entries: 1, repaired: 0 });
    }
  });

  it('is rotated when it is longer than allowed, not before, and what is there then counts', async () => {
    await write(entries(0, 1));
    const { size } = statSync(file);
    await write(entries(1, 2), { rotateAtBytes: size });
    expect(readdirSync(join(dir, 'deep'))).toEqual(['audit.jsonl']);
    await write(entries(2, 3), { rotateAtBytes: size });
    expect(readdirSync(join(dir, 'deep')).sort()).toEqual(['audit.000000000002.jsonl', 'audit.jsonl']);
    expect(lines()).toHaveLength(1);
    // A new file begins with no bytes.
    const audit = await openAudit({ rotateAtBytes: size });
    await audit.append(entries(3, 4));
    await audit.append(entries(4, 5));
    await audit.close();
    expect(readdirSync(join(dir, 'deep')).sort()).toEqual([
      'audit.000000000002.jsonl',
      'audit.000000000004.jsonl',
      'audit.jsonl',
    ]);
  });
});

it('a disk that rejects writes leaves the oldest entries waiting, so many, and they are written in their order', async () => {
  await spyOnDisk(async (disk) => {
    const lost: number[] = [];
    const audit = await openAudit({ maxWaiting: 3, onLost: (entries) => lost.push(entries) });
    disk.isFull = true;
    for (let i = 0; i < 5; i++)
      await expect(audit.append(entries(i, i + 1))).rejects.toThrow('cannot be written');
    expect(audit.head()).toMatchObject({ sequence: 0 });
    expect(lost).toEqual([1, 1]);
    disk.isFull = false;
    await audit.append(entries(5, 6));
    expect(audit.head()).toMatchObject({ writer: 'local', sequence: 4 });
    await audit.close();
  });
  expect(lines().map((line) => fieldsOf(line)?.target)).toEqual(['a/0', 'a/1', 'a/2', 'a/5']);
});

it('other files beside it are not taken for rotated ones', async () => {
  await write(entries(0, 1));
  for (const name of [
    'audit.1.jsonl',
    'audit.000000000009.json',
    'audit.000000000009.jsonl.gz.new',
    'audit.000000000009.jsonl.bak',
    'audit-000000000009.jsonl',
  ])
    writeFileSync(join(dir, 'deep', name), 'other');
  await write(entries(1, 2));
  expect(await verifyAudit(file)).toMatchObject({ ok: true, entries: 2 });
});

it('a name without an extension is rotated as well', async () => {
  const plain = join(dir, 'audit');
  await write(entries(0, 2), { file: plain });
  await write(entries(2, 3), { file: plain, rotateAtBytes: 10 });
  expect(readdirSync(dir).filter((name) => name.startsWith('audit'))).toEqual([
    'audit',
    'audit.000000000002',
  ]);
  expect(await verifyAudit(plain)).toMatchObject({ ok: true, first: 1, entries: 3 });
});

describe('an audit that is verified', () => {
  it('holds where it is empty', async () => {
    await write([]);
    expect(await verifyAudit(file)).toEqual({
      ok: true,
      first: 0,
      entries: 0,
      repaired: 0,
      unfinished: 0,
      head: { sequence: 0, hash: '0'.repeat(64) },
      unanchored: 0,
      problems: [],
      moreProblems: 0,
    });
  });

  it('keeps letters of any language', async () => {
    await write([entry('프로드/n1'), entry('ü/2')]);
    expect(await verifyAudit(file)).toMatchObject({ ok: true, entries: 2 });
  });

  it('says which line is missing', async () => {
    await write(entries(0, 3));
    const [first, , third] = lines();
    writeFileSync(file, `${first}\n${third}\n`);
    expect((await verifyAudit(file)).problems).toEqual([
      { kind: 'missing', file, line: 2, detail: 'line 2 is missing before it' },
    ]);
  });

  it('after bytes that are no text marks them, and goes on', async () => {
    await write(entries(0, 1));
    appendFileSync(file, Buffer.from([0xff, 0xfe, 0x80]));
    await write(entries(1, 2));
    expect(await verifyAudit(file)).toMatchObject({ ok: true, entries: 2, repaired: 1 });
  });
});
