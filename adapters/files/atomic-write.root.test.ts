// Files of other users, and mounts: only root can create them.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { replaceFile } from './atomic-write.ts';

const SOMEBODY = 12_345;
let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-owner-'));
  chmodSync(dir, 0o777);
  path = join(dir, 'file');
  writeFileSync(path, 'old');
});
afterEach(() => {
  spawnSync('umount', ['-q', path, join(dir, 'ro')]);
  rmSync(dir, { recursive: true });
});

/** Replaces the file as another user, in a process of its own. */
function replaceAs(uid: number): string {
  const script = `import(${JSON.stringify(join(import.meta.dirname, 'atomic-write.ts'))}).then(({ replaceFile }) =>
    replaceFile(${JSON.stringify(path)}, Buffer.from('new'))).then(console.log, (error) => console.log(error.message))`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { uid, gid: uid, encoding: 'utf8' });
  return `${stdout}${stderr}`.trim();
}

it('root keeps the owner', async () => {
  chownSync(path, SOMEBODY, SOMEBODY + 1);
  await replaceFile(path, Buffer.from('new'));
  expect([statSync(path).uid, statSync(path).gid]).toEqual([SOMEBODY, SOMEBODY + 1]);
});

it('a file that we may write, but whose owner we cannot keep, is not replaced', () => {
  chmodSync(path, 0o666);
  expect(replaceAs(SOMEBODY)).toBe(
    `${path}: it belongs to user 0, group 0, which we cannot keep; run this as that user`,
  );
  expect(readFileSync(path, 'utf8')).toBe('old');
});

it('a file that may not be written is not replaced, though its folder would let us', () => {
  chmodSync(path, 0o644);
  expect(replaceAs(SOMEBODY)).toBe(`${path}: this user may not write it, or not into its folder`);
  expect(readFileSync(path, 'utf8')).toBe('old');
});

it('a file that is a mount point is an error with its name', async () => {
  execFileSync('mount', ['--bind', path, path]);
  await expect(replaceFile(path, Buffer.from('new'))).rejects.toThrow('it is mounted by itself');
});

it('a read-only mount is an error with the name of the file', async () => {
  const mounted = join(dir, 'ro');
  mkdirSync(mounted);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', mounted]);
  await expect(replaceFile(join(mounted, 'file'), Buffer.from('new'))).rejects.toThrow('mounted read-only');
});
