import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { BatchObservation } from '../../../core/model/observation.ts';
import {
  ALWAYS,
  dir,
  logOf,
  processesWith,
  setupProber,
  shell,
  startNode,
  target,
  until,
  useServers,
} from '../../../test/openssh/servers.ts';
import { batchOf, detailOf, outcomes, readings } from '../../../test/prober-fixture.ts';

useServers();

/** The program that runs instead of the login shell, by name of the node. */
const SHELLS: Readonly<Record<string, (bin: string) => string>> = {
  dash: () => shell('dash'),
  bash: () => shell('bash'),
  'bash-as-sh': () => shell('bash --posix'),
  busybox: () => shell('busybox sh'),
  zsh: () => shell('zsh'),
  'korean-locale': () =>
    `export LANG=ko_KR.UTF-8 LC_ALL=ko_KR.UTF-8 LC_NUMERIC=de_DE.UTF-8; ${shell('bash')}`,
  'path-without-system': () => 'export PATH=/nowhere; exec /bin/sh',
  'odd-variables': () =>
    `export IFS=0123456789 POSIXLY_CORRECT=1 BLOCK_SIZE=512 AWKPATH=/ ENV=/etc/passwd; ${shell('sh')}`,
  'noisy-profile': () => `echo "*** Welcome ***"; echo oops >&2; printf 'no end'; ${shell('sh')}; echo bye`,
  'only-busybox': (bin) => `export PATH=${bin}; ${shell(join(bin, 'sh'))}`,
};

describe('the script runs whatever the login shell is', () => {
  let result: BatchObservation;
  beforeAll(async () => {
    const bin = join(dir, 'busybox-bin');
    mkdirSync(bin);
    for (const applet of ['sh', 'awk', 'date', 'df', 'sed', 'sleep', 'tr'])
      symlinkSync('/bin/busybox', join(bin, applet));
    const targets = await Promise.all(
      Object.entries(SHELLS).map(async ([name, command]) =>
        target(name, await startNode(name, { command: command(bin) })),
      ),
    );
    const { prober } = await setupProber();
    result = await prober.probe(batchOf(targets));
    await prober.close();
  });

  it.each(Object.keys(SHELLS))('%s', (name) => {
    const values = readings(result, name);
    expect(Object.keys(values)).toEqual(expect.arrayContaining(ALWAYS));
    expect(Object.keys(values).filter((metric) => metric.startsWith('disk_usage'))).not.toEqual([]);
    expect(values.mem_total).toBe(
      Number(/MemTotal: +(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024,
    );
  });

  it('and where it must not run at all, the failure says why', async () => {
    const nodes = {
      refusing: { command: 'echo "not today" >&2; exit 126' },
      silent: { command: 'exit 3' },
      verifying: { command: 'exit 126' },
      closed: { config: ['MaxSessions 0'] },
    };
    const targets = await Promise.all(
      Object.entries(nodes).map(async ([name, options]) => target(name, await startNode(name, options))),
    );
    const { prober } = await setupProber();
    const result = await prober.probe(batchOf(targets));
    expect(outcomes(result)).toEqual(
      ['closed', 'refusing', 'silent', 'verifying'].map((name) => `${name}: command/exec`),
    );
    expect(Object.keys(nodes).map((name) => detailOf(result, name))).toEqual([
      'the script ended with code 126: "not today"',
      'the script ended with code 3',
      'the script ended with code 126: its authorized_keys line does not allow our script usage@2 (print it again: `bartizan keys`)',
      'the node opens no session: MaxSessions 0 in its sshd_config?',
    ]);
  });

  it('and df hangs: the rest arrives in time, and df is ended', async () => {
    const bin = join(dir, 'hanging-bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'df'), '#!/bin/sh\nexec sleep 3600\n', { mode: 0o755 });
    const mark = `BARTIZAN_MARK=${bin}`;
    const targets = await Promise.all(
      ['dash', 'bash', 'busybox sh', 'zsh --emulate sh'].map(async (program, i) => {
        const command = `export PATH=${bin}:$PATH ${mark}; exec ${program}`;
        return target(program, await startNode(`hanging-${i}`, { command }));
      }),
    );
    const { prober } = await setupProber();
    const result = await prober.probe(batchOf(targets));
    for (const { node: name } of targets) {
      expect(readings(result, name)).toMatchObject({
        load1: expect.any(Number),
        cpu_usage: expect.any(Number),
      });
      expect(readings(result, name)).not.toHaveProperty('disk_usage /');
    }
    await until(() => processesWith(mark).length === 0);
  });

  it('and leaves no process behind', async () => {
    const server = await startNode('clean', { command: `export BARTIZAN_MARK=${dir}; ${shell('sh')}` });
    const { prober } = await setupProber();
    await prober.probe(batchOf([target('n', server)]));
    await prober.close();
    await until(() => /Disconnected from|Connection closed/.test(logOf(server)));
    expect(processesWith(`BARTIZAN_MARK=${dir}`)).toEqual([]);
  });
});
