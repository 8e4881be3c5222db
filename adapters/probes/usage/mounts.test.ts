// Which mounts of a node are disks. The lines come from real machines, shortened where that changes nothing.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseUsage } from '../../../core/parse/usage-output.ts';
import { scaledMs } from '../../../test/machine-speed.ts';
import { usageScript } from './usage.ts';

const FILESYSTEMS = ['proc', 'tmpfs', 'overlay', 'zfs', 'nfs4', 'fuse', 'autofs', 'ubifs']
  .map((type) => `nodev\t${type}\n`)
  .concat(
    ['ext4', 'xfs', 'btrfs', 'vfat', 'squashfs', 'erofs', 'fuseblk', 'newfs'].map((type) => `\t${type}\n`),
  )
  .join('');
/** A df that reports everything as a quarter full, and may not read what is under /secret. */
const DF = `#!/bin/sh
[ "$2" = -k ] && echo "Filesystem 1024-blocks Used Available Capacity Mounted on" || echo "Filesystem Inodes IUsed IFree IUse% Mounted on"
shift 2
for mount; do
  case $mount in /secret*) echo "df: $mount: Permission denied" >&2 ;; *) echo "/dev/x 400 100 300 25% $mount" ;; esac
done
`;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mounts-'));
  for (const folder of ['proc/self', 'bin']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'proc/filesystems'), FILESYSTEMS);
  writeFileSync(join(root, 'proc/uptime'), '5000.00 1.00\n');
  writeFileSync(join(root, 'bin/df'), DF, { mode: 0o755 });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Runs the script. Returns its disks as `mount` or `mount (read-only)`, and its notes on mounts. */
function runScript(mountinfo: string, options: Record<string, unknown> = {}) {
  writeFileSync(join(root, 'proc/self/mountinfo'), mountinfo);
  const env = { PATH: `${join(root, 'bin')}:${process.env.PATH}`, BARTIZAN_ROOT: root };
  const input = usageScript(options).text;
  const { stdout, stderr } = spawnSync('sh', { input, env, encoding: 'utf8', timeout: scaledMs(30_000) });
  const output = parseUsage(stdout);
  if (!output) throw new Error('not understood');
  const flags = output.levels.filter(({ metric }) => metric === 'disk_read_only');
  expect(output.levels.filter(({ metric }) => metric === 'disk_usage')).toHaveLength(flags.length);
  return {
    disks: flags.map(({ labels, value }) => `${labels.mount}${value === 1 ? ' (read-only)' : ''}`),
    notes: output.notes.filter((note) => /not watched|df |mounts|file systems/.test(note)),
    stderr,
  };
}

const POD = '/var/lib/kubelet/pods/0b6f3b1e-5a5c-4c7e-9d2f-6a1e0c9b7d10';
const VOLUMES = `21 1 8:1 / / rw - ext4 /dev/sda1 rw
30 21 8:16 / /var/lib/kubelet rw - xfs /dev/sdb rw
31 30 8:32 / /var/lib/kubelet/plugins/kubernetes.io/csi/d/0a/globalmount rw - ext4 /dev/sdc rw
32 30 8:32 / ${POD}/volumes/kubernetes.io~csi/pvc-1/mount rw - ext4 /dev/sdc rw
33 30 8:48 / ${POD}/volume-subpaths/a/b/0 rw - ext4 /dev/sdd rw
34 21 8:64 / /data/k8s-root/pods/0b6f3b1e-5a5c/volumes/kubernetes.io~csi/pvc-2/mount rw - ext4 /dev/sde rw
35 21 8:80 / /mnt/disks/ssd1 rw - ext4 /dev/sdf rw
36 30 8:80 / ${POD}/volumes/kubernetes.io~local-volume/pv/mount rw - ext4 /dev/sdf rw
37 21 0:60 / /var/lib/docker/zfs/graph/0123abcd rw - zfs tank/docker/0123abcd rw
38 21 253:7 / /var/lib/containerd/io.containerd.snapshotter.v1.devmapper/x rw - ext4 /dev/dm-7 rw
39 21 8:96 / /var/lib/docker rw - ext4 /dev/sdg rw
40 30 0:70 / ${POD}/volumes/kubernetes.io~projected/t rw - tmpfs tmpfs rw
`;

