// What state keeps of an audit shows what the file alone cannot: that its end, or all of it, was exchanged.

import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../core/model/audit.ts';
import { createMemoryState } from '../../test/memory-state.ts';
import { type Anchor, chainLine, GENESIS, parseChainLine } from './chain.ts';
import { chainKeeper, readRemovedThrough, readStarts } from './chain-state.ts';
import { type AuditFileOptions, createAuditFile } from './file.ts';
import { verifyAudit } from './read-chain.ts';

const T = Date.UTC(2026, 0, 3);
let dir: string;
let file: string;
let state: ReturnType<typeof createMemoryState>;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'audit-anchors-'));
  file = join(dir, 'audit.jsonl');
  state = createMemoryState();
});
afterEach(() => rmSync(dir, { recursive: true }));

const entry = (target: string): AuditEntry => ({
  atMs: T,
  kind: 'probe',
  actor: 'bartizan',
  bastion: 'seoul',
  target,
  durationMs: 12,
  bytes: 900,
  outcome: 'ok',
});
const open = (more: Partial<AuditFileOptions> = {}) =>
  createAuditFile({
    file,
    writer: 'local',
    nowMs: () => T,
    gatherMs: 0,
    keeper: chainKeeper(state, 'local'),
    ...more,
  });

/** Writes a line for each target, and lets state keep the head. */
async function write(targets: readonly string[], more: Partial<AuditFileOptions> = {}): Promise<void> {
  const audit = await open(more);
  for (const target of targets) await audit.append([entry(target)]);
  const { sequence, hash } = audit.head();
  await state.putAuditHead('local', { sequence, hash, atMs: T });
  await audit.close();
}
const anchorNow = async () => (await state.listAuditHeads())[0] as Anchor | undefined;
const verify = async () =>
  verifyAudit(file, {
    anchor: await anchorNow(),
    starts: await readStarts(state, 'local'),
    removedThrough: () => readRemovedThrough(state, 'local'),
  });
const read = (path = file) => readFileSync(path, 'utf8');
const linesOf = (text: string) => text.trimEnd().split('\n');
const targetsOf = (path = file) =>
  linesOf(read(path)).map((line) => parseChainLine(line)?.target ?? parseChainLine(line)?.event);
const ASIDE = 'audit.aside-20260103T000000Z';

/** A whole chain that fits itself. */
function forge(targets: readonly string[], from = GENESIS): string {
  let head = from;
  return targets
    .map((target) => {
      const made = chainLine(head, { writer: 'local', at: new Date(T).toISOString(), ...entry(target) });
      head = made.head;
      return `${made.line}\n`;
    })
    .join('');
}

