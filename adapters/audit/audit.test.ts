import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../core/model/audit.ts';
import { chainLine, parseChainLine } from './chain.ts';
import { createAuditFile } from './file.ts';
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

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'audit-'));
  file = join(dir, 'audit.jsonl');
});
afterEach(() => rmSync(dir, { recursive: true }));

const openAudit = () =>
  createAuditFile({ file, writer: 'local', nowMs: () => Date.UTC(2026, 0, 3), gatherMs: 0 });

async function write(...targets: string[]) {
  const audit = await openAudit();
  for (const target of targets) await audit.append([entry(target)]);
  const head = audit.head();
  await audit.close();
  return head;
}

const lines = () => readFileSync(file, 'utf8').trimEnd().split('\n');

describe('audit file', () => {
  it('chains its lines, also over restarts', async () => {
    await write('a/1', 'a/2');
    const head = await write('a/3');
    expect(head).toMatchObject({ writer: 'local', sequence: 3 });
    expect(await verifyAudit(file)).toEqual({
      ok: true,
      first: 1,
      entries: 3,
      repaired: 0,
      unfinished: 0,
      head: { sequence: 3, hash: head.hash },
      unanchored: 3,
      problems: [],
      moreProblems: 0,
    });
    expect(JSON.parse(lines()[2] ?? '')).toMatchObject({
      sequence: 3,
      writer: 'local',
      at: '2026-01-02T00:00:00.000Z',
      target: 'a/3',
      outcome: 'ok',
      hash: head.hash,
    });
  });

  it('writes concurrent entries in the order in which they came', async () => {
    const audit = await openAudit();
    await Promise.all(Array.from({ length: 100 }, (_, i) => audit.append([entry(`a/${i}`)])));
    await audit.close();
    expect(lines().map((line) => JSON.parse(line).target)).toEqual(
      Array.from({ length: 100 }, (_, i) => `a/${i}`),
    );
    expect(await verifyAudit(file)).toMatchObject({ ok: true, entries: 100 });
  });

  it.each<[string, (text: string) => string, string, number]>([
    ['changed', (text: string) => text.replace('a/2', 'a/9'), 'changed', 2],
    ['removed', (text: string) => text.split('\n').toSpliced(1, 1).join('\n'), 'missing', 2],
    [
      'swapped',
      (text: string) =>
        text
          .split('\n')
          .with(0, text.split('\n')[1] ?? '')
          .join('\n'),
      'misplaced',
      2,
    ],
    ['put in twice', (text: string) => `${text.split('\n')[0]}\n${text}`, 'misplaced', 2],
  ])('detects a line that was %s', async (_, tamper, kind, line) => {
    await write('a/1', 'a/2', 'a/3');
    writeFileSync(file, tamper(readFileSync(file, 'utf8')));
    const { ok, problems } = await verifyAudit(file);
    expect([ok, problems[0]?.kind, problems[0]?.line]).toEqual([false, kind, line]);
  });

  it('detects a forged line with a valid hash, by the next line', async () => {
    await write('a/1', 'a/2', 'a/3');
    const [first, second, third] = lines();
    const { sequence, previous, hash, ...fields } = JSON.parse(second ?? '');
    const forged = chainLine(
      { sequence: 1, hash: JSON.parse(first ?? '').hash },
      { ...fields, target: 'a/9' },
    );
    writeFileSync(file, `${[first, forged.line, third].join('\n')}\n`);
    expect((await verifyAudit(file)).problems).toMatchObject([{ kind: 'replaced', line: 3 }]);
  });

  it('detects an unfinished line that was changed after it was marked', async () => {
    await write('a/1');
    appendFileSync(file, '{"sequence":2,"prev');
    await write('a/2');
    expect(await verifyAudit(file)).toMatchObject({ ok: true, repaired: 1 });
    writeFileSync(file, readFileSync(file, 'utf8').replace('"sequence":2,"prev\n', '"sequence":2,"free\n'));
    expect((await verifyAudit(file)).problems).toMatchObject([{ kind: 'changed', line: 2 }]);
  });

  it('marks a line that a crash left unfinished, and loses none before it', async () => {
    await write('a/1', 'a/2');
    const whole = readFileSync(file).length;
    const { sequence } = await write('a/3');
    truncateSync(file, whole + 40);
    await write('a/4');
    expect(sequence).toBe(3);
    expect(lines()).toHaveLength(5);
    expect(JSON.parse(lines()[3] ?? '')).toMatchObject({ sequence: 3, event: 'torn-line', bytes: 40 });
    expect(await verifyAudit(file)).toMatchObject({ ok: true, entries: 3, repaired: 1 });
  });

  it('survives a crash at every byte of a write, and another one during recovery', async () => {
    await write('a/1');
    const before = readFileSync(file).length;
    await write('a/2');
    const bytes = readFileSync(file);
    for (let end = before; end <= bytes.length; end += 7) {
      writeFileSync(file, bytes.subarray(0, end));
      await write();
      const mended = readFileSync(file);
      for (let again = end; again <= mended.length; again += 31) {
        writeFileSync(file, mended.subarray(0, again));
        await write('a/3');
        expect(await verifyAudit(file)).toMatchObject({ ok: true });
        expect(lines().filter((line) => line.includes('"a/1"') || line.includes('"a/3"'))).toHaveLength(2);
      }
    }
  });

  it('takes an unfinished line at the end for one that is being written, and nowhere else', async () => {
    await write('a/1');
    appendFileSync(file, '{"sequence":2,"prev');
    expect(await verifyAudit(file)).toMatchObject({ ok: true, entries: 1, unfinished: 19 });
    appendFileSync(file, '\n');
    expect((await verifyAudit(file)).problems).toMatchObject([{ kind: 'changed', line: 2 }]);
    appendFileSync(file, '{"sequ');
    expect((await verifyAudit(file)).problems).toMatchObject([{ kind: 'changed', line: 2 }]);
  });

  it('starts again if not even the first line was finished', async () => {
    writeFileSync(file, '{"sequence":1,"previous":"00');
    await write('a/1');
    expect(await verifyAudit(file)).toMatchObject({ ok: true, entries: 1, repaired: 1 });
  });

  describe('in rotated files', () => {
    const openSmall = () => createAuditFile({ file, writer: 'local', gatherMs: 0, rotateAtBytes: 1_000 });
    async function fill(from: number, to: number) {
      const audit = await openSmall();
      for (let i = from; i < to; i++) await audit.append([entry(`a/${i}`)]);
      await audit.close();
    }

    it('goes on from one to the next, also over a restart', async () => {
      await fill(0, 10);
      await fill(10, 20);
      const files = readdirSync(dir).sort();
      expect(files.length).toBeGreaterThan(3);
      expect(files[0]).toMatch(/^audit\.0{11}\d\.jsonl$/);
      expect(files.at(-1)).toBe('audit.jsonl');
      expect(await verifyAudit(file)).toMatchObject({ ok: true, entries: 20, head: { sequence: 20 } });
    });

    it('goes on after a crash between the end of one and the first line of the next', async () => {
      await fill(0, 10);
      const [first = ''] = readdirSync(dir).sort();
      for (const name of readdirSync(dir)) if (name !== first) rmSync(join(dir, name));
      writeFileSync(file, '');
      await fill(10, 11);
      expect(JSON.parse(lines()[0] ?? '').sequence).toBe(Number(first.split('.')[1]) + 1);
      writeFileSync(file, '{"sequen');
      await fill(11, 12);
      expect(await verifyAudit(file)).toMatchObject({ ok: true, repaired: 1 });
    });

    it('shows each file that is missing', async () => {
      await fill(0, 20);
      const [first = '', second = '', third = ''] = readdirSync(dir).sort();
      rmSync(join(dir, first));
      const lastOf = (name: string) => Number(name.split('.')[1]);
      const missing = `lines 1 to ${lastOf(first)} are missing, and no line records why`;
      expect((await verifyAudit(file)).problems).toMatchObject([
        { kind: 'missing', line: 1, detail: missing },
      ]);
      rmSync(join(dir, third));
      const range = `lines ${lastOf(second) + 1} to ${lastOf(third)} are missing before it`;
      expect((await verifyAudit(file)).problems.map(({ detail }) => detail)).toEqual([range, missing]);
    });
  });

  describe('on a disk that rejects writes', () => {
    type Disk = Pick<FileHandle, 'appendFile' | 'datasync'>;

    /** Writes `a/1`, fails to write `a/2`, then writes `a/3`. */
    async function writeOverFailure(broken: (disk: Disk) => Partial<Disk>): Promise<string[]> {
      const audit = await openAudit();
      await audit.append([entry('a/1')]);
      const handle = await open(file);
      const disk = Object.getPrototypeOf(handle) as Disk;
      await handle.close();
      const { appendFile, datasync } = disk;
      Object.assign(disk, broken({ appendFile, datasync }));
      try {
        await expect(audit.append([entry('a/2')])).rejects.toThrow(/cannot be written/);
      } finally {
        Object.assign(disk, { appendFile, datasync });
      }
      await audit.append([entry('a/3')]);
      await audit.close();
      expect(await verifyAudit(file)).toMatchObject({ ok: true });
      return lines().flatMap((line) => (parseChainLine(line)?.target as string | undefined) ?? []);
    }

    it('keeps an entry of which nothing was written for the next try', async () => {
      const targets = await writeOverFailure(() => ({
        appendFile: () => Promise.reject(new Error('ENOSPC')),
      }));
      expect(targets).toEqual(['a/1', 'a/2', 'a/3']);
    });

    it('keeps an entry that was written in part, and marks that part', async () => {
      const targets = await writeOverFailure(({ appendFile }) => ({
        async appendFile(this: FileHandle, text) {
          await appendFile.call(this, String(text).slice(0, 40));
          throw new Error('ENOSPC');
        },
      }));
      expect(targets).toEqual(['a/1', 'a/2', 'a/3']);
      expect(lines().filter((line) => line.includes('torn-line'))).toHaveLength(1);
    });

    it('writes an entry again that may not have reached the disk', async () => {
      const targets = await writeOverFailure(() => ({
        datasync: () => Promise.reject(new Error('EIO')),
      }));
      expect(targets).toEqual(['a/1', 'a/2', 'a/2', 'a/3']);
    });
  });

  it('fails when the disk is full', async () => {
    const audit = await createAuditFile({ file: '/dev/full', writer: 'local' });
    await expect(audit.append([entry('a/1')])).rejects.toThrow(/cannot be written/);
    expect(audit.head().sequence).toBe(0);
  });
});