describe('the disks of a node are', () => {
  it.each<[string, string, string[], string[]]>([
    [
      'the device behind a composefs root (Fedora CoreOS, OpenShift), which is full by nature',
      `60 1 0:33 / / ro,relatime - overlay composefs ro,lowerdir+=/run/ostree,datadir+=/sysroot/ostree/repo
61 60 252:4 /ostree/deploy/fcos/deploy/1/etc /etc rw,relatime - xfs /dev/vda4 rw,prjquota
62 60 252:4 / /sysroot ro,relatime - xfs /dev/vda4 rw,prjquota
63 62 252:4 /ostree/deploy/fcos/var /sysroot/ostree/deploy/fcos/var rw,relatime - xfs /dev/vda4 rw,prjquota
64 60 252:4 /ostree/deploy/fcos/var /var rw,relatime - xfs /dev/vda4 rw,prjquota
65 60 252:3 / /boot ro,nosuid,nodev,relatime - ext4 /dev/vda3 ro
`,
      ['/sysroot'],
      ['not watched, as mounted read-only: /, /boot'],
    ],
    [
      'no image of Flatcar, whatever its type, nor one whose type nobody writes to',
      `21 1 8:9 / / rw,relatime - ext4 /dev/sda9 rw
22 21 254:0 / /usr ro,relatime - btrfs /dev/mapper/usr ro
23 21 7:0 / /snap/core rw,nodev - squashfs /dev/loop0 ro
24 21 7:1 / /oem rw - erofs /dev/loop1 ro
25 21 8:6 / /oem-data ro - ext4 /dev/sda6 ro
`,
      ['/'],
      ['not watched, as mounted read-only: /usr, /oem-data'],
    ],
    [
      'what was made read-only by the kernel: the mount may be written to, its file system not',
      `21 1 8:1 / / rw,relatime - ext4 /dev/sda1 ro,errors=remount-ro
22 21 8:2 / /a rw - ext4 /dev/sda2 rw,emergency_ro
23 21 8:3 / /b rw - ext4 /dev/sda3 rw,shutdown
24 21 8:4 / /c rw - vfat /dev/sda4 ro,errors=remount-ro
25 21 8:5 /x /d ro - xfs /dev/sda5 ro
26 21 8:5 / /e rw - xfs /dev/sda5 ro
27 21 8:6 / /ok rw - ext4 /dev/sda6 rw,errors=remount-ro
28 21 8:7 / /ok-too ro - ext4 /dev/sda7 rw
`,
      [
        '/ (read-only)',
        '/a (read-only)',
        '/b (read-only)',
        '/c (read-only)',
        '/e (read-only)',
        '/ok',
        '/ok-too',
      ],
      [],
    ],
    [
      'what was made read-only by the kernel where mounts are read-only at any time: of images, parts and volumes',
      `60 1 0:33 / / ro,relatime - overlay composefs ro,lowerdir+=/run/ostree
61 60 8:4 / /sysroot ro - ext4 /dev/sda4 ro
62 60 8:4 /ostree/deploy/os/var /var rw - ext4 /dev/sda4 ro
63 62 8:5 / /var/disk rw - ext4 /dev/sda5 ro
64 62 8:5 / /var/lib/kubelet/pods/0a-1/volumes/kubernetes.io~local-volume/pv ro - ext4 /dev/sda5 ro
65 62 8:5 /public /srv ro - ext4 /dev/sda5 ro
66 62 8:6 / /var/a ro - ext4 /dev/sda6 ro,emergency_ro
`,
      ['/sysroot (read-only)', '/var/disk (read-only)', '/var/a (read-only)'],
      ['not watched, as mounted read-only: /'],
    ],
    [
      'and an image whose root is never written to, but the rest of its file system',
      `21 1 0:30 /@/.snapshots/1/snapshot / ro - btrfs /dev/sda2 ro,subvol=/@/.snapshots/1/snapshot
22 21 0:30 /@/var /var rw - btrfs /dev/sda2 ro,subvol=/@/var
`,
      ['/ (read-only)'],
      [],
    ],
    [
      'no file system that somebody made read-only, at whichever of its mounts',
      `21 1 8:1 / / rw - ext4 /dev/sda1 rw
22 21 8:2 / /a ro - ext4 /dev/sda2 ro
23 21 8:2 / /a2 rw - ext4 /dev/sda2 ro
24 21 8:3 / /b rw - ext4 /dev/sda3 ro,errors=remount-ro
25 21 8:3 / /b2 ro - ext4 /dev/sda3 ro,errors=remount-ro
26 21 8:4 /x /c rw - ext4 /dev/sda4 ro
27 21 8:4 / /c2 ro - ext4 /dev/sda4 ro
28 21 0:50 /@log /log ro - btrfs /dev/sdc ro
29 21 0:50 /@libs /libs rw - btrfs /dev/sdc ro
`,
      ['/'],
      ['not watched, as mounted read-only: /a, /b, /c2, /log'],
    ],
    [
      'no overlay without an upper layer, also where the mount options do not show it',
      '21 1 0:33 / / rw - overlay live ro,lowerdir=/a:/b\n22 21 8:1 / /run/media rw - ext4 /dev/sda1 rw\n',
      ['/run/media'],
      ['not watched, as mounted read-only: /'],
    ],
    [
      'an overlay with an upper layer',
      '21 1 0:33 / / rw,relatime - overlay overlay rw,lowerdir=/a,upperdir=/b,workdir=/c\n',
      ['/'],
      [],
    ],
    [
      'a root in memory',
      '21 1 0:2 / / rw - tmpfs none rw,size=8g\n22 21 0:3 / /tmp rw - tmpfs none rw\n',
      ['/'],
      [],
    ],
    [
      'each local type, also an unknown one, and no other, with a note',
      `21 1 8:1 / / rw - btrfs /dev/sda1 rw
22 21 8:2 / /a rw - gfs2 /dev/sda2 rw
23 21 8:3 / /b rw - ocfs2 /dev/sda3 rw
24 21 0:4 / /c rw - ubifs ubi0:data rw
25 21 8:5 / /d rw - nilfs2 /dev/sda5 rw
26 21 8:6 / /e rw - fuseblk /dev/sda6 rw
27 21 8:7 / /f rw - newfs /dev/sda7 rw
28 21 0:40 / /g rw shared:9 master:1 - nfs4 server:/share rw,addr=10.0.0.1
29 21 0:41 / /h rw - fuse.sshfs me@host: rw
30 21 0:42 / /i rw - nfs4 server:/other rw
31 21 0:43 / /var/lib/lxcfs rw - fuse.lxcfs lxcfs rw
32 21 0:44 / /j ro - oldfs  ro
`,
      ['/', '/a', '/b', '/c', '/d', '/e', '/f'],
      ['not watched, as no local disks: file systems of type nfs4, fuse.sshfs, oldfs'],
    ],
    [
      'a device once, however often it is mounted: as root, or whole, or at the shortest path',
      `21 1 0:30 /@ / rw - btrfs /dev/sda2 rw,subvol=/@
22 21 0:30 /@home /home rw - btrfs /dev/sda2 rw,subvol=/@home
23 21 0:30 / /mnt rw - btrfs /dev/sda2 rw,subvolid=5
24 21 8:16 /x /x rw - ext4 /dev/disk/by-uuid/0b6f rw
25 21 8:16 / /srv/data rw - ext4 /dev/disk/by-uuid/0b6f rw
26 21 0:50 /@log /var/log rw - btrfs /dev/sdc rw
27 21 0:50 /@lib /var/lib/x rw - btrfs /dev/sdc rw
28 21 0:61 / /tank rw - zfs tank rw
29 28 0:62 / /tank/a rw - zfs tank/a rw
`,
      ['/', '/srv/data', '/var/log', '/tank', '/tank/a'],
      [],
    ],
    [
      'what lies on top of a mount, not what is under it',
      `1 1 0:2 / / rw - rootfs rootfs rw
21 1 8:1 / / rw - ext4 /dev/sda1 rw
22 21 8:16 / /data rw - ext4 /dev/sdb rw
23 22 8:32 / /data rw - ext4 /dev/sdc rw
24 21 8:48 / /hidden rw - ext4 /dev/sdd rw
25 24 0:9 / /hidden rw - tmpfs tmpfs rw
`,
      ['/', '/data'],
      ['not watched, as another mount lies on it: /data, /hidden'],
    ],
    [
      'what is mounted for good, also on demand, and not what would go again',
      `21 1 8:1 / / rw - ext4 /dev/sda1 rw
22 21 0:40 / /efi rw - autofs systemd-1 rw,fd=40,timeout=120,direct
23 22 8:2 / /efi rw - vfat /dev/sda2 rw
24 21 0:41 / /data rw - autofs systemd-1 rw,fd=41,timeout=0,direct
25 24 8:16 / /data rw - ext4 /dev/sdb rw
26 21 0:42 / /later rw - autofs systemd-1 rw,fd=42,timeout=0,direct
`,
      ['/', '/data'],
      ['not watched, as mounted on demand: /efi'],
    ],
    [
      'names as they are; one with a control character cannot be asked for',
      `21 1 8:1 / / rw - ext4 /dev/sda1 rw
22 21 8:16 / /a\\040b\\134040\\043* rw - ext4 /dev/sdb rw
23 21 8:32 / /데이터 rw - ext4 /dev/sdc rw
24 21 8:48 / /two\\012lines rw - ext4 /dev/sdd rw
25 21 8:64 / /$(id>&2)\`id\` rw - ext4 /dev/sde rw
26 21 8:80 / /-k rw - ext4 /dev/sdf rw
27 21 8:96 / /[a-z]* rw - ext4 /dev/sdg rw
28 21 8:97 / /t\\011ab rw - ext4 /dev/sdh rw
29 21 8:98 / /bell\u0007 rw - ext4 /dev/sdi rw
30 21 8:99 / /back\r rw - ext4 /dev/sdj rw
`,
      ['/', '/a b\\040#*', '/데이터', '/$(id>&2)`id`', '/-k', '/[a-z]*'],
      [
        'not watched, as its name has a line break or another control character: /two\\012lines, /t\\011ab, /bell , /back',
      ],
    ],
    [
      'what df may not read is named',
      '21 1 8:1 / / rw - ext4 /dev/sda1 rw\n22 21 8:16 / /secret/full rw - ext4 /dev/sdb rw\n',
      ['/'],
      ['df told nothing (no permission, or no time) of: /secret/full'],
    ],
    [
      'volumes of pods and layers of containers are not, but disks of the node that hold them',
      VOLUMES,
      ['/', '/var/lib/kubelet', '/mnt/disks/ssd1', '/var/lib/docker'],
      ['not watched: 5 of pods or containers (option `volumes`)'],
    ],
    [
      'nothing, of a node without local disks',
      '21 1 0:2 / / rw - nfs4 s:/root rw\n',
      [],
      ['no file systems: none is a local disk', 'not watched, as no local disks: file systems of type nfs4'],
    ],
    [
      'nothing, of garbage',
      '\u0000\n\n- - -\n1\n1 2 3 4 5 6\n1 2 3 4 / rw - \n',
      [],
      ['no file systems: none is a local disk'],
    ],
  ])('%s', (_, mountinfo, disks, notes) => {
    expect(runScript(mountinfo)).toEqual({ disks, notes, stderr: '' });
  });

  it('volumes are, with the option', () => {
    const { disks, notes } = runScript(VOLUMES, { volumes: true });
    expect(disks).toHaveLength(9);
    expect(disks).toContain(`${POD}/volume-subpaths/a/b/0`);
    expect(notes).toEqual([]);
  });

  it('reports a thousand disks, and the number of the others', () => {
    const lines = Array.from(
      { length: 1_100 },
      (_, i) => `${i + 9} 1 0:${i} / /mnt/${i} rw - zfs tank/${i} rw\n`,
    );
    const { disks, notes } = runScript(lines.join(''));
    expect(disks).toHaveLength(1_024);
    expect(notes).toEqual(['not watched: 76 beyond the first thousand']);
  });
});
