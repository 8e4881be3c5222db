// examples/control-plane/ as its user runs it: start it, learn the keys, probe; then make something fail by a line.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../until.ts';

const START = fileURLToPath(new URL('../../examples/control-plane/start.ts', import.meta.url));
const BIN = fileURLToPath(new URL('../../bin/bartizan.ts', import.meta.url));
const COMMAND = /ip netns exec (\S+) npx bartizan trust -c (\S+) --yes/;

let example: ChildProcess;
let printed = '';
let namespace: string;
let file: string;

beforeAll(async () => {
  example = spawn(process.execPath, [START], { stdio: ['pipe', 'pipe', 'inherit'] });
  example.stdout?.setEncoding('utf8').on('data', (chunk) => {
    printed += chunk;
  });
  await once(example, 'spawn');
  await waitFor('Here, a line each');
  [, namespace = '', file = ''] = COMMAND.exec(printed) ?? [];
});
afterAll(() => example?.kill('SIGKILL'));

function waitFor(text: string): Promise<void> {
  return until(text, () => {
    if (example.exitCode !== null) throw new Error(`the example ended: ${printed}`);
    return printed.includes(text);
  });
}

function bartizan(...args: readonly string[]): { status: number | null; stdout: string } {
  const command = ['netns', 'exec', namespace, process.execPath, BIN, ...args, '-c', file];
  return spawnSync('ip', command, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

describe('the example', () => {
  it('is reached through its bastion', () => {
    expect(bartizan('trust', '--yes')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('4 learned'),
    });
    const { status, stdout } = bartizan('probe', '--json');
    expect(status).toBe(0);
    for (const name of ['cp-1', 'cp-2', 'cp-3']) expect(stdout).toContain(`"${name}"`);
  });

  it('carries out a line of its input, and refuses what it does not know', async () => {
    example.stdin?.write('etcd stop cp-2\n');
    await waitFor('etcd of cp-2 is stopped');
    example.stdin?.write('certificate cp-1 pki/apiserver 6d\n');
    await waitFor('pki/apiserver of cp-1 ends in 6d');
    example.stdin?.write('access cp-3 forbidden\n');
    await waitFor('the API server of cp-3 is ready, forbidden without a credential');
    example.stdin?.write('firewall close cp-1\ngrow 50000\netcd stop cp-9\nsomething else\n');
    await waitFor('no such switch; there are');
    expect(printed).toContain('etcd takes 50000 bytes a second');
    expect(printed).toContain('no node cp-9; there are cp-1, cp-2, cp-3');
  });

  it('ends when it is interrupted, and leaves nothing', async () => {
    const ended = once(example, 'exit');
    example.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
    expect(existsSync(dirname(file))).toBe(false);
    expect(spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout).not.toContain(namespace);
  });
});
