import { describe, expect, it } from 'vitest';
import { parseFileSystems } from './file-systems.ts';
import { MAX_MOUNTS } from './reading.ts';

const HEADER = 'Filesystem     1024-blocks     Used Available Capacity Mounted on';

/** `metric mount device: value` of the given lines. */
const read = (blocks: string[], inodes: string[] = []) => {
  const { readings, notes } = parseFileSystems(blocks, inodes);
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
    ['no numbers (`-`)', '/dev/sda1 - - - - /', 'df: 1 file systems without numbers'],
    ['an empty file system', 'none 0 0 0 - /x', 'df: 1 file systems without numbers'],
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
});
