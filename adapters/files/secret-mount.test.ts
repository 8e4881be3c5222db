import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isMountedSecret, mountOf } from './secret-mount.ts';

// Mounts as a pod, a container of Docker and a unit of systemd see them.
const MOUNTS = `1 0 0:30 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/a
2 1 0:31 / /dev/shm rw,nosuid - tmpfs shm rw,size=65536k
3 1 8:1 /var/lib/kubelet/etc-hosts /etc/hosts rw,relatime - ext4 /dev/sda1 rw
4 1 0:40 / /etc/bartizan/keys ro,relatime - tmpfs tmpfs rw,size=102400k
5 1 8:1 /srv/key /run/bound ro,relatime - ext4 /dev/sda1 rw
6 1 0:41 / /run/credentials/bartizan.service ro,nosuid,nodev shared:9 - ramfs none rw,mode=700
7 1 0:42 / /mnt/with\\040blank ro - tmpfs tmpfs rw
8 1 0:43 / /run/secrets rw - tmpfs tmpfs ro
9 1 0:44 / /twice ro - tmpfs tmpfs rw
10 1 0:45 / /twice rw - ext4 /dev/sdb rw
`;

describe('the mount that a file lies in', () => {
  it.each([
    ['/etc/bartizan/keys/..2026_11_29/id', 'tmpfs', true],
    ['/etc/bartizan/keys', 'tmpfs', true],
    ['/etc/bartizan/keys2/id', 'overlay', false],
    ['/run/credentials/bartizan.service/key', 'ramfs', true],
    ['/mnt/with blank/key', 'tmpfs', true],
    ['/run/secrets/key', 'tmpfs', true],
    ['/dev/shm/key', 'tmpfs', false],
    ['/run/bound', 'ext4', true],
    ['/twice/key', 'ext4', false],
    ['/home/key', 'overlay', false],
  ])('%s', (path, type, readOnly) => {
    expect(mountOf(path, MOUNTS)).toMatchObject({ type, readOnly });
  });

  it('is unknown where the system lists no mounts', () => {
    expect(mountOf('/key', '')).toBeUndefined();
  });
});

describe('a file', () => {
  let dir: string;
  beforeAll(() => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), 'bartizan-mount-')));
    writeFileSync(join(dir, 'key'), 'x');
  });
  afterAll(() => rmSync(dir, { recursive: true }));
  const line = (options: string, type: string) => `1 0 0:1 / {dir} ${options} - ${type} none rw\n`;

  it.each([
    ['read-only in memory', line('ro', 'tmpfs'), undefined, true],
    ['in memory', line('rw', 'tmpfs'), undefined, false],
    ['read-only on a disk', line('ro', 'ext4'), undefined, false],
    ['in the folder of credentials', '', '{dir}', true],
    ['beside it', '', '{dir}/other', false],
    ['nowhere known', '', undefined, false],
  ])('%s', async (_what, mounts, credentials, expected) => {
    const here = (text: string) => text.replace('{dir}', dir);
    const folder = credentials === undefined ? undefined : here(credentials);
    expect(await isMountedSecret(join(dir, 'key'), folder, here(mounts))).toBe(expected);
  });
});
