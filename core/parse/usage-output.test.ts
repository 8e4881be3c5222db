import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuMs } from '../../test/machine-speed.ts';
import { METRICS } from '../catalogue.ts';
import { MAX_DEVICES } from './reading.ts';
import { parseUsage } from './usage-output.ts';

/** Printed by the script on a Debian machine under the shell of the name. */
const recorded = (name: string) =>
  readFileSync(new URL(`../../test/fixtures/usage/${name}.txt`, import.meta.url), 'utf8');

/** Shortest output of a healthy node; a test replaces or removes lines of it. */
const LINES = `
@bartizan begin usage 2
processes 91
pressure cpu some avg10=19.20 avg60=6.31 avg300=7.51 total=121632688
pressure memory some avg10=0.00 avg60=1.50 avg300=0.00 total=0
pressure io some avg10=1.23 avg60=0.24 avg300=0.52 total=57573504
boot 0b6f3b1e-5a5c-4c7e-9d2f-6a1e0c9b7d10
uptime 5864.52 10654.54
load 0.50 0.94 0.74 7/152 29861
cpu  1000 10 300 8000 100 5 15 20 400 0
cores 4
memory MemTotal:       1000 kB
memory MemAvailable:   250 kB
memory SwapTotal:      400 kB
memory SwapFree:       300 kB
oom_kill 3
net eth0 909802882 1283031
disk vda 13842098 419802392 139192
@mounts
/

@blocks
Filesystem     1024-blocks     Used Available Capacity Mounted on
/dev/vda               400      100       300      25% /
@inodes
Filesystem       Inodes  IUsed    IFree IUse% Mounted on
/dev/vda           1000    426      574   43% /

clock 1795522786.25
@bartizan end
`;

const parsed = (text: string) => {
  const output = parseUsage(text);
  if (!output) throw new Error('not understood');
  const levels = Object.fromEntries(
    output.levels.map(({ metric, labels, value }) => [[metric, ...Object.values(labels)].join(' '), value]),
  );
  return { ...output, levels };
};

