// Reading an audit while it is written, rotated and removed.

import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { AuditEntry } from '../../core/model/audit.ts';
import { createAuditFile } from './file.ts';
import { linesOf, MAX_LINE_BYTES } from './raw-lines.ts';
import { readChain, verifyAudit } from './read-chain.ts';

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'audit-read-'));
  file = join(dir, 'audit.jsonl');
});
afterEach(() => rmSync(dir, { recursive: true }));

const entry = (target: string): AuditEntry => ({
  atMs: Date.now(),
  kind: 'probe',
  actor: 'bartizan',
  bastion: 'seoul',
  target,
  durationMs: 12,
  bytes: 900,
  outcome: 'ok',
});
const open = () => createAuditFile({ file, writer: 'local', gatherMs: 0, rotateAtBytes: 4_000 });

it('an audit that grows and is rotated while it is read holds at any moment', async () => {
  const audit = await open();
  let writing = true;
  const written = (async () => {
    for (let i = 0; i < 400; i++) await audit.append([entry(`a/${i}`), entry(`b/${i}`)]);
    writing = false;
  })();
  let verified = 0;
  let grew = 0;
  while (writing) {
    const { sequence, hash } = audit.head();
    const anchor = sequence > 0 ? { sequence, hash, atMs: 0 } : undefined;
    const verdict = await verifyAudit(file, { anchor });
    expect(verdict.problems).toEqual([]);
    verified++;
    if (verdict.unanchored > 0) grew++;
  }
  await written;
  await audit.close();
  expect(verified).toBeGreaterThan(3);
  expect(grew).toBeGreaterThan(0);
  expect(readdirSync(dir).length).toBeGreaterThan(20);
  expect(await verifyAudit(file)).toMatchObject({ ok: true, entries: 800 });
});

it('a file that is rotated after it was read is read on where it ended, without a line twice', async () => {
  const audit = await open();
  await audit.append([entry('a/1'), entry('a/2')]);
  const targets: unknown[] = [];
  for await (const piece of readChain(file)) {
    if (piece.type !== 'lines') continue;
    for (const { bytes } of piece.lines) targets.push(JSON.parse(bytes.toString()).target);
    if (targets.length === 2) {
      await audit.append([entry('a/3')]);
      renameSync(file, join(dir, 'audit.000000000003.jsonl'));
      await audit.append([entry('a/4')]);
    }
  }
  await audit.close();
  expect(targets).toEqual(['a/1', 'a/2', 'a/3', 'a/4']);
});

it('what is no file of an audit is reported, and the others are read', async () => {
  const audit = await open();
  await audit.append([entry('a/1')]);
  await audit.close();
  writeFileSync(join(dir, 'audit.000000000009.jsonl.gz'), 'no gzip');
  const { problems } = await verifyAudit(file);
  expect(problems[0]).toMatchObject({ kind: 'unreadable', file: join(dir, 'audit.000000000009.jsonl.gz') });
});

it('a line without an end needs no more memory than a line of ours', async () => {
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  async function* endless() {
    for (let i = 0; i < 20; i++) yield chunk;
    yield Buffer.from('\nshort');
  }
  const found = [];
  for await (const lines of linesOf(endless())) found.push(...lines);
  expect(found).toMatchObject([
    { number: 1, isEnded: true, isCut: true },
    { number: 2, isEnded: false, isCut: false },
  ]);
  expect(found[0]?.bytes.length).toBeLessThanOrEqual(MAX_LINE_BYTES);
});
