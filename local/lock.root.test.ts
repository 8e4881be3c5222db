// Mounts: only root can create them.
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { lockData } from './lock.ts';

const SOMEBODY = 12_345;
let dir: string;
let mounted: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-lock-'));
  mounted = join(dir, 'data');
  mkdirSync(mounted);
});
afterEach(() => {
  execFileSync('umount', ['-q', mounted]);
  rmSync(dir, { recursive: true });
});
const mount = (options: string) => execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', mounted]);

it('a file system that is mounted read-only is named, with and without data', async () => {
  mount('size=4m');
  execFileSync('mount', ['-o', 'remount,ro', mounted]);
  const words = `store.path: ${mounted} is on a file system that is mounted read-only (EROFS)`;
  expect(() => lockData(mounted)).toThrow(words);
  execFileSync('mount', ['-o', 'remount,rw', mounted]);
  lockData(mounted).release();
  await openSqliteState({ path: mounted }).close();
  execFileSync('mount', ['-o', 'remount,ro', mounted]);
  expect(() => lockData(mounted)).toThrow(words);
});

it('a full file system is named', () => {
  mount('size=64k,nr_inodes=2');
  writeFileSync(join(mounted, 'full'), 'x');
  expect(() => lockData(mounted)).toThrow(`no space left for ${join(mounted, 'lock.db')}`);
});

it('what root locks in the folder of a service, the service can lock', () => {
  mount('size=64k');
  chownSync(mounted, SOMEBODY, SOMEBODY);
  lockData(mounted).release();
  expect(statSync(join(mounted, 'lock.db'))).toMatchObject({ uid: SOMEBODY, gid: SOMEBODY });
});
