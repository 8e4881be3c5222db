import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { AuditEntry } from '../../core/model/audit.ts';
import { verifyObjectFolder } from './object-folder.ts';
import { createObjectAudit } from './objects.ts';

const NOW = Date.UTC(2026, 10, 30);
let dir: string;
const anchors: { writer: string; sequence: number; hash: string; atMs: number }[] = [];
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'audit-objects-'));
  anchors.splice(0);
  await write('probe/[7]', [2, 1, 3]);
  await write('probe/b', [1]);
});
afterEach(() => rmSync(dir, { recursive: true }));

const entry = (i: number): AuditEntry => ({
  atMs: NOW,
  kind: 'probe',
  actor: 'bartizan',
  bastion: 'seoul',
  target: `a/${i}`,
  durationMs: 12,
  bytes: 900,
  outcome: 'ok',
});

/** A function that writes so many lines in each object. */
async function write(writer: string, counts: readonly number[]): Promise<void> {
  const create = async (key: string, body: Uint8Array) => {
    const path = join(dir, key);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, body);
    return true;
  };
  const audit = createObjectAudit({ bucket: { create }, prefix: '', writer, nowMs: () => NOW });
  for (const count of counts) {
    const written = audit.append(Array.from({ length: count }, (_, i) => entry(i)));
    await audit.flush?.();
    await written;
  }
  anchors.push({ ...audit.head(), atMs: NOW });
}

const states = async () =>
  Object.fromEntries((await verifyObjectFolder(dir, anchors)).map(({ writer, state }) => [writer, state]));
const first = join('2026-11-30', 'probe', '-7-');
const objects = () => readdirSync(join(dir, first)).sort();

it('each process of a function has a chain of its own, which its anchor fits', async () => {
  expect(objects()).toHaveLength(3);
  expect(await states()).toEqual({ 'probe/-7-': 'fine', 'probe/b': 'fine' });
  anchors.pop();
  expect(await states()).toMatchObject({ 'probe/b': 'unanchored' });
});

it.each<[string, () => void]>([
  ['the newest object is missing', () => rmSync(join(dir, first, objects()[2] ?? ''))],
  ['an object in the middle is missing', () => rmSync(join(dir, first, objects()[1] ?? ''))],
  ['all objects of a process are missing', () => rmSync(join(dir, first), { recursive: true })],
  ['an object was changed', () => change((text) => text.replace('"bytes":900', '"bytes":901'))],
  ['an object is none', () => writeFileSync(join(dir, first, objects()[1] ?? ''), 'x')],
])('shows when %s', async (_, tamper) => {
  tamper();
  anchors.push({ writer: 'long/gone', sequence: 5, hash: 'x', atMs: NOW - 9e8 });
  expect(await states()).toMatchObject({ 'probe/-7-': 'broken', 'probe/b': 'fine' });
  expect(await states()).not.toHaveProperty('long/gone');
});

it('accepts that the oldest objects are gone after their retention, and a write that came twice', async () => {
  const [oldest = '', second = ''] = objects();
  rmSync(join(dir, first, oldest));
  const path = join(dir, first, second);
  writeFileSync(path.replace('.jsonl', '-2.jsonl'), readFileSync(path));
  expect(await states()).toMatchObject({ 'probe/-7-': 'fine' });
});

function change(to: (text: string) => string): void {
  const path = join(dir, first, objects()[0] ?? '');
  writeFileSync(path, gzipSync(to(gunzipSync(readFileSync(path)).toString())));
}
