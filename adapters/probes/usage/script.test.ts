import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseUsage } from '../../../core/parse/usage-output.ts';
import { usage } from './usage.ts';

/** A node's /proc as files, and a df that says what it was asked for. */
const PROC: Readonly<Record<string, string>> = {
  'sys/kernel/random/boot_id': '0b6f3b1e-5a5c-4c7e-9d2f-6a1e0c9b7d10\n',
  uptime: '5864.52 10654.54\n',
  loadavg: '0.50 0.94 0.74 7/152 29861\n',
  stat: `cpu  1000 10 300 8000 100 5 15 20 400 0
cpu0 500 5 150 4000 50 2 7 10 200 0
cpu1 500 5 150 4000 50 3 8 10 200 0
intr 12345 ${'0 '.repeat(2_000)}
ctxt 987654321
btime 1795516946
`,
  meminfo:
    'MemTotal:       1000 kB\nMemFree:  1 kB\nMemAvailable:    250 kB\nSwapTotal:   0 kB\nSwapFree:   0 kB\n',
  vmstat: 'nr_free_pages 1\noom_kill 3\noom_killer_other 9\n',
  'net/dev': `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0
  eth0: 100 1 0 0 0 0 0 0 200 1 0 0 0 0 0 0
  ens5:9007199254740991 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0
cali0123abcd: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0
veth1234: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0
0123456789abcde: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0
 bond0: 5 1 0 0 0 0 0 0 6 1 0 0 0 0 0 0
`,
  diskstats: ` 259 0 nvme0n1 10 0 100 5 20 0 200 6 0 77 11
 259 1 nvme0n1p1 9 0 99 5 20 0 200 6 0 77 11
   7 0 loop0 10 0 100 5 20 0 200 6 0 77 11
   8 0 sda 0 0 0 0 0 0 0 0 0 0 0
`,
  'pressure/cpu':
    'some avg10=1.00 avg60=2.00 avg300=3.00 total=4\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n',
  'pressure/memory': 'some avg10=1.00 avg60=3.00 avg300=3.00 total=4\n',
  'pressure/io': 'some avg10=1.00 avg60=4.00 avg300=3.00 total=4\n',
  mounts: `proc /proc proc rw 0 0
/dev/nvme0n1p1 / ext4 rw 0 0
/dev/nvme0n1p1 /var/lib/kubelet/pods/1/bind ext4 rw 0 0
tmpfs /run tmpfs rw 0 0
server:/share /mnt/dead nfs4 rw 0 0
//server/share /mnt/deader cifs rw 0 0
sshfs#me /mnt/slow fuse.sshfs rw 0 0
overlay /run/containerd/rootfs overlay rw 0 0
/dev/sdb1 /mnt/my\\040disk\\134x xfs rw 0 0
/dev/sdc1 /mnt/two\\012lines xfs rw 0 0
`,
};
const DF = `#!/bin/sh
[ "$2" = -k ] && echo "Filesystem 1024-blocks Used Available Capacity Mounted on" || echo "Filesystem Inodes IUsed IFree IUse% Mounted on"
shift 2
for mount; do echo "/dev/x 400 100 300 25% $mount"; done
`;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'usage root-'));
  for (const [name, text] of Object.entries(PROC)) put(name, text);
  for (const pid of [1, 77, 4242]) mkdirSync(join(root, 'proc', String(pid)));
  mkdirSync(join(root, 'bin'));
  writeFileSync(join(root, 'bin/df'), DF, { mode: 0o755 });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(name: string, content: string | Buffer) {
  const path = join(root, 'proc', name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
}

function run(input = usage.script.text) {
  const env = {
    PATH: `${join(root, 'bin')}:${process.env.PATH}`,
    BARTIZAN_ROOT: root,
    HOME: root,
    TMPDIR: root,
  };
  const { stdout, stderr } = spawnSync('sh', { input, env, cwd: root, encoding: 'latin1', timeout: 15_000 });
  return { stdout, stderr };
}
const parsed = () => {
  const output = parseUsage(run().stdout);
  if (!output) throw new Error('not understood');
  const levels = output.levels.map(({ metric, labels, value }) => [
    [metric, labels.mount].join(' ').trim(),
    value,
  ]);
  return { ...output, levels: Object.fromEntries(levels) as Record<string, number> };
};

describe('the script', () => {
  it('tells what /proc and df say, and nothing of what is not the node itself', () => {
    const { levels, counters, notes } = parsed();
    expect(levels).toEqual({
      uptime: 5864.52,
      processes: 3,
      load1: 0.5,
      load5: 0.94,
      load15: 0.74,
      cores: 2,
      load_per_core: 0.25,
      mem_total: 1_024_000,
      mem_usage: 75,
      psi_cpu: 2,
      psi_mem: 3,
      psi_io: 4,
      'disk_size /': 409_600,
      'disk_usage /': 25,
      'inode_usage /': 25,
      'disk_size /mnt/my disk\\x': 409_600,
      'disk_usage /mnt/my disk\\x': 25,
      'inode_usage /mnt/my disk\\x': 25,
    });
    expect(counters).toEqual({
      boot: '0b6f3b1e-5a5c-4c7e-9d2f-6a1e0c9b7d10',
      uptimeSeconds: 5864.52,
      cpu: [1000, 10, 300, 8000, 100, 5, 15, 20],
      oomKills: 3,
      net: [
        ['eth0', 100, 200],
        ['ens5', 9_007_199_254_740_991, 7],
        ['bond0', 5, 6],
      ],
      disk: [['nvme0n1', 100, 200, 77]],
    });
    expect(notes.filter((note) => !note.startsWith('clock'))).toEqual([]);
  });

  it('is short enough on the wire', () => {
    expect(run().stdout.length).toBeLessThan(1_200);
  });

  it.each(Object.keys(PROC))('goes on without /proc/%s, and with garbage in its place', (name) => {
    rmSync(join(root, 'proc', name));
    expect(parsed().notes.length + Object.keys(parsed().levels).length).toBeGreaterThan(9);
    put(name, Buffer.from(Array.from({ length: 4_000 }, (_, i) => (i * 7919) % 256)));
    expect(Object.keys(parsed().levels).length).toBeGreaterThan(9);
    put(name, '');
    expect(Object.keys(parsed().levels).length).toBeGreaterThan(9);
  });

  it('says nothing at all about an empty root but the time', () => {
    rmSync(join(root, 'proc'), { recursive: true });
    const { levels, counters, clockMs } = parsed();
    expect(levels).toEqual({});
    expect(counters).toBeUndefined();
    expect(clockMs).toBeGreaterThan(0);
  });

  it('does not count processes where those of others are hidden', () => {
    rmSync(join(root, 'proc/1'), { recursive: true });
    expect(parsed().levels).not.toHaveProperty('processes');
  });

  it('reads 500 mounts', () => {
    const lines = Array.from({ length: 500 }, (_, i) => `/dev/sd${i} /mnt/${i} xfs rw 0 0\n`);
    put('mounts', lines.join(''));
    const { levels } = parsed();
    expect(Object.keys(levels).filter((name) => name.startsWith('disk_usage'))).toHaveLength(500);
  });

  it('does without df, and with one that fails', () => {
    writeFileSync(join(root, 'bin/df'), '#!/bin/sh\necho "df: cannot" >&2; exit 1\n');
    const { levels, notes } = parsed();
    expect(levels).toHaveProperty('load1');
    expect(notes).toContain('no file systems: none is local, or df did not end in time');
  });

  it('runs whole or not at all', () => {
    const { text } = usage.script;
    for (const share of [0.3, 0.6, 0.9, 0.99]) {
      expect(run(text.slice(0, Math.floor(text.length * share))).stdout).toBe('');
    }
  });

  it('writes nothing', () => {
    const before = readdirSync(root, { recursive: true });
    run();
    expect(readdirSync(root, { recursive: true })).toEqual(before);
  });
});
