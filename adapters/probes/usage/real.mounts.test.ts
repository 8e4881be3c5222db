// The script on file systems that are really read-only, broken, on top of each other, or gone.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseUsage } from '../../../core/parse/usage-output.ts';
import { scaledMs } from '../../../test/machine-speed.ts';
import { usageScript } from './usage.ts';

/** A file system whose server answers only the first request: nobody can kill a process that waits for it. */
const SERVER = `
import ctypes, os, struct, sys
fd = os.open('/dev/fuse', os.O_RDWR)
options = f'fd={fd},rootmode=40000,user_id=0,group_id=0'.encode()
if ctypes.CDLL(None).mount(b'gone', sys.argv[1].encode(), b'fuse.gone', 0, options): sys.exit('not mounted')
print('mounted', flush=True)
while True:
    _, operation, unique, _ = struct.unpack_from('<IIQQ', os.read(fd, 1 << 20))
    if operation == 26:
        body = struct.pack('<IIIIHHII', 7, 31, 65536, 0, 12, 9, 65536, 1).ljust(64, bytes(1))
        os.write(fd, struct.pack('<IiQ', 16 + len(body), 0, unique) + body)
`;

/** Runs in its own mount namespace, which ends with all its mounts. $1 is a folder, $2 the script. */
const MOUNTS = `
set -e
mount --make-rprivate /
mount -t tmpfs -o size=100m none "$1"
cd "$1"
for name in error image good hidden kept shared; do
  truncate -s 4M $name.img
  mkfs.ext4 -q $name.img
  mkdir $name
done
mkdir bind lower upper work overlay
mount -o loop,errors=remount-ro error.img error
mount -o loop,ro image.img image
mount -o loop good.img good
mount --bind good bind
mount -o remount,bind,ro bind
mount -o loop hidden.img hidden
mount -t tmpfs none hidden
for name in kept shared; do
  mkdir $name-too
  mount -o loop $name.img $name
  mount --bind $name $name-too
done
mount -o remount,ro kept
mount -o remount,ro shared-too
mount -t overlay -o lowerdir=lower:upper image overlay
device=$(sed -n "s|^/dev/\\(loop[0-9]*\\) $1/error .*|\\1|p" /proc/mounts)
echo test >/sys/fs/ext4/$device/trigger_fs_error
sh <"$2"
`;

/** Runs the script three times on a node whose second disk is gone, and counts the waiting df after each. */
const GONE = `
set -e
mount --make-rprivate /
mount -t tmpfs none "$1"
cd "$1"
mkdir disk proc proc/self
python3 -c "$3" "$1/disk" >server &
server=$!
until [ -s server ]; do sleep 0.1; done
ln -s /proc/filesystems /proc/uptime proc
{
  echo '20 1 1:1 / / rw - ext4 /dev/x rw'
  sed -n 's/fuse.gone/fuseblk/p' /proc/self/mountinfo
} >proc/self/mountinfo
for look in 1 2 3; do
  BARTIZAN_ROOT="$1" sh <"$2"
  waiting=0
  for process in /proc/[0-9]*; do
    case $({ tr '\\000' ' ' <$process/cmdline; } 2>/dev/null) in "df -P "*"$1/disk "*)
      waiting=$((waiting + 1))
      ln -sfn $process proc/
      ;;
    esac
  done
  echo "waiting $waiting"
  sleep 1
done
kill $server
`;

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'mounts-'));
  writeFileSync(join(dir, 'script'), usageScript().text);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function inNamespace(script: string): string {
  const folder = mkdtempSync(join(dir, 'run-'));
  const args = ['--mount', 'sh', '-c', script, 'sh', folder, join(dir, 'script'), SERVER];
  const { stdout, stderr, status } = spawnSync('unshare', args, {
    encoding: 'utf8',
    timeout: scaledMs(60_000),
  });
  expect([stderr, status]).toEqual(['', 0]);
  return stdout.replaceAll(folder, '');
}

describe('real file systems', () => {
  it('are disks while they can be written to, or the kernel took that away', () => {
    const output = parseUsage(inNamespace(MOUNTS));
    const flags = output?.levels.filter(({ metric }) => metric === 'disk_read_only');
    const disks = flags?.map(({ labels, value }) => `${labels.mount} ${value}`);
    expect(disks).toEqual(expect.arrayContaining(['/error 1', '/good 0']));
    const mine = disks?.filter((disk) => /^\/(error|image|good|bind|hidden|overlay|kept|shared)/.test(disk));
    expect(mine).toHaveLength(2);
    expect(output?.notes.filter((note) => /not watched, as (mounted|another)/.test(note))).toEqual([
      expect.stringMatching(/^not watched, as mounted read-only: .*\/image.*\/kept.*\/shared/),
      expect.stringMatching(/^not watched, as another mount lies on it: .*\/hidden/),
    ]);
  });

  it('that are gone keep two df, however often they are probed, and hide no other', () => {
    const outputs = inNamespace(GONE).split(/^waiting /m);
    expect(outputs.slice(1).map((text) => Number.parseInt(text, 10))).toEqual([2, 2, 2]);
    for (const text of outputs.slice(0, 3)) {
      const output = parseUsage(text);
      const disks = output?.levels.filter(({ metric }) => metric === 'disk_usage');
      expect(disks?.map(({ labels }) => labels.mount)).toEqual(['/']);
      expect(output?.notes.filter((note) => note.startsWith('df'))).toEqual([
        'df hangs, so nothing is known of: /disk',
      ]);
    }
  });
});
