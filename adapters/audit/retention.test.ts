import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../core/model/audit.ts';
import { createAuditFile } from './file.ts';
import { verifyAudit } from './read-chain.ts';
import { type AuditDisk, maintainAudit, REAL_DISK, type Retention } from './retention.ts';
import { findAll, findNewest } from './search.ts';

const DAY = 24 * 3_600_000;
const NOW = Date.UTC(2026, 10, 30);
const FOR_EVER: Retention = { keepMs: Number.POSITIVE_INFINITY, maxBytes: 1e12 };
const LINES = 20;

let dir: string;
let file: string;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'audit-retention-'));
  file = join(dir, 'audit.jsonl');
  await write(0, LINES);
});
afterEach(() => rmSync(dir, { recursive: true }));

const entry = (i: number): AuditEntry => ({
  atMs: NOW - (LINES - i) * DAY,
  kind: 'probe',
  actor: 'bartizan',
  bastion: 'seoul',
  target: `a/${i}`,
  durationMs: 12,
  bytes: 900,
  outcome: 'ok',
});
const open = () => createAuditFile({ file, writer: 'local', gatherMs: 0, rotateAtBytes: 700 });

/** A few lines make a file; each file was written on the day of its newest line. */
async function write(from: number, to: number): Promise<void> {
  const audit = await open();
  for (let i = from; i < to; i++) await audit.append([entry(i)]);
  await audit.close();
  for (const name of rotated()) {
    const last = Number(name.split('.')[1]);
    const at = new Date(NOW - (LINES - last) * DAY);
    utimesSync(join(dir, name), at, at);
  }
}

async function maintain(
  retention: Retention,
  more: { disk?: AuditDisk; nowMs?: number; anchoredSequence?: number } = {},
) {
  const audit = await open();
  try {
    const { mark } = audit;
    return await maintainAudit({ file, retention, nowMs: NOW, anchoredSequence: LINES, mark, ...more });
  } finally {
    await audit.close();
  }
}

const rotated = () =>
  readdirSync(dir)
    .filter((name) => /\.\d{12}\./.test(name))
    .sort();
const contentOf = (name: string) => {
  const bytes = readFileSync(join(dir, name));
  return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
};
const everything = () => ({ fromMs: 0, toMs: Number.POSITIVE_INFINITY, matches: () => true });
async function targets(): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const records of findAll(file, everything()))
    found.push(...records.flatMap(({ fields }) => fields.target ?? []));
  return found;
}
const numbered = (from: number, to = LINES) => Array.from({ length: to - from }, (_, i) => `a/${from + i}`);

describe('rotated files', () => {
  it('are compressed, keep their time and mode, and are read and verified as before', async () => {
    const before = rotated().map((name) => [contentOf(name), statSync(join(dir, name))] as const);
    expect(before.length).toBeGreaterThan(5);
    expect(await maintain(FOR_EVER)).toEqual({ compressed: before.length, removedFiles: 0, removedLines: 0 });
    const after = rotated();
    expect(after.every((name) => name.endsWith('.jsonl.gz'))).toBe(true);
    expect(after.map(contentOf)).toEqual(before.map(([text]) => text));
    for (const [i, name] of after.entries()) {
      const { mtimeMs, mode } = statSync(join(dir, name));
      expect([mtimeMs, mode]).toEqual([before[i]?.[1].mtimeMs, before[i]?.[1].mode]);
    }
    expect(readdirSync(dir).filter((name) => name.endsWith('.new'))).toEqual([]);
    expect(await verifyAudit(file)).toMatchObject({ ok: true, first: 1, entries: LINES });
    expect(await targets()).toEqual(numbered(0));
    const { records } = await findNewest(file, everything(), 7);
    expect(records.map(({ fields }) => fields.target)).toEqual(numbered(LINES - 7));
    await write(LINES, LINES + 5);
    expect(await verifyAudit(file)).toMatchObject({ ok: true, entries: LINES + 5 });
  });

  it('do not pass when a compressed one was changed, exchanged or removed', async () => {
    await maintain(FOR_EVER);
    const [, second = '', third = ''] = rotated();
    const whole = readFileSync(join(dir, second));
    writeFileSync(join(dir, second), whole.subarray(0, whole.length - 9));
    expect((await verifyAudit(file)).problems[0]).toMatchObject({ kind: 'unreadable' });
    writeFileSync(join(dir, second), readFileSync(join(dir, third)));
    expect((await verifyAudit(file)).ok).toBe(false);
    rmSync(join(dir, second));
    expect((await verifyAudit(file)).problems[0]).toMatchObject({ kind: 'missing' });
  });
});

it('a search finds lines before those of a clock that was set back', async () => {
  const audit = await createAuditFile({ file, writer: 'local', gatherMs: 0, rotateAtBytes: 1 });
  await audit.append([entry(LINES - 1_000), entry(LINES)]);
  await audit.close();
  const query = { ...everything(), fromMs: NOW - 3.5 * DAY };
  const wanted = [`a/${LINES - 3}`, `a/${LINES - 2}`, `a/${LINES - 1}`, `a/${LINES}`];
  const { records } = await findNewest(file, query, 100);
  expect(records.map(({ fields }) => fields.target)).toEqual(wanted);
  const all: unknown[] = [];
  for await (const found of findAll(file, query)) all.push(...found.map(({ fields }) => fields.target));
  expect(all).toEqual(wanted);
});

