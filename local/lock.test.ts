import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { ConfigError } from '../core/errors.ts';
import { lockFolder } from './lock.ts';

const module = fileURLToPath(new URL('./lock.ts', import.meta.url));
const holder = (dir: string) => `
  const { lockFolder } = await import(${JSON.stringify(module)});
  lockFolder(${JSON.stringify(dir)});
  process.stdout.write('held');
  setInterval(() => {}, 1000);`;

it('a folder has one holder, and none after that one was killed', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-lock-'));
  const child = spawn(process.execPath, ['--input-type=module', '-e', holder(dir)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  expect(() => lockFolder(dir)).toThrow(ConfigError);
  expect(() => lockFolder(dir)).toThrow(/another bartizan process runs on/);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = lockFolder(dir);
  lock.release();
  lockFolder(dir).release();
  rmSync(dir, { recursive: true });
});

it('a folder that cannot be opened or written is not reported as held by another process', () => {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-lock-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  mkdirSync(join(dir, 'a', 'lock.db'), { recursive: true });
  expect(() => lockFolder(join(dir, 'a'))).toThrow(/lock\.db cannot be opened/);
  writeFileSync(join(dir, 'file'), '');
  expect(() => lockFolder(join(dir, 'file'))).toThrow(
    /store\.path: .*file is no folder|lock\.db cannot be opened \(E/,
  );
  mkdirSync(join(dir, 'b'));
  writeFileSync(join(dir, 'b', 'lock.db'), 'x'.repeat(8_192));
  expect(() => lockFolder(join(dir, 'b'))).toThrow(/lock\.db is damaged and contains no data: delete it/);
});
