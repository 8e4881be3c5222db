import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { configText } from '../test/config-cases.ts';
import { loadConfig } from './config-file.ts';

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-config-file-'));
  file = join(dir, 'bartizan.yaml');
  writeFileSync(file, configText());
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

it('refuses a file that is too large before it looks into it, so that a running process goes on', async () => {
  truncateSync(file, 16 * 1024 ** 2 + 1);
  await expect(loadConfig(file)).rejects.toThrow(`${file}: it has more than 16 MiB`);
});

it('reads a file of many lines', async () => {
  writeFileSync(file, `${configText()}\n${'# a comment\n'.repeat(10_000)}`);
  expect((await loadConfig(file)).config.clusters).toHaveLength(1);
});
