import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { ConfigError } from '../core/errors.ts';
import { asUnprivilegedUser } from '../test/unprivileged-user.ts';
import { lockData, lockFolder } from './lock.ts';

const module = fileURLToPath(new URL('./lock.ts', import.meta.url));
const holder = (dir: string) => `
  const { lockFolder } = await import(${JSON.stringify(module)});
  lockFolder(${JSON.stringify(dir)});
  process.stdout.write('held');
  setInterval(() => {}, 1000);`;

const reading = (dir: string) => `
  const { DatabaseSync } = await import('node:sqlite');
  const db = new DatabaseSync(${JSON.stringify(join(dir, 'state.db'))}, { readOnly: true });
  db.prepare('SELECT count(*) FROM sqlite_schema').get();
  process.stdout.write('reads');
  setTimeout(() => db.close(), 500);`;

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

it('a folder whose lock was removed beside the process that has it is still in use, and free after that process', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-lock-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const lock = lockData(dir);
  const state = openSqliteState({ path: dir });
  rmSync(join(dir, 'lock.db'));
  for (let tried = 0; tried < 2; tried++)
    expect(() => lockData(dir, 10)).toThrow(
      /another process has .*state\.db open, although lock\.db is free/,
    );
  await state.close();
  lock.release();
  lockData(dir, 10).release();
});

it('a command that reads state only for a moment does not keep a process from starting', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-lock-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  await openSqliteState({ path: dir }).close();
  const reader = spawn(process.execPath, ['--input-type=module', '-e', reading(dir)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void reader.kill('SIGKILL'));
  await once(reader.stdout, 'data');
  expect(() => lockData(dir, 0)).toThrow(/state\.db open/);
  const lock = lockData(dir, 60_000);
  lock.release();
});

it('a folder or lock of another user, and one that its owner closed, is named with its owner', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-lock-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  await asUnprivilegedUser(dir, 0o555, () => {
    expect(() => lockFolder(join(dir, 'data'))).toThrow(`${dir} is closed`);
    expect(() => lockFolder(dir)).toThrow(`${dir} is closed`);
  });
  lockFolder(dir).release();
  chmodSync(dir, 0o755);
  await asUnprivilegedUser(join(dir, 'lock.db'), 0o400, () => {
    expect(() => lockFolder(dir)).toThrow(/lock\.db is closed/);
  });
});
