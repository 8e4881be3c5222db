// A df that does not return, as on a file system whose server, daemon or device is gone.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseUsage } from '../../../core/parse/usage-output.ts';
import { usageScript } from './usage.ts';

/**
 * Writes down what it was asked for; hangs where that includes a mount of $HANG, as does a child that holds its output. Both
 * outlast the test.
 */
const DF = `#!/bin/sh
echo "$*" >>"$BARTIZAN_ROOT/asked"
for hang in $HANG; do
  case " $* " in *" $hang "*)
    /bin/sleep 100000 &
    echo "$!" >>"$BARTIZAN_ROOT/held"
    touch "$BARTIZAN_ROOT/hangs"
    exec /bin/sleep 100000 ;;
  esac
done
echo "Filesystem and so on"
shift 2
for mount; do echo "/dev/x 400 100 300 25% $mount"; done
`;

/** The script's limit: is over once df hangs, however busy the machine is. Writes down how many seconds passed. */
const SLEEP = `#!/bin/sh
until [ -e "$BARTIZAN_ROOT/hangs" ]; do /bin/sleep 0.02; done
rm "$BARTIZAN_ROOT/hangs"
echo "$1" >>"$BARTIZAN_ROOT/slept"
`;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hanging-'));
  for (const folder of ['proc/self', 'bin']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'proc/uptime'), '5000.25 1.00\n');
  writeFileSync(join(root, 'bin/df'), DF, { mode: 0o755 });
  writeFileSync(join(root, 'bin/sleep'), SLEEP, { mode: 0o755 });
  for (const file of ['asked', 'held', 'slept']) writeFileSync(join(root, file), '');
  mount('/', '/b', '/c c', '/d');
});
afterEach(() => {
  for (const pid of readFileSync(join(root, 'held'), 'utf8').split('\n').filter(Boolean))
    process.kill(Number(pid));
  rmSync(root, { recursive: true, force: true });
});

function mount(...paths: string[]) {
  const lines = paths.map(
    (path, i) => `${i + 20} 1 8:${i} / ${path.replaceAll(' ', '\\040')} rw - ext4 /dev/sd${i} rw\n`,
  );
  writeFileSync(join(root, 'proc/self/mountinfo'), lines.join(''));
}

/** A process of the node that started this many seconds after the boot. */
function running(pid: number, comm: string, startSeconds: number, ...argv: string[]) {
  const folder = join(root, 'proc', String(pid));
  mkdirSync(folder);
  writeFileSync(join(folder, 'comm'), `${comm}\n`);
  writeFileSync(join(folder, 'cmdline'), argv.map((arg) => `${arg}\0`).join(''));
  const between = Array.from({ length: 18 }, () => '0').join(' ');
  writeFileSync(join(folder, 'stat'), `${pid} (${comm}) D ${between} ${startSeconds * 100} 0 0\n`);
}

async function runScript(hang = '') {
  const env = { PATH: `${join(root, 'bin')}:${process.env.PATH}`, BARTIZAN_ROOT: root, HANG: hang };
  const shell = spawn('sh', { env, stdio: ['pipe', 'pipe', 'inherit'] });
  shell.stdin.end(usageScript().text);
  let text = '';
  for await (const chunk of shell.stdout) text += chunk;
  const output = parseUsage(text);
  if (!output) throw new Error('not understood');
  return {
    seconds: readFileSync(join(root, 'slept'), 'utf8')
      .split('\n')
      .reduce((sum, text) => sum + Number(text), 0),
    disks: output.levels.filter(({ metric }) => metric === 'disk_usage').map(({ labels }) => labels.mount),
    inodes: output.levels.filter(({ metric }) => metric === 'inode_usage').map(({ labels }) => labels.mount),
    notes: output.notes.filter((note) => note.includes('df')),
    clockMs: output.clockMs,
  };
}
const asked = () => readFileSync(join(root, 'asked'), 'utf8').trim().split('\n');

describe('a df that hangs', () => {
  it('costs only its mount and some seconds, and no connection', async () => {
    const { disks, inodes, notes, seconds, clockMs } = await runScript('/b');
    expect(disks).toEqual(['/', '/c c', '/d']);
    expect(inodes).toEqual(disks);
    expect(notes).toEqual(['df hangs, so nothing is known of: /b']);
    expect(clockMs).toBeGreaterThan(0);
    expect(seconds).toBe(3);
    expect(asked().slice(0, 5)).toEqual([
      '-P -k / /b /c c /d',
      '-P -k /',
      '-P -i /',
      '-P -k /b',
      '-P -k /c c',
    ]);
  });

  it('is recognised by its one mount', async () => {
    mount('/b');
    const { disks, notes } = await runScript('/b');
    expect([disks, notes]).toEqual([[], ['df hangs, so nothing is known of: /b']]);
    expect(asked()).toEqual(['-P -k /b']);
  });

  it('is not waited for more than three times', async () => {
    mount('/', '/b', '/d', '/e', '/f', '/g');
    const { disks, notes, seconds } = await runScript('/b /d /e /f');
    expect(disks).toEqual(['/']);
    expect(notes).toEqual([
      'df hangs, so nothing is known of: /b, /d, /e',
      'df told nothing (no permission, or no time) of: /f, /g',
    ]);
    expect(seconds).toBe(5);
  });

  it('gets no second one beside it in a later round', async () => {
    running(77, 'df', 4_000, 'df', '-P', '-k', '/', '/b', '/c c', '/d');
    running(78, 'df', 4_002, 'df', '-P', '-i', '/c c');
    running(79, 'df', 4_000, 'df', '-h');
    running(80, 'df (x) y', 4_000, 'df', '-P', '-k', '/');
    running(81, 'sh', 4_000, 'df', '-P', '-k', '/');
    const { disks, notes } = await runScript('/c');
    expect(disks).toEqual(['/', '/b', '/d']);
    expect(notes).toEqual(['df hangs, so nothing is known of: /c c']);
    expect(asked()).toEqual(['-P -k / /b /d', '-P -i / /b /d']);
  });

  it('and while the mount is unknown, df runs for each mount alone', async () => {
    running(77, 'df', 4_000, 'df', '-P', '-k', '/', '/b');
    const { disks, notes } = await runScript();
    expect(disks).toEqual(['/', '/b', '/c c', '/d']);
    expect(notes).toEqual(['a df of an earlier round still hangs']);
    expect(asked()).toHaveLength(8);
  });

  it('does not count while it is young: it may belong to a concurrent run', async () => {
    running(77, 'df', 4_999, 'df', '-P', '-k', '/b');
    expect(await runScript()).toMatchObject({ disks: ['/', '/b', '/c c', '/d'], notes: [] });
  });

  it('many of them, and no further df starts', async () => {
    for (let i = 0; i < 9; i++) running(100 + i, 'df', 4_000, 'df', '-P', '-k', `/gone/${i}`);
    const { disks, notes } = await runScript();
    expect([disks, asked()]).toEqual([[], ['']]);
    expect(notes).toEqual([
      'df hangs, so nothing is known of: /gone/0, /gone/1, /gone/2, /gone/3, /gone/4 and 4 more',
      'df told nothing (no permission, or no time) of: /, /b, /c c, /d',
    ]);
  });
});
