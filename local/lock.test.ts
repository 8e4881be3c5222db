import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
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

it('a folder has one holder, and none after that was killed', async () => {
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
