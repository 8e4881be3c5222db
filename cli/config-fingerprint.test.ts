import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { configFingerprint } from './config-fingerprint.ts';

let dir: string;
let file: string;
let included: string;
const now = () => configFingerprint(file, [included]);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-fingerprint-'));
  mkdirSync(join(dir, 'clusters.d'));
  [file, included] = [join(dir, 'bartizan.yaml'), join(dir, 'clusters.d/a.yaml')];
  writeFileSync(file, 'a');
  writeFileSync(included, 'b');
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

it('changes with a file that comes beside the included ones', async () => {
  const before = await now();
  writeFileSync(join(dir, 'clusters.d/b.yaml'), '');
  expect(await now()).not.toBe(before);
});

it.each([
  ['nothing', () => {}],
  ['a folder', () => mkdirSync(file)],
  ['a pipe', () => void execFileSync('mkfifo', [file])],
])('is undefined where there is %s', async (_, arrange) => {
  rmSync(file);
  arrange();
  expect(await now()).toBeUndefined();
});
