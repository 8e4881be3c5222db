import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Accounts, foreignWriters } from './foreign-writers.ts';

let dir: string;
let data: string;
let file: string;
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'bartizan-writers-')));
  data = join(dir, 'srv/data');
  mkdirSync(data, { recursive: true, mode: 0o700 });
  chmodSync(join(dir, 'srv'), 0o755);
  file = join(data, 'known_hosts');
  writeFileSync(file, '', { mode: 0o644 });
});
afterEach(() => rmSync(dir, { recursive: true }));

const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
const alone: Accounts = { group: `us:x:${gid}:\n`, passwd: `us:x:${uid}:${gid}::/:/bin/sh\n` };
const found = async (path: string, accounts = alone) =>
  (await foreignWriters(path, accounts)).map(({ path: at, who }) => `${at.slice(dir.length)} ${who}`);

describe('who else can write a file', () => {
  it.each<[string, () => void, string[]]>([
    ['nobody', () => {}, []],
    ['everybody', () => chmodSync(file, 0o646), ['/srv/data/known_hosts everybody (mode 0646)']],
    ['everybody in its folder', () => chmodSync(data, 0o703), ['/srv/data everybody (mode 0703)']],
    ['everybody above that', () => chmodSync(join(dir, 'srv'), 0o777), ['/srv everybody (mode 0777)']],
    ['nobody through a sticky folder above', () => chmodSync(join(dir, 'srv'), 0o1777), []],
    ['nobody by reading', () => chmodSync(data, 0o755), []],
    ['nobody by a group that is ours alone', () => chmodSync(data, 0o770), []],
  ])('%s', async (_what, make, expected) => {
    make();
    expect(await found(file)).toEqual(expected);
  });

  it('everybody in a sticky folder that is checked itself: whoever is first creates known_hosts', async () => {
    chmodSync(data, 0o1777);
    expect(await found(data)).toEqual(['/srv/data everybody (mode 1777)']);
  });

  it('a missing file is checked by its folders', async () => {
    chmodSync(join(dir, 'srv'), 0o777);
    expect(await found(join(data, 'a/b'))).toEqual(['/srv everybody (mode 0777)']);
  });

  it('a link is checked with its target, and with the folders of both', async () => {
    mkdirSync(join(dir, 'open'));
    mkdirSync(join(dir, 'links'));
    chmodSync(join(dir, 'open'), 0o777);
    chmodSync(join(dir, 'links'), 0o777);
    writeFileSync(join(dir, 'open/target'), '');
    symlinkSync(join(dir, 'open/target'), join(dir, 'links/known_hosts'));
    expect(await found(join(dir, 'links/known_hosts'))).toEqual([
      '/links everybody (mode 0777)',
      '/open everybody (mode 0777)',
    ]);
    chmodSync(join(dir, 'open/target'), 0o666);
    expect(await found(join(dir, 'links/known_hosts'))).toContain('/links/known_hosts everybody (mode 0666)');
  });

  it.each<[string, Accounts, boolean]>([
    ['a member', { group: `ops:x:${gid}:us,alice\n`, passwd: `${alone.passwd}alice:x:1234:1234::\n` }, true],
    ['a member that another directory knows', { group: `ops:x:${gid}:bob\n`, passwd: alone.passwd }, true],
    [
      'one by the first group',
      { group: `ops:x:${gid}:\n`, passwd: `${alone.passwd}alice:x:1234:${gid}::\n` },
      true,
    ],
    [
      'nobody but us and root',
      { group: `ops:x:${gid}:us,root\n`, passwd: `${alone.passwd}root:x:0:0::\n` },
      false,
    ],
    ['nobody that is known', { group: '', passwd: '' }, false],
  ])('a group counts by its members: %s', async (_what, accounts, counts) => {
    chmodSync(file, 0o664);
    expect(await found(file, accounts)).toEqual(
      counts ? ['/srv/data/known_hosts group ops (mode 0664)'] : [],
    );
  });

  it.each([
    ['read-only', 'ro', []],
    ['for writing', 'rw', ['/srv/data everybody (mode 2777)']],
  ])(
    'nobody writes to what is mounted read-only, whatever its mode: mounted %s',
    async (_, options, expected) => {
      chmodSync(data, 0o2777);
      const mounts = `1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:1 / ${data} ${options} - ext4 /dev/sda1 rw\n`;
      const writers = await foreignWriters(file, alone, mounts);
      expect(writers.map(({ path, who }) => `${path.slice(dir.length)} ${who}`)).toEqual(expected);
    },
  );

  it('is reported with the command to run', async () => {
    chmodSync(file, 0o666);
    expect((await foreignWriters(file, alone))[0]?.advice).toBe(`run \`chmod o-w ${file}\``);
  });
});
