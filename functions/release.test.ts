import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { releaseOf } from './release.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-release-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

it('the name of a release changes when any file of the code changes, and stays when others do', () => {
  const none = releaseOf(dir);
  writeFileSync(join(dir, 'index.mjs'), 'a');
  const first = releaseOf(dir);
  writeFileSync(join(dir, 'font.ttf'), 'b');
  expect(releaseOf(dir)).toBe(first);
  writeFileSync(join(dir, 'chunk.mjs'), 'c');
  expect(new Set([none, first, releaseOf(dir)]).size).toBe(3);
});
