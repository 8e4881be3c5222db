import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { usageScript } from './usage.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cost-'));
  for (const folder of ['proc/self', 'bin']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'proc/filesystems'), 'nodev\tzfs\n');
  writeFileSync(join(root, 'proc/uptime'), '5000.00 1.00\n');
  writeFileSync(join(root, 'bin/df'), '#!/bin/sh\n', { mode: 0o755 });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

it('the time of the shell grows in proportion to the list of mounts', () => {
  const path = `/${'a-long-name-of-a-dataset/'.repeat(5)}`;
  const env = { PATH: `${join(root, 'bin')}:${process.env.PATH}`, BARTIZAN_ROOT: root };
  const secondsOf = (count: number) => {
    const lines = Array.from(
      { length: count },
      (_, i) => `${i + 9} 1 0:${i} / ${path}${i} rw - zfs tank/${i} rw\n`,
    );
    writeFileSync(join(root, 'proc/self/mountinfo'), lines.join(''));
    return cpuSeconds(env);
  };
  const few = secondsOf(100);
  // It was a hundred times as much in dash.
  expect(secondsOf(800)).toBeLessThan(few * 8 + 0.2);
});

/** CPU time of a run and its children, as the shell counts it. */
function cpuSeconds(env: Record<string, string>): number {
  const input = `${usageScript().text}\ntimes >&2\n`;
  const { stderr } = spawnSync('sh', { input, env, encoding: 'utf8' });
  return [...stderr.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  );
}
