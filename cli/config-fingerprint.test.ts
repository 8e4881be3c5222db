import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFingerprint } from './config-fingerprint.ts';

let dir: string;
let file: string;
let included: string;
let reads: string[];
/** Later than the times of all files. */
let nowMs: number;
let now: () => Promise<string | undefined>;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-fingerprint-'));
  mkdirSync(join(dir, 'clusters.d'));
  [file, included] = [join(dir, 'bartizan.yaml'), join(dir, 'clusters.d/a.yaml')];
  writeFileSync(file, 'a');
  writeFileSync(included, 'b');
  [reads, nowMs] = [[], Date.now() + 60_000];
  const fingerprint = createFingerprint(file, {
    async read(path) {
      reads.push(path);
      return readFileSync(path);
    },
    nowMs: () => nowMs,
  });
  now = () => fingerprint([included]);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

it('changes with the content, and not with the time', async () => {
  const before = await now();
  expect(before).toBeDefined();
  writeFileSync(file, 'a');
  expect(await now()).toBe(before);
  writeFileSync(included, 'c');
  expect(await now()).not.toBe(before);
});

it('reads again what was written, also where size and time stay, and nothing else', async () => {
  utimesSync(included, 1_000, 1_000);
  const before = await now();
  reads = [];
  expect(await now()).toBe(before);
  expect(reads).toEqual([]);
  writeFileSync(included, 'c');
  utimesSync(included, 1_000, 1_000);
  expect(await now()).not.toBe(before);
  expect(reads).toEqual([included]);
});

it('reads again what was written a moment ago, as the next write may have the same time', async () => {
  nowMs = Date.now();
  await now();
  await now();
  expect(reads).toEqual([file, included, file, included]);
});

it('changes with a file that comes beside the included ones', async () => {
  const before = await now();
  writeFileSync(join(dir, 'clusters.d/b.yaml'), '');
  expect(await now()).not.toBe(before);
});

const ODD: [string, (path: string) => void][] = [
  ['nothing', () => {}],
  ['a folder', (path) => mkdirSync(path)],
  ['a pipe', (path) => void execFileSync('mkfifo', [path])],
];

it.each(ODD)('is undefined where there is %s', async (_, arrange) => {
  rmSync(file);
  arrange(file);
  expect(await now()).toBeUndefined();
});

it.each(ODD)('changes where there is %s in place of an included file', async (_, arrange) => {
  const before = await now();
  rmSync(included);
  arrange(included);
  expect(await now()).toBeDefined();
  expect(await now()).not.toBe(before);
});