type Tampering = [name: string, kind: string, detail: RegExp, tamper: (text: string) => string];
const TAMPERINGS: readonly Tampering[] = [
  [
    'its newest line is removed',
    'missing',
    /ends with line 3, but line 4 was there/,
    (text) => withoutLast(text),
  ],
  [
    'its newest line is cut',
    'missing',
    /ends with line 3, but line 4 was there/,
    (text) => text.slice(0, -40),
  ],
  ['it is emptied', 'missing', /missing or empty, but line 4 was there/, () => ''],
  ['it is replaced as a whole', 'replaced', /line 4 is another one/, () => forge(['x', 'y', 'z', 'w', 'v'])],
  ['it is replaced by a shorter one', 'missing', /ends with line 2, but/, () => forge(['x', 'y'])],
  [
    'its end is replaced',
    'replaced',
    /line 4 is another one/,
    (text) => {
      const kept = linesOf(text).slice(0, 2);
      const { sequence = 0, hash = '' } = parseChainLine(kept[1] ?? '') ?? {};
      return `${kept.join('\n')}\n${forge(['x', 'y', 'z'], { sequence, hash })}`;
    },
  ],
  [
    'it claims that old lines were removed',
    'replaced',
    /begins with line 1000, but line 4 was there/,
    () => {
      const made = chainLine(
        { sequence: 999, hash: 'f'.repeat(64) },
        { event: 'lines-removed', reason: 'age', first: 1, last: 999, lastHash: 'f'.repeat(64) },
      );
      return `${made.line}\n`;
    },
  ],
  [
    'only its newest line is left, before a line that says that retention removed the others',
    'replaced',
    /it says that lines up to 3 were removed, and state has no record of that/,
    (text) => {
      const newest = linesOf(text).at(-1) ?? '';
      const { sequence = 0, hash = '', previous: lastHash } = parseChainLine(newest) ?? {};
      const mark = { event: 'lines-removed', reason: 'age', first: 1, last: sequence - 1, lastHash };
      return `${newest}\n${chainLine({ sequence, hash }, mark).line}\n`;
    },
  ],
  [
    'nothing is left, but a line that says that the chain began anew',
    'replaced',
    /the chain begins anew here, and state has no record of that/,
    (text) => {
      const { sequence = 0, hash = '' } = parseChainLine(linesOf(text).at(-1) ?? '') ?? {};
      return `${chainLine({ sequence, hash }, { event: 'chain-started', reason: 'x' }).line}\n`;
    },
  ],
];
const withoutLast = (text: string) => `${linesOf(text).slice(0, -1).join('\n')}\n`;

describe.each(TAMPERINGS)('an audit of which %s', (_, kind, detail, tamper) => {
  beforeEach(async () => {
    await write(['a/1', 'a/2', 'a/3', 'a/4']);
    writeFileSync(file, tamper(read()));
  });

  it('does not pass', async () => {
    const { ok, problems } = await verify();
    expect(ok).toBe(false);
    expect(problems).toContainEqual(expect.objectContaining({ kind, detail: expect.stringMatching(detail) }));
  });

  it('is kept, and a new chain begins after the anchor', async () => {
    const before = read();
    const anchor = await anchorNow();
    await write(['a/5']);
    if (before !== '') expect(read(join(dir, ASIDE, 'audit.jsonl'))).toBe(before);
    expect(readdirSync(dir).sort()).toEqual(before === '' ? ['audit.jsonl'] : [ASIDE, 'audit.jsonl']);
    const [first = '', second = ''] = linesOf(read());
    expect(parseChainLine(first)).toMatchObject({
      sequence: 5,
      previous: anchor?.hash,
      event: 'chain-started',
      reason: expect.stringMatching(detail),
      ...(before !== '' && { keptIn: ASIDE }),
    });
    expect(parseChainLine(second)).toMatchObject({ sequence: 6, target: 'a/5' });
    expect(await readStarts(state, 'local')).toEqual([
      expect.objectContaining({ anchor, first: { sequence: 5, hash: parseChainLine(first)?.hash } }),
    ]);
    expect(await verify()).toMatchObject({ ok: true, first: 5, entries: 1 });
    await write(['a/6']);
    expect(await verify()).toMatchObject({ ok: true, first: 5, entries: 2 });
  });
});

