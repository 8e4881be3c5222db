import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseUsage } from '../../../core/parse/usage-output.ts';
import { scaledMs } from '../../../test/machine-speed.ts';
import { usageScript } from './usage.ts';

/** A node's /proc as files, and a df that records its arguments. */
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
  filesystems: 'nodev\tproc\nnodev\ttmpfs\nnodev\toverlay\n\text4\n\txfs\n\tnewfs\n',
  'self/mountinfo': `21 1 259:1 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p1 rw,errors=remount-ro
22 21 0:21 / /proc rw - proc proc rw
23 21 259:1 /bind /var/lib/kubelet/pods/1/bind rw shared:1 master:7 - ext4 /dev/nvme0n1p1 rw
24 21 0:24 / /run rw - tmpfs tmpfs rw
25 21 0:25 / /run/containerd/rootfs rw - overlay overlay rw,lowerdir=/a,upperdir=/b
26 21 8:17 / /mnt/my\\040disk\\134x rw - xfs /dev/sdb1 rw
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

function run(input = usageScript().text, more: Record<string, string> = {}) {
  const env = {
    ...more,
    PATH: `${join(root, 'bin')}:${process.env.PATH}`,
    BARTIZAN_ROOT: root,
    HOME: root,
    TMPDIR: root,
  };
  const { stdout, stderr } = spawnSync('sh', {
    input,
    env,
    cwd: root,
    encoding: 'latin1',
    timeout: scaledMs(15_000),
  });
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
  it('reports what /proc and df contain, and only about the node itself', () => {
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
      'disk_read_only /': 0,
      'disk_size /': 409_600,
      'disk_usage /': 25,
      'inode_usage /': 25,
      'disk_read_only /mnt/my disk\\x': 0,
      'disk_size /mnt/my disk\\x': 409_600,
      'disk_usage /mnt/my disk\\x': 25,
      'inode_usage /mnt/my disk\\x': 25,
    });
    expect(counters).toEqual({
      boot: '0b6f3b1e-5a5c-4c7e-9d2f-6a1e0c9b7d10',
      uptimeSeconds: 5864.52,
      cpu: [1000, 10, 300, 8000, 100, 5, 15, 20],
      cores: 2,
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

  it('reports only the time for an empty root', () => {
    rmSync(join(root, 'proc'), { recursive: true });
    const { levels, counters, clockMs } = parsed();
    expect(levels).toEqual({});
    expect(counters).toBeUndefined();
    expect(clockMs).toBeGreaterThan(0);
  });

  const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue\n';
  const row = (address: string, state: string) =>
    `   0: ${address} 00000000:0000 ${state} 00000000:00000000\n`;
  // 22 is 0016, 2222 is 08AE. After the listeners come the connections, of which a node may have many.
  it.each([
    ['a listener', HEAD + row('00000000:0016', '0A'), HEAD, true],
    [
      'one of IPv6 alone',
      HEAD + row('0100007F:0277', '0A'),
      HEAD + row(`${'0'.repeat(32)}:0016`, '0A'),
      true,
    ],
    ['a listener elsewhere', HEAD + row('00000000:08AE', '0A'), HEAD, false],
    ['connections alone', HEAD + row('0100000A:0016', '01'), HEAD, false],
    [
      'what comes behind a connection',
      HEAD + row('00000000:0016', '01') + row('00000000:0016', '0A'),
      HEAD,
      false,
    ],
    ['a namespace that hides even our own connection', HEAD, HEAD, undefined],
    ['no table', '', '', undefined],
  ])('reports whether a process listens on its SSH port: %s', (_, tcp, tcp6, expected) => {
    put('net/tcp', tcp);
    put('net/tcp6', tcp6);
    const ssh = { SSH_CONNECTION: '10.0.0.1 40000 10.0.0.2 22' };
    expect(parseUsage(run(usageScript().text, ssh).stdout)?.listens).toBe(expected);
    expect(parseUsage(run().stdout)?.listens).toBeUndefined();
  });

  const MAPPED = '0000000000000000FFFF0000';
  const SWAPPED = 'B80D01200000A0F00000000001000000';
  it.each([
    ['10.0.0.2', '0200000A', true],
    ['10.0.0.2', '0300000A', false],
    ['10.0.0.2', '0100007F', false],
    ['10.0.0.2', `${MAPPED}0200000A`, true],
    ['10.0.0.2', `${MAPPED}0300000A`, false],
    ['10.0.0.2', `${MAPPED}00000000`, true],
    ['::ffff:10.0.0.2', '0200000A', true],
    ['::ffff:10.0.0.2', `${MAPPED}0300000A`, false],
    ['10.255.255.0', '00FFFF0A', true],
    ['2001:db8:f0a0::1', SWAPPED, true],
    ['2001:db8:f0a0::2', SWAPPED, false],
    ['2001:db8:f0a0:0:0:0:0:1', SWAPPED, true],
    ['::1', '00000000000000000000000001000000', true],
    ['::1', SWAPPED, false],
    ['fe80::a:b%eth0', '000080FE00000000000000000B000A00', true],
    ['fe80::a:c%eth0', '000080FE00000000000000000B000A00', false],
    // A big-endian processor.
    ['10.0.0.2', '0A000002', true],
    ['10.0.0.2', '00000000000000000000FFFF0A000002', true],
    ['2001:db8:f0a0::1', '20010DB8F0A000000000000000000001', true],
    // An unknown form of address is not compared.
    ['somewhere', '0300000A', true],
    ['1:2', SWAPPED, true],
    ['UNKNOWN', '00000000', undefined],
  ])('a session to %s matches a listener on %s: %s', (server, listener, expected) => {
    const table = listener.length === 32 ? 'net/tcp6' : 'net/tcp';
    put(table, HEAD + row(`${listener}:0016`, '0A'));
    const ssh = { SSH_CONNECTION: `10.0.0.1 40000 ${server} 22` };
    expect(parseUsage(run(usageScript().text, ssh).stdout)?.listens).toBe(expected);
  });

  it('does not count processes where those of other users are hidden', () => {
    rmSync(join(root, 'proc/1'), { recursive: true });
    expect(parsed().levels).not.toHaveProperty('processes');
  });

  it('works without df, and with a df that fails', () => {
    writeFileSync(join(root, 'bin/df'), '#!/bin/sh\necho "df: cannot" >&2; exit 1\n');
    const { levels, notes } = parsed();
    expect(levels).toHaveProperty('load1');
    expect(notes).toContain('df told nothing (no permission, or no time) of: /, /mnt/my disk\\x');
  });

  it('reports the same with many mounts, where GNU df runs only once', () => {
    rmSync(join(root, 'bin/df'));
    const root1 = '21 1 8:1 / / rw - ext4 /dev/sda1 rw\n';
    put('self/mountinfo', root1);
    const few = parsed();
    put('self/mountinfo', root1 + '22 21 0:5 / /run rw - tmpfs tmpfs rw\n'.repeat(300));
    const many = parsed();
    for (const metric of ['disk_size /', 'inode_usage /']) expect(few.levels).toHaveProperty([metric]);
    expect(Object.keys(many.levels)).toEqual(Object.keys(few.levels));
    for (const metric of ['disk_size /', 'disk_read_only /'])
      expect(many.levels[metric]).toBe(few.levels[metric]);
    expect(many.levels['disk_usage /']).toBeCloseTo(few.levels['disk_usage /'] as number, 0);
    expect(many.levels['inode_usage /']).toBeCloseTo(few.levels['inode_usage /'] as number, 0);
  });

  it('runs no second df if the first fails because of an unreadable mount', () => {
    put('self/mountinfo', PROC['self/mountinfo'] + '29 21 0:5 / /run rw - tmpfs tmpfs rw\n'.repeat(300));
    const gnu = `#!/bin/sh
echo "$*" >>"$BARTIZAN_ROOT/asked"
case $2 in --version) exit 0 ;; esac
echo "  10 5 /dev/a 10 5 5 50% /"
exit 1
`;
    writeFileSync(join(root, 'bin/df'), gnu, { mode: 0o755 });
    const { levels, notes } = parsed();
    expect([levels['disk_usage /'], levels['inode_usage /']]).toEqual([50, 50]);
    expect(notes).toContain('df told nothing (no permission, or no time) of: /mnt/my disk\\x');
    const asked = readFileSync(join(root, 'asked'), 'utf8').trim().split('\n');
    expect(asked).toEqual([expect.stringMatching(/^-k --output=/), '--output=target --version']);
  });

  it('runs completely or not at all', () => {
    const { text } = usageScript();
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