describe('usage output', () => {
  it('tells every level of a healthy node', () => {
    const { levels, counters, clockMs, notes } = parsed(LINES);
    expect(levels).toEqual({
      uptime: 5864.52,
      processes: 91,
      load1: 0.5,
      load5: 0.94,
      load15: 0.74,
      cores: 4,
      load_per_core: 0.125,
      mem_total: 1_024_000,
      mem_usage: 75,
      swap_usage: 25,
      psi_cpu: 6.31,
      psi_mem: 1.5,
      psi_io: 0.24,
      'disk_read_only / /dev/vda': 0,
      'disk_size / /dev/vda': 409_600,
      'disk_usage / /dev/vda': 25,
      'inode_usage / /dev/vda': 42.6,
    });
    expect(counters).toEqual({
      boot: '0b6f3b1e-5a5c-4c7e-9d2f-6a1e0c9b7d10',
      uptimeSeconds: 5864.52,
      cpu: [1000, 10, 300, 8000, 100, 5, 15, 20],
      cores: 4,
      oomKills: 3,
      net: [['eth0', 909_802_882, 1_283_031]],
      disk: [['vda', 13_842_098, 419_802_392, 139_192]],
    });
    expect(clockMs).toBe(1_795_522_786_250);
    expect(notes).toEqual([]);
  });

  it.each([
    ['dash-mawk', []],
    ['bash', []],
    ['busybox', ['clock in whole seconds only']],
  ])('understands what %s printed', (name, notes) => {
    const output = parsed(recorded(name));
    expect(output.notes).toEqual(notes);
    expect(Object.keys(output.levels)).toHaveLength(16);
    expect(output.levels['disk_size / /dev/vda']).toBe(264_212_084 * 1024);
    expect(output.counters?.net.map(([device]) => device)).toEqual(['eth0']);
    expect(output.clockMs).toBeGreaterThan(1_795_000_000_000);
  });

  it.each([
    ['a banner before and after', `Welcome!\n\nlast login: today${LINES}bye`],
    ['a profile that leaves its line open', `motd without an end${LINES}`],
    ['line ends of a terminal', LINES.replaceAll('\n', '\r\n')],
    ['an echo of the script', `${"  printf '\\n@bartizan begin usage 2\\n'"}\n${LINES}`],
    ['an earlier output that was cut off', `${LINES.slice(0, 100).replace('91', '7')}\n${LINES}`],
  ])('ignores %s', (_, text) => {
    expect(parsed(text)).toEqual(parsed(LINES));
  });

  it.each([
    ['nothing', ''],
    ['another program', 'uid=0(root) gid=0(root)\n'],
    ['the output of another version', LINES.replace('usage 2', 'usage 1')],
    ['an output that was cut off', LINES.slice(0, -20)],
    ['an output without its begin', LINES.slice(30)],
    ['markers the wrong way round', '@bartizan end\n@bartizan begin usage 2\n'],
  ])('does not understand %s', (_, text) => {
    expect(parseUsage(text)).toBeUndefined();
  });

  // What a node lacks: which line is taken away, what is then absent, and what people are told.
  it.each([
    [/^processes.*/m, ['processes'], 'no process count'],
    [/^pressure io.*/m, ['psi_io'], 'no pressure of io'],
    [/^load .*/m, ['load1', 'load5', 'load15', 'load_per_core'], 'no load1'],
    [/^cores.*/m, ['cores', 'load_per_core'], 'no cores'],
    [/^uptime.*/m, ['uptime'], 'no boot id or uptime: no rates'],
    [/^memory MemTotal.*/m, ['mem_total', 'mem_usage'], 'no MemTotal'],
    [/^memory MemAvailable.*/m, ['mem_usage'], 'no memory usage'],
    [/^memory SwapFree.*/m, ['swap_usage'], 'no swap usage'],
    [/^oom_kill.*/m, [], 'no count of OOM kills'],
    [/^clock.*/m, [], 'no clock'],
    [
      /^\/dev\/vda +400.*/m,
      ['disk_read_only / /dev/vda', 'disk_size / /dev/vda', 'disk_usage / /dev/vda'],
      'df told nothing (no permission, or no time) of: /',
    ],
    [/^@mounts\n\/\n/m, ['disk_read_only / /dev/vda'], 'no list of mounts'],
    [/^@inodes[\s\S]*(?=\n\nclock)/m, ['inode_usage / /dev/vda'], undefined],
    [
      /^@blocks[\s\S]*(?=\n\nclock)/m,
      [
        'disk_read_only / /dev/vda',
        'disk_size / /dev/vda',
        'disk_usage / /dev/vda',
        'inode_usage / /dev/vda',
      ],
      'df told nothing (no permission, or no time) of: /',
    ],
  ])('says nothing instead of zero without %s', (line, absent, note) => {
    const whole = parsed(LINES).levels;
    const { levels, notes } = parsed(LINES.replace(line, ''));
    const expected = Object.entries(whole).filter(([name]) => !absent.includes(name));
    expect(levels).toEqual(Object.fromEntries(expected));
    if (note !== undefined) expect(notes).toContain(note);
  });

  it('has no swap usage where there is no swap, and does not call that a lack', () => {
    const { levels, notes } = parsed(LINES.replace(/SwapTotal: .*/, 'SwapTotal: 0 kB'));
    expect(levels).not.toHaveProperty('swap_usage');
    expect(notes).toEqual([]);
  });

  it.each([
    ['uptime', 'uptime forever', 'uptime'],
    ['uptime', 'uptime 9999999999 1', 'uptime'],
    ['load', 'load 9999999999 1 1', 'load_per_core'],
    ['cores', 'cores 9999999999', 'load_per_core'],
    ['processes', 'processes 9999999999', 'processes'],
    ['memory MemTotal:', 'memory MemTotal: 99999999999999999999 kB', 'mem_total'],
    ['load', 'load NaN Infinity -1', 'load1'],
    ['load', 'load 1e300 1 1', 'load1'],
    ['memory MemTotal:', 'memory MemTotal: 0 kB', 'mem_usage'],
    ['memory MemAvailable:', 'memory MemAvailable: 2000 kB', 'mem_usage'],
    ['memory MemAvailable:', 'memory MemAvailable: -5 kB', 'mem_usage'],
    ['pressure cpu', 'pressure cpu some avg10=1 avg60=101', 'psi_cpu'],
    ['pressure cpu', 'pressure cpu \u0000\u0001', 'psi_cpu'],
    ['cores', 'cores 0', 'cores'],
    ['processes', 'processes *', 'processes'],
  ])('takes garbage in %s for a lack: %s', (start, line, metric) => {
    const at = new RegExp(`^${start}.*$`, 'm');
    expect(LINES).toMatch(at);
    expect(parsed(LINES.replace(at, line)).levels).not.toHaveProperty(metric);
  });

  it.each(['0', '1795522786000', '-1', 'now', '%s.%N'])('does not believe a clock of %s', (clock) => {
    const { clockMs, notes } = parsed(LINES.replace('1795522786.25', clock));
    expect(clockMs).toBeUndefined();
    expect(notes).toEqual(['no clock']);
  });

  it.each([
    ['sda sda1 sda2 sdb', 'sda sdb'],
    ['nvme0n1 nvme0n1p1 nvme1n1', 'nvme0n1 nvme1n1'],
    ['mmcblk0 mmcblk0p2 dm-0 dm-10 md0', 'mmcblk0 dm-0 dm-10 md0'],
    ['xvda1 xvdb', 'xvda1 xvdb'],
  ])('counts disks but not their partitions: %s', (devices, expected) => {
    const lines = devices.split(' ').map((device) => `disk ${device} 1 2 3`);
    const { counters } = parsed(LINES.replace(/^disk .*$/m, lines.join('\n')));
    expect(counters?.disk.map(([device]) => device).join(' ')).toBe(expected);
  });

  it('takes only so many devices from a node that makes them up', () => {
    const lines = Array.from({ length: 5_000 }, (_, i) => `net eth${i} 1 2`);
    const { counters, notes } = parsed(LINES.replace(/^net .*$/m, lines.join('\n')));
    expect(counters?.net).toHaveLength(MAX_DEVICES);
    expect(notes).toEqual([
      `net: ${5_000 - MAX_DEVICES} devices left out: eth256, eth257, eth258 and ${5_000 - MAX_DEVICES - 3} more`,
    ]);
  });

  it.each([
    ['net eth0 1', 'eth0'],
    ['net eth0 x 2', 'eth0'],
    [`net ${'e'.repeat(65)} 1 2`, `${'e'.repeat(19)}…`],
    ['net e\u0007\u202e 1 2', 'e'],
  ])('leaves out a device it cannot read: %j', (line, name) => {
    const { counters, notes } = parsed(LINES.replace(/^net .*$/m, line));
    expect(counters?.net).toEqual([]);
    expect(notes).toEqual([`net: 1 devices left out: ${name}`]);
  });

  it('has no counters without a boot id, as nobody could say what they continue', () => {
    expect(parsed(LINES.replace(/^boot .*$/m, 'boot unknown!')).counters).toBeUndefined();
  });

  it('says nothing that is not a number or no metric, whatever a node sends', () => {
    const names = new Set(METRICS.map((metric) => metric.name));
    const percents = new Set(METRICS.filter(({ unit }) => unit === 'percent').map(({ name }) => name));
    const fields = fc.constantFrom(
      'cpu',
      'net',
      'disk',
      'load',
      '@mounts',
      '@blocks',
      '@inodes',
      '@turned',
      '@hangs',
      '@more',
      '-',
      '0',
      '99999999999999999999',
      '%',
      '/',
      '1e9',
      '-7',
      'MemTotal:',
      '\t',
      ' ',
    );
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fields, { maxLength: 9 }).map((list) => list.join(' ')),
      fc.constantFrom(...LINES.split('\n')),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), (lines) => {
        const text = `@bartizan begin usage 2\n${lines.join('\n')}\n@bartizan end\n`;
        for (const { metric, value } of parseUsage(text)?.levels ?? []) {
          expect(names).toContain(metric);
          expect(Number.isFinite(value) && value >= 0).toBe(true);
          if (percents.has(metric)) expect(value).toBeLessThanOrEqual(100);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('reads a megabyte of malice in no time', () => {
    const bad = [
      ' '.repeat(500_000),
      `a${' 1'.repeat(250_000)}`,
      '\n'.repeat(300_000),
      'net a 1 1\n'.repeat(60_000),
      '/a\n'.repeat(200_000),
      '@type a\n'.repeat(100_000),
      '@hangs /\n'.repeat(100_000),
    ];
    for (const part of bad) {
      const text = `@bartizan begin usage 2\n${part}\n@mounts\n${part}\n@blocks\n${part}\n@inodes\n${part}\n@bartizan end\n`;
      expect(cpuMs(() => parseUsage(text))).toBeLessThan(5_000);
    }
  });
});