describe('the oldest lines', () => {
  it('are removed by age, and the chain records which', async () => {
    const { removedFiles, removedLines } = await maintain({ ...FOR_EVER, keepMs: 10.5 * DAY });
    expect(removedFiles).toBeGreaterThan(1);
    expect(await targets()).toEqual(numbered(removedLines));
    expect(removedLines).toBeGreaterThan(7);
    expect(await verifyAudit(file)).toMatchObject({
      ok: true,
      first: removedLines + 1,
      entries: LINES - removedLines,
      removed: { first: 1, last: removedLines, reason: 'age' },
    });
    expect(await maintain({ ...FOR_EVER, keepMs: 10.5 * DAY })).toMatchObject({ removedFiles: 0 });
  });

  it('stay where only the times of files say that they are old', async () => {
    await maintain(FOR_EVER);
    for (const name of rotated()) utimesSync(join(dir, name), 0, 0);
    expect(await maintain({ ...FOR_EVER, keepMs: LINES * DAY })).toMatchObject({ removedFiles: 0 });
  });

  it('are removed by size', async () => {
    await maintain(FOR_EVER);
    const sizes = [...rotated(), 'audit.jsonl'].map((name) => statSync(join(dir, name)).size);
    const maxBytes = sizes.slice(-3).reduce((a, b) => a + b);
    const { removedFiles } = await maintain({ ...FOR_EVER, maxBytes });
    expect(removedFiles).toBe(Math.min(8, sizes.length - 3));
    expect(await verifyAudit(file)).toMatchObject({ ok: true, removed: { first: 1, reason: 'size' } });
  });

  it('do not pass when somebody else removed them, or more than was recorded', async () => {
    await maintain({ ...FOR_EVER, keepMs: 12.5 * DAY });
    rmSync(join(dir, rotated()[0] ?? ''));
    expect((await verifyAudit(file)).problems).toMatchObject([
      {
        kind: 'missing',
        detail: expect.stringMatching(/^lines 1 to \d+ are missing, and no line records why$/),
      },
    ]);
  });

  it('stay where a clock far ahead calls all of them old, but for a few', async () => {
    const before = rotated().length;
    await maintain({ ...FOR_EVER, keepMs: DAY }, { nowMs: NOW + 10_000 * DAY });
    expect(rotated()).toHaveLength(Math.max(0, before - 8));
    expect(await targets()).toContain(`a/${LINES - 1}`);
  });

  it('stay from the line on that state compares the files with', async () => {
    await maintain({ ...FOR_EVER, keepMs: DAY }, { anchoredSequence: 5 });
    expect(await targets()).toContain('a/4');
    expect((await maintain({ ...FOR_EVER, keepMs: DAY }, { anchoredSequence: 0 })).removedFiles).toBe(0);
  });

  it('stay where the lines after them cannot be read, and that is an error', async () => {
    await maintain(FOR_EVER);
    const [, second = ''] = rotated();
    writeFileSync(join(dir, second), 'x');
    await expect(maintain({ ...FOR_EVER, keepMs: 15 * DAY })).rejects.toThrow(
      `${second} does not begin with line`,
    );
    expect(rotated()).toContain(second);
  });
});

describe('a crash', () => {
  const retention = { ...FOR_EVER, keepMs: 10.5 * DAY };
  /** Fails from the step on, as if the process had ended before it. */
  function failingFrom(step: number): { disk: AuditDisk; steps: () => number } {
    let steps = 0;
    const next = () => {
      if (steps++ >= step) throw new Error('killed');
    };
    return {
      steps: () => steps,
      disk: {
        rename: async (from, to) => {
          next();
          await REAL_DISK.rename(from, to);
        },
        rm: async (path) => {
          next();
          await REAL_DISK.rm(path);
        },
      },
    };
  }

  it('before any step of compression and removal loses no line that is not recorded as removed', async () => {
    const all = failingFrom(Number.POSITIVE_INFINITY);
    await maintain(retention, all);
    const whole = await targets();
    expect(all.steps()).toBeGreaterThan(10);
    for (let step = 0; step < all.steps(); step++) {
      rmSync(dir, { recursive: true });
      dir = mkdtempSync(join(tmpdir(), 'audit-retention-'));
      file = join(dir, 'audit.jsonl');
      await write(0, LINES);
      await expect(maintain(retention, failingFrom(step))).rejects.toThrow('killed');
      const verdict = await verifyAudit(file);
      expect(verdict.problems).toEqual([]);
      const left = await targets();
      expect(left).toEqual(numbered(LINES - left.length));
      // A next process completes what the first one left.
      await maintain(retention);
      expect(await verifyAudit(file)).toMatchObject({ ok: true });
      expect(await targets()).toEqual(whole);
    }
  });

  it('in the middle of compression leaves a file that is replaced', async () => {
    const [first = ''] = rotated();
    writeFileSync(join(dir, `${first}.gz.new`), 'half');
    expect(await verifyAudit(file)).toMatchObject({ ok: true });
    await maintain(FOR_EVER);
    expect(readdirSync(dir).filter((name) => name.endsWith('.new'))).toEqual([]);
    expect(await targets()).toEqual(numbered(0));
  });
});
