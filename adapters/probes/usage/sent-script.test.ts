import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { scaledMs } from '../../../test/machine-speed.ts';
import { usageScript } from './usage.ts';

const FILES = [
  ...['sys/kernel/random/boot_id', 'uptime', 'loadavg', 'net/tcp', 'stat', 'meminfo', 'vmstat', 'net/dev'],
  ...['diskstats', 'filesystems', 'self/mountinfo', 'pressure/cpu', 'pressure/memory', 'pressure/io'],
];
const GARBAGE = Buffer.from(Array.from({ length: 400 }, (_, i) => 1 + ((i * 7919) % 255)));
const SESSION = { SSH_CONNECTION: '10.0.0.1 5000 10.0.0.2 22' };

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sent-'));
  // On this machine both runs report the same.
  for (const name of FILES) {
    if (!existsSync(join('/proc', name))) continue;
    mkdirSync(dirname(at(name)), { recursive: true });
    writeFileSync(at(name), readFileSync(join('/proc', name)));
  }
  mkdirSync(at('1'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));
const at = (name: string) => join(root, 'proc', name);

it.each(['dash', 'bash', 'busybox sh', 'zsh --emulate sh'])(
  'the sent text prints the same as its source in %s',
  (shell) => {
    const [program = '', ...expected] = shell.split(' ');
    const source = readFileSync(new URL('./script.sh', import.meta.url), 'utf8');
    expect(usageScript().text.length).toBeLessThan(source.length * 0.7);
    const outputOf = (input: string) => {
      const env = { PATH: process.env.PATH, BARTIZAN_ROOT: root, ...SESSION };
      const { stdout, stderr } = spawnSync(program, expected, {
        input,
        env,
        encoding: 'latin1',
        timeout: scaledMs(15_000),
      });
      // Blocks in use may differ by a moment's writing; lines have other numbers.
      const same = stdout.replace(/^clock .*$/m, '').replace(/^(\/|tmpfs|overlay).*$/gm, '$1');
      return { stdout: same, stderr: stderr.replace(/line \d+/g, 'line') };
    };
    const expectSame = () => expect(outputOf(usageScript().text)).toEqual(outputOf(source));
    expect(outputOf(usageScript().text).stdout).toContain('@bartizan end');
    expectSame();
    for (const name of FILES.filter((each) => existsSync(at(each)))) {
      cpSync(at(name), join(root, 'kept'));
      writeFileSync(at(name), GARBAGE);
      expectSame();
      cpSync(join(root, 'kept'), at(name));
    }
    rmSync(join(root, 'proc'), { recursive: true });
    expectSame();
  },
);
