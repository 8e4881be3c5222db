// Files of other users, and real mounts: only root can create them.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newKey } from '../../localstack/fleet/new-key.ts';
import { foreignWriters } from './foreign-writers.ts';
import { checkKeyFile } from './key-file.ts';

const SOMEBODY = 12_345;
let dir: string;
let mounted: string;
beforeAll(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'bartizan-mounts-')));
  mounted = join(dir, 'keys');
  mkdirSync(mounted);
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', mounted]);
  // The layout of a Secret with `fsGroup`, as kubelet makes it.
  mkdirSync(join(mounted, '..2026_11_29'));
  for (const [name, mode] of [
    ['id', 0o440],
    ['open', 0o644],
  ] as const) {
    writeFileSync(join(mounted, '..2026_11_29', name), newKey());
    chownSync(join(mounted, '..2026_11_29', name), 0, 2_000);
    chmodSync(join(mounted, '..2026_11_29', name), mode);
    symlinkSync(join('..data', name), join(mounted, name));
  }
  symlinkSync('..2026_11_29', join(mounted, '..data'));
});
afterAll(() => {
  execFileSync('umount', [mounted]);
  rmSync(dir, { recursive: true });
});

it('the group of a key is ours if it is mounted read-only in memory; everybody else is not', async () => {
  expect(await checkKeyFile(join(mounted, 'id'), undefined)).toMatchObject({ problem: 'group' });
  execFileSync('mount', ['-o', 'remount,ro', mounted]);
  expect(await checkKeyFile(join(mounted, 'id'), undefined)).toBeUndefined();
  const open = await checkKeyFile(join(mounted, 'open'), undefined);
  expect(open).toMatchObject({ problem: 'others', mode: '0644' });
  expect(open?.advice).toContain('defaultMode: 0440');
});

it('a folder or file of another user is reported; one of the service itself is not', async () => {
  const data = join(dir, 'data');
  mkdirSync(data, { mode: 0o700 });
  const file = join(data, 'known_hosts');
  writeFileSync(file, '');
  chownSync(data, SOMEBODY, SOMEBODY);
  expect(await foreignWriters(data)).toEqual([]);
  expect((await foreignWriters(file)).map(({ path, who }) => `${path} ${who}`)).toEqual([
    `${data} user ${SOMEBODY}, who owns it`,
  ]);
  chownSync(file, SOMEBODY, SOMEBODY);
  expect(await foreignWriters(file)).toEqual([]);
});
