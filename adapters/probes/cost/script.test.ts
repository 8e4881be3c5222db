// The cost script over a made-up /proc, in each shell that is here.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseCost } from '../../../core/parse/cost-output.ts';
import { findProgram } from '../../../test/program-path.ts';
import { costScript } from './cost-script.ts';

const SHELLS = [['sh'], ['dash'], ['bash', '--posix'], ['busybox', 'sh']].filter(([name = '']) =>
  findProgram(name),
);

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cost-script-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Process {
  id: number;
  name: string;
  parent: number;
  session: number;
  /** user, system, and those of its children */
  ticks?: readonly number[];
  ranNs?: number;
}

function add({ id, name, parent, session, ticks = [0, 0, 0, 0], ranNs }: Process): void {
  const folder = join(root, 'proc', String(id));
  mkdirSync(folder, { recursive: true });
  const [user, system, childUser, childSystem] = ticks;
  const fields = `S ${parent} ${id} ${session} 0 -1 4194560 9 9 9 9 ${user} ${system} ${childUser} ${childSystem} 20 0 1 0`;
  writeFileSync(join(folder, 'stat'), `${id} (${name}) ${fields}\n`);
  if (ranNs !== undefined) writeFileSync(join(folder, 'schedstat'), `${ranNs} 5 7\n`);
}

function run(shell: readonly string[]) {
  const [program = '', ...args] = shell;
  const env = { PATH: process.env.PATH, BARTIZAN_ROOT: root };
  const { stdout, stderr } = spawnSync(program, [...args, '-s'], {
    input: costScript.text,
    env,
    encoding: 'utf8',
  });
  return { cpu: parseCost(stdout)?.cpu, stderr };
}

/** The parent of the script, as of a command that sshd starts by a login shell, which starts another. */
const shells = () => {
  add({ id: process.pid, name: 'sh', parent: 300, session: 300 });
  add({ id: 300, name: 'a) b(', parent: 200, session: 300 });
};

describe.each(SHELLS.map((shell) => [shell.join(' '), shell] as const))('%s', (_name, shell) => {
  it.each(['sshd', 'sshd-session'])(
    'reads both processes of a session, and not the listening one: %s',
    (name) => {
      shells();
      add({ id: 200, name, parent: 100, session: 100, ticks: [1, 2, 30, 4], ranNs: 27_000_000 });
      add({ id: 100, name, parent: 50, session: 100, ticks: [3, 0, 0, 1], ranNs: 31_500_000 });
      add({ id: 50, name: 'sshd', parent: 1, session: 50, ticks: [999, 999, 30, 12], ranNs: 9e9 });
      expect(run(shell)).toEqual({
        cpu: { processes: ['200', '100'], sshdMs: 58.5, ranMs: 350, endedMs: 420 },
        stderr: '',
      });
    },
  );

  it('counts hundredths of a second where the kernel has no schedstat', () => {
    shells();
    add({ id: 200, name: 'sshd', parent: 1, session: 200, ticks: [1, 2, 30, 4] });
    expect(run(shell)).toEqual({ cpu: { processes: ['200'], sshdMs: 30, ranMs: 340 }, stderr: '' });
  });

  it('says that processes are hidden', () => {
    shells();
    expect(run(shell)).toEqual({ cpu: expect.stringContaining('hides the processes of sshd'), stderr: '' });
    add({ id: 200, name: 'sshd', parent: 100, session: 100, ranNs: 1 });
    expect(run(shell).cpu).toEqual(expect.stringContaining('hides the processes of sshd'));
  });

  it('says that there is no sshd', () => {
    shells();
    add({ id: 200, name: 'dropbear', parent: 1, session: 200 });
    expect(run(shell)).toEqual({ cpu: expect.stringContaining('is called sshd'), stderr: '' });
  });
});
