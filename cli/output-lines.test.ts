import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const program = fileURLToPath(new URL('../bin/bartizan.ts', import.meta.url));

it.each(['schema', '--help', 'up --help'])(
  '`%s`, whose reader has gone, ends without a word',
  async (line) => {
    const child = spawn(process.execPath, [program, ...line.split(' ')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect([errors, code]).toEqual(['', 0]);
  },
);

it('a full disk fails in a sentence', async () => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [program, 'schema'], { stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  const [errors, [code]] = await Promise.all([text(child.stderr!), once(child, 'exit')]);
  expect([errors, code]).toEqual([
    expect.stringMatching(/^bartizan: the output cannot be written: ENOSPC: [^\n]*\n$/),
    1,
  ]);
});
