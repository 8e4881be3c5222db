// Full disks, and folders of other users: only root can make them.
import { execFileSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RetryableError } from '../core/errors.ts';
import { backUpData } from './data-backup.ts';
import { makeData, OPTIONS } from './data-folder.fixture.ts';
import { restoreData } from './data-restore.ts';

const SOMEBODY = 65_534;

let root: string;
let full: string;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'bartizan-full-'));
  full = join(root, 'full');
  mkdirSync(full);
  await makeData(join(root, 'data'), 20);
});
afterEach(() => {
  execFileSync('umount', ['-q', full]);
  rmSync(root, { recursive: true });
});
const mount = (size: string) => execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', full]);

// In the copy of a database, in the middle of the archive.
it.each(['64k', '400k'])(
  'a backup onto a full disk of %s names the disk, and leaves the last one',
  async (size) => {
    mount(size);
    const file = join(full, 'bartizan.tar');
    writeFileSync(file, 'the last one');
    const failed: unknown = await backUpData(join(root, 'data'), file, { ...OPTIONS, replace: true }).catch(
      (error: unknown) => error,
    );
    expect(failed).toBeInstanceOf(RetryableError);
    expect((failed as Error).message).toMatch(/no space left (for|in) .*full|full.* cannot be .*disk full/);
    expect(readdirSync(full)).toEqual(['bartizan.tar']);
    expect(readFileSync(file, 'utf8')).toBe('the last one');
  },
);

it('a restore onto a full disk changes nothing', async () => {
  const file = join(root, 'bartizan.tar');
  await backUpData(join(root, 'data'), file, OPTIONS);
  mount('200k');
  writeFileSync(join(full, 'known_hosts'), 'mine');
  await expect(restoreData(full, file, { ...OPTIONS, replace: true })).rejects.toThrow(/no space left/);
  expect(readFileSync(join(full, 'known_hosts'), 'utf8')).toBe('mine');
  expect(readdirSync(full).filter((name) => !name.startsWith('lock.db'))).toEqual(['known_hosts']);
  expect(existsSync(join(full, 'state.db'))).toBe(false);
});

it('a restore by root leaves everything to the user of the folder, also what it moved aside', async () => {
  mount('20m');
  const [data, file] = [join(root, 'data'), join(full, 'kept.tar')];
  await backUpData(data, file, OPTIONS);
  chownSync(data, SOMEBODY, SOMEBODY);
  const { aside } = await restoreData(data, file, { ...OPTIONS, replace: true });
  for (const name of ['state.db', aside ?? ''])
    expect(statSync(join(data, name))).toMatchObject({ uid: SOMEBODY, gid: SOMEBODY });
});
