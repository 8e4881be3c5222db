import { describe, expect, it } from 'vitest';
import { cpuMs } from '../../test/machine-speed.ts';
import { parseFileSystems } from './file-systems.ts';
import { MAX_MOUNTS } from './reading.ts';

const HEADER = 'Filesystem     1024-blocks     Used Available Capacity Mounted on';

/** `metric mount device: value` of what df printed, of a node that told no list of mounts. */
const read = (blocks: string[], inodes: string[] = []) => {
  const { lines, notes } = readAll(['@blocks', ...blocks, '@inodes', ...inodes]);
  return { lines, notes: notes.filter((note) => note !== 'no list of mounts') };
};

const readAll = (text: string[]) => {
  const { readings, notes } = parseFileSystems(text);
  const lines = readings
    .filter(({ metric }) => metric !== 'disk_size')
    .map(({ metric, labels, value }) => `${metric} ${labels.mount} (${labels.device}): ${value}`);
  return { lines, notes };
};

describe('file systems', () => {
  it.each([
    ['GNU', '/dev/sda1             400      100       300      25% /', 'disk_usage / (/dev/sda1): 25'],
    ['busybox', '/dev/sda1 400 100 300  25% /', 'disk_usage / (/dev/sda1): 25'],
    [
      'a mount with spaces',
      '/dev/sda1 400 100 300 25% /mnt/my  disk 7',
      'disk_usage /mnt/my  disk 7 (/dev/sda1): 25',
    ],
    ['a device with spaces', 'a pool/of disks 400 100 300 25% /', 'disk_usage / (a pool/of disks): 25'],
    [
      'a mount that looks like numbers',
      '/dev/sda1 400 100 300 25% /1 2 3 4% /x',
      'disk_usage /1 2 3 4% /x (/dev/sda1): 25',
    ],
    ['a mount in Korean', '/dev/sda1 400 100 300 25% /데이터', 'disk_usage /데이터 (/dev/sda1): 25'],
    ['a full disk whose reserve is in use', '/dev/sda1 400 399 -20 106% /', 'disk_usage / (/dev/sda1): 100'],
    [
      'a full disk whose reserve is in use, as busybox has it',
      '/dev/sda1 400 399 18014398509481980 101% /',
      'disk_usage / (/dev/sda1): 100',
    ],
    ['more in use than there is', '/dev/sda1 400 404 0 101% /', 'disk_usage / (/dev/sda1): 100'],
    ['more free than there is', '/dev/sda1 400 -4 404 -1% /', 'disk_usage / (/dev/sda1): 0'],
    ['the reserve of root, as df counts it', '/dev/sda1 400 100 100 50% /', 'disk_usage / (/dev/sda1): 50'],
  ])('reads %s', (_, line, expected) => {
    expect(read([HEADER, line])).toEqual({ lines: [expected], notes: [] });
  });

  it('joins a device whose numbers are on the next line', () => {
    const lines = [
      HEADER,
      '/dev/mapper/a-very-long-name',
      '                 400 100 300 25% /data',
      '/dev/sda 10 5 5 50% /',
    ];
    expect(read(lines)).toEqual({
      lines: ['disk_usage /data (/dev/mapper/a-very-long-name): 25', 'disk_usage / (/dev/sda): 50'],
      notes: [],
    });
  });

  it.each([
    ['no numbers (`-`)', '/dev/sda1 - - - - /', 'df told no numbers, or impossible ones, of: /'],
    ['an empty file system', 'none 0 0 0 - /x', 'df told no numbers, or impossible ones, of: /x'],
    [
      'numbers that went round',
      '/dev/sda1 400 18446744073709551516 400 4611686018427387904% /x',
      'df told no numbers, or impossible ones, of: /x',
    ],
    ['an error between the lines', 'df: /secret: Permission denied', 'df: 1 lines not understood'],
    ['a device without numbers', '/dev/sdz', 'df: 1 lines not understood'],
    ['numbers without a device', '  400 100 300 25% /', 'df: 1 lines not understood'],
    ['control characters', '/dev/sda1 400 100 300 25% /\u001b[2J', 'df: 1 lines not understood'],
    ['a line without end', `/dev/sda1 400 100 300 25% /${'x'.repeat(9_000)}`, 'df: 1 lines not understood'],
  ])('leaves out %s, with a note, and keeps the rest', (_, line, note) => {
    expect(read([HEADER, line, '/dev/sdb 10 5 5 50% /b'])).toEqual({
      lines: ['disk_usage /b (/dev/sdb): 50'],
      notes: [note],
    });
  });

  it('takes the first of two lines for one mount', () => {
    expect(read([HEADER, '/dev/a 10 5 5 50% /', '/dev/b 10 1 9 10% /']).lines).toEqual([
      'disk_usage / (/dev/a): 50',
    ]);
  });

  it('reads 500 mounts', () => {
    const mounts = Array.from({ length: 500 }, (_, i) => `/dev/sd${i} 1000 ${i} ${1000 - i} 1% /mnt/${i}`);
    const { lines, notes } = read([HEADER, ...mounts], [HEADER, ...mounts]);
    expect(lines).toHaveLength(1_000);
    expect(lines[499]).toBe('disk_usage /mnt/499 (/dev/sd499): 49.9');
    expect(notes).toEqual([]);
  });

  it('takes only so many mounts from a node that makes them up', () => {
    const mounts = Array.from({ length: 3_000 }, (_, i) => `/dev/sd${i} 1000 1 999 1% /mnt/${i}`);
    const { lines, notes } = read([HEADER, ...mounts]);
    expect(lines).toHaveLength(MAX_MOUNTS);
    expect(notes).toEqual([`df: ${3_000 - MAX_MOUNTS} lines not understood`]);
  });

  it.each([
    ['btrfs', '/dev/sda1 0 0 0 - /'],
    ['a file system without inodes', '/dev/sda1 - - - - /'],
    ['more in use than there are', '/dev/sda1 10 11 0 110% /'],
  ])('says nothing of inodes of %s', (_, line) => {
    expect(read([], [HEADER, line])).toEqual({ lines: [], notes: [] });
  });

  const DF = [
    '@blocks',
    HEADER,
    '/dev/a 10 5 5 50% /',
    '/dev/b 10 1 9 10% /b',
    '@inodes',
    '/dev/a 10 5 5 50% /',
    '/dev/b 10 1 9 10% /b',
  ];
  const OF_ROOT = ['disk_read_only / (/dev/a): 0', 'disk_usage / (/dev/a): 50', 'inode_usage / (/dev/a): 50'];

  it('says which file systems turned read-only, and that the others did not', () => {
    const { lines, notes } = readAll(['@mounts', '@turned /dev/sdb /b', '/', '/b', ...DF]);
    expect(lines).toEqual([
      'disk_read_only / (/dev/a): 0',
      'disk_usage / (/dev/a): 50',
      'disk_read_only /b (/dev/b): 1',
      'disk_usage /b (/dev/b): 10',
      'inode_usage / (/dev/a): 50',
      'inode_usage /b (/dev/b): 10',
    ]);
    expect(notes).toEqual([]);
  });

  it('says so of one where df may not look, or hangs', () => {
    const { lines, notes } = readAll([
      '@mounts',
      '@turned /dev/c /private/c',
      '@turned /dev/d /d',
      '@hangs /d',
      '/',
      '/private/c',
      '/d',
      ...DF.filter((line) => !line.startsWith('/dev/b')),
    ]);
    expect(lines.slice(0, 2)).toEqual([
      'disk_read_only /private/c (/dev/c): 1',
      'disk_read_only /d (/dev/d): 1',
    ]);
    expect(notes).toHaveLength(2);
  });

  it.each([
    ['columns far behind', `${'1 1 d - - - '.repeat(680)}`],
    ['numbers without an end', `/dev/x ${'1 '.repeat(4_000)}`],
    ['one number', `/dev/x ${'1'.repeat(8_000)} 1 1 1% /`],
  ])('reads a thousand lines of %s in no time', (_, line) => {
    const lines = ['@mounts', '/', '@both', ...Array.from({ length: 120 }, () => line)];
    const tookMs = cpuMs(() => {
      for (let i = 0; i < 8; i++) parseFileSystems(lines);
    });
    expect(tookMs).toBeLessThan(400);
  });

  it('names what df was asked for and told nothing of, and where it hangs', () => {
    const { lines, notes } = readAll([
      '@mounts',
      '/',
      '/c',
      '/d',
      ...DF.filter((l) => !l.endsWith('/b')),
      '@hangs /d',
    ]);
    expect(lines).toEqual(OF_ROOT.slice().sort());
    expect(notes).toEqual([
      'df hangs, so nothing is known of: /d',
      'df told nothing (no permission, or no time) of: /c',
    ]);
  });

  it('joins what several df told, one for each mount, and takes the first of two', () => {
    const one = (device: string, mount: string, used: number) => [
      '@blocks',
      HEADER,
      `/dev/${device} 10 ${used} ${10 - used} ${used}0% ${mount}`,
      '@inodes',
      `/dev/${device} 10 ${used} ${10 - used} ${used}0% ${mount}`,
    ];
    const { lines, notes } = readAll([
      '@mounts',
      '/',
      '/b',
      ...['', '@blocks', '', ...one('a', '/', 5), '', ...one('b', '/b', 1), ...one('a', '/', 9)],
    ]);
    expect(lines.filter((line) => line.startsWith('disk_usage'))).toEqual([
      'disk_usage / (/dev/a): 50',
      'disk_usage /b (/dev/b): 10',
    ]);
    expect(lines.filter((line) => line.startsWith('inode_usage'))).toHaveLength(2);
    expect(notes).toEqual([]);
  });

  it('reads what GNU tells of both at once, and what another df says instead', () => {
    const { lines, notes } = readAll([
      '@mounts',
      '@many',
      '/',
      '/b b',
      '/c',
      '/d',
      '@both',
      '   Inodes IUsed Filesystem 1K-blocks Used Avail Use% Mounted on',
      '       10     5 /dev/a            10    5     5  50% /',
      '        -     - a pool of 7       10    1     9  10% /b b',
      '        0     0 /dev/c            10    1     9  10% /c',
      '/dev/d 10 2 8 20% /d',
    ]);
    expect(lines.filter((line) => !line.startsWith('disk_read_only'))).toEqual([
      'disk_usage / (/dev/a): 50',
      'disk_usage /b b (a pool of 7): 10',
      'disk_usage /c (/dev/c): 10',
      'disk_usage /d (/dev/d): 20',
      'inode_usage / (/dev/a): 50',
    ]);
    expect(notes).toEqual([]);
  });

  it('gives a row the name that was asked for where df calls its mount by another', () => {
    const { lines, notes } = readAll(['@mounts', '/', '/sysroot', ...DF]);
    expect(lines).toContain('disk_usage /sysroot (/dev/b): 10');
    expect(notes).toEqual([]);
  });

  it('and drops it where it may be that of several', () => {
    const { lines, notes } = readAll(['@mounts', '/', '/sysroot', '/var', ...DF]);
    expect(lines).toEqual(OF_ROOT);
    expect(notes).toEqual([
      'df told nothing (no permission, or no time) of: /sysroot, /var',
      'df: 2 lines not understood',
    ]);
  });

  it.each([
    ['a row that df changed', '/dev/b 10 1 9 10% /?'],
    ['a row that cannot be read', '/dev/b 10 1 9 10% /\uFFFD'],
    ['no row', ''],
  ])('says that a name is none, and not that df was silent: %s', (_, row) => {
    const { lines, notes } = readAll([
      '@mounts',
      '/',
      '/\uFFFD',
      ...DF.map((line) => (line.endsWith('/b') ? row : line)),
    ]);
    expect(lines).toEqual(OF_ROOT);
    expect(notes[0]).toMatch(/^not watched, as its name cannot be printed: \/./);
    expect(notes.join()).not.toContain('df told nothing');
  });

  it('says what was left out and why, in few words however much it is', () => {
    const { notes } = readAll([
      '@mounts',
      '@type nfs4',
      '@type fuse.sshfs',
      '@fixed /usr',
      ...Array.from({ length: 8 }, (_, i) => `@covered /c${i}`),
      '@demand /efi',
      '@break /two\\012lines',
      `@demand /${'x'.repeat(4_000)}`,
      '@demand /\u202egnp.exe\u001b[2J',
      '@hangs ?',
      '@more 12 volume',
      '@more 3 covered',
      '@more 9 nonsense',
      '@more -1 volume',
      '@nonsense /x',
    ]);
    expect(notes).toEqual([
      'no file systems: none is a local disk',
      'a df of an earlier round still hangs',
      'not watched, as no local disks: file systems of type nfs4, fuse.sshfs',
      'not watched, as mounted read-only: /usr',
      `not watched, as mounted on demand: /efi, /${'x'.repeat(119)}…, /gnp.exe [2J`,
      'not watched, as another mount lies on it: /c0, /c1, /c2, /c3, /c4 and 6 more',
      'not watched, as its name has a line break or another control character: /two\\012lines',
      'not watched: 12 of pods or containers (option `volumes`)',
    ]);
  });
});
