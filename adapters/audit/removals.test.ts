// Only state makes a record of removed lines true: whoever can write the file alone can write such a record.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createMemoryState } from '../../test/memory-state.ts';
import { type ChainLine, chainLine, parseChainLine } from './chain.ts';
import { chainKeeper, readRemovedThrough, readStarts } from './chain-state.ts';
import { type AuditFile, createAuditFile } from './file.ts';
import { verifyAudit } from './read-chain.ts';
import { maintainAudit } from './retention.ts';

const T = Date.UTC(2026, 0, 3);
const WRITER = 'local';
let dir: string;
let file: string;
let state: ReturnType<typeof createMemoryState>;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'audit-removals-'));
  file = join(dir, 'audit.jsonl');
  state = createMemoryState();
});
afterEach(() => rmSync(dir, { recursive: true }));

const open = ({ keeper = chainKeeper(state, WRITER), rotateAtBytes = 10 } = {}) =>
  createAuditFile({ file, writer: WRITER, nowMs: () => T, gatherMs: 0, rotateAtBytes, keeper });

/** Writes so many lines, each into a file of its own, and lets state keep the head. */
async function write(count: number, rotateAtBytes = 10): Promise<void> {
  const audit = await open({ rotateAtBytes });
  for (let i = 0; i < count; i++) {
    await audit.append([
      { actor: 'cli:kim', action: 'silence-added', subject: '', detail: '', outcome: 'ok', atMs: T },
    ]);
  }
  const { sequence, hash } = audit.head();
  await state.putAuditHead(WRITER, { sequence, hash, atMs: T });
  await audit.close();
}

/** Lets retention remove the oldest file, which has the first line. */
function removeOldest(audit: AuditFile): ReturnType<typeof maintainAudit> {
  const retention = { keepMs: Number.POSITIVE_INFINITY, maxBytes: 1 };
  return maintainAudit({ file, retention, nowMs: T, anchoredSequence: 2, mark: audit.mark }).finally(
    audit.close,
  );
}

const lines = () => readFileSync(file, 'utf8').trimEnd().split('\n');
const verify = async () =>
  verifyAudit(file, {
    anchor: (await state.listAuditHeads())[0],
    starts: await readStarts(state, WRITER),
    removedThrough: () => readRemovedThrough(state, WRITER),
  });

it('shows lines that are missing in the middle, whatever a later line says', async () => {
  await write(4, 1_000_000);
  const [first = '', , , last = ''] = lines();
  const { sequence, hash } = parseChainLine(last) as ChainLine;
  const mark = { event: 'lines-removed', reason: 'age', first: 1, last: 3, lastHash: hash };
  writeFileSync(file, `${first}\n${last}\n${chainLine({ sequence, hash }, mark).line}\n`);
  expect((await verify()).problems.map(({ detail }) => detail)).toEqual([
    'lines 2 to 3 are missing before it',
    'it says that lines up to 3 were removed, and state has no record of that',
  ]);
});

it('lets state know a removal before the file', async () => {
  await write(3);
  const steps: unknown[] = [];
  const keeper = chainKeeper(state, WRITER);
  const recordRemoval = async (last: number) => {
    steps.push(last, parseChainLine(lines().at(-1) ?? '')?.event);
    await keeper.recordRemoval(last);
  };
  const done = await removeOldest(await open({ keeper: { ...keeper, recordRemoval } }));
  expect([done.removedLines, steps]).toEqual([1, [1, undefined]]);
  expect(await verify()).toMatchObject({ ok: true, first: 2, removed: { last: 1 } });
  await write(1);
  expect(await verify()).toMatchObject({ ok: true, first: 2 });
});

it('removes nothing that state cannot know', async () => {
  await write(3);
  const recordRemoval = () => Promise.reject(new Error('full'));
  const audit = await open({ keeper: { ...chainKeeper(state, WRITER), recordRemoval } });
  await expect(removeOldest(audit)).rejects.toThrow('full');
  expect(await verify()).toMatchObject({ ok: true, first: 1 });
});

it.each<[how: string, change: () => Promise<unknown>]>([
  ['were removed', async () => removeOldest(await open())],
  ['were put aside', async () => writeFileSync(file, 'x\n'.repeat(10_000))],
])('a state that is newer takes an audit whose first lines %s as it is', async (_, change) => {
  await write(3);
  await change();
  await write(1);
  state = createMemoryState();
  for (let i = 0; i < 2; i++) {
    await write(1);
    expect(await verify()).toMatchObject({ ok: true });
  }
  expect(await readStarts(state, WRITER)).toEqual([]);
});