describe('an audit with an anchor', () => {
  it('is continued where it has more lines than were anchored', async () => {
    await write(['a/1', 'a/2']);
    const anchor = await anchorNow();
    await write(['a/3']);
    await state.putAuditHead('local', anchor as Anchor);
    expect(await verify()).toMatchObject({ ok: true, unanchored: 1 });
    await write(['a/4']);
    expect(targetsOf()).toEqual(['a/1', 'a/2', 'a/3', 'a/4']);
    expect(await verify()).toMatchObject({ ok: true, entries: 4, unanchored: 0 });
  });

  it('is continued where the anchored line is in a rotated file', async () => {
    await write(['a/1', 'a/2'], { rotateAtBytes: 10 });
    const anchor = await anchorNow();
    await write(['a/3', 'a/4', 'a/5'], { rotateAtBytes: 10 });
    await state.putAuditHead('local', anchor as Anchor);
    await write(['a/6'], { rotateAtBytes: 10 });
    expect(await verify()).toMatchObject({ ok: true, entries: 6 });
    expect(readdirSync(dir).filter((name) => name.includes('aside'))).toEqual([]);
  });

  it('is put aside with its rotated files', async () => {
    await write(['a/1', 'a/2', 'a/3'], { rotateAtBytes: 10 });
    const [oldest = ''] = readdirSync(dir).sort();
    writeFileSync(file, forge(['x']));
    await write(['a/4']);
    expect(readdirSync(dir).sort()).toEqual([ASIDE, 'audit.jsonl']);
    expect(readdirSync(join(dir, ASIDE))).toContain(oldest);
    expect(await verify()).toMatchObject({ ok: true, first: 4 });
  });

  it('is put aside a second time under another name', async () => {
    await write(['a/1']);
    for (const target of ['x', 'y']) {
      writeFileSync(file, forge([target]));
      await write(['a/2']);
    }
    expect(readdirSync(dir).sort()).toEqual([ASIDE, `${ASIDE}-2`, 'audit.jsonl']);
    expect(await readStarts(state, 'local')).toHaveLength(2);
    expect(await verify()).toMatchObject({ ok: true });
  });

  it('stays where it is while state cannot keep the new beginning, and no line is lost', async () => {
    await write(['a/1']);
    writeFileSync(file, forge(['x']));
    const keeper = chainKeeper(state, 'local');
    let broken = true;
    const errors: unknown[] = [];
    const audit = await open({
      keeper: {
        ...keeper,
        recordStart: (start) => (broken ? Promise.reject(new Error('full')) : keeper.recordStart(start)),
      },
      onUnopened: (error) => errors.push(error),
    });
    expect(errors).toMatchObject([{ message: 'full' }]);
    await expect(audit.append([entry('a/2')])).rejects.toThrow('cannot be written (full)');
    expect([readdirSync(dir), read()]).toEqual([['audit.jsonl'], forge(['x'])]);
    broken = false;
    await audit.append([entry('a/3')]);
    await audit.close();
    expect(targetsOf()).toEqual(['chain-started', 'a/2', 'a/3']);
  });

  it('is opened without a word to state by nobody who may throw', async () => {
    await write(['a/1']);
    writeFileSync(file, forge(['x']));
    const recordStart = () => Promise.reject(new Error('full'));
    await expect(open({ keeper: { ...chainKeeper(state, 'local'), recordStart } })).rejects.toThrow('full');
  });
});

describe('an audit that is changed while it is written', () => {
  it.each<[string, (path: string) => void, string[]]>([
    ['removed', (path) => rmSync(path), ['chain-started', 'a/3']],
    ['renamed', (path) => renameSync(path, `${path}.1`), ['chain-started', 'a/3']],
    ['emptied', (path) => writeFileSync(path, ''), ['chain-started', 'a/3']],
    ['shortened', (path) => writeFileSync(path, withoutLast(read(path))), ['chain-started', 'a/3']],
    ['exchanged for a copy', exchangeForCopy, ['a/1', 'a/2', 'a/3']],
    [
      'written by another program',
      (path) => appendFileSync(path, 'x\n'),
      ['a/1', 'a/2', undefined, 'torn-line', 'a/3'] as string[],
    ],
  ])('after it was %s, the next line is in the file that is there', async (_, change, expected) => {
    const audit = await open();
    await audit.append([entry('a/1')]);
    await audit.append([entry('a/2')]);
    change(file);
    await audit.append([entry('a/3')]);
    const { sequence, hash } = audit.head();
    await state.putAuditHead('local', { sequence, hash, atMs: T });
    await audit.close();
    expect(targetsOf()).toEqual(expected);
    expect(await verify()).toMatchObject({ ok: true });
  });

  function exchangeForCopy(path: string): void {
    cpSync(path, `${path}.copy`);
    renameSync(`${path}.copy`, path);
  }
});
