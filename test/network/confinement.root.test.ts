// The rights of a key on real servers with every feature enabled: without restrictions, with the line of `bartizan
// keys`, and with line and block. Real clients try them, and so does `check --connect`.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CAPABILITIES } from '../../adapters/ssh/confinement.ts';
import { loadConfig, secretsFor } from '../../cli/config-file.ts';
import { checkConnections } from '../../cli/connect-check.ts';
import { isConnected } from '../../cli/connect-report.ts';
import type { ConnectRow } from '../../cli/connect-row.ts';
import type { Server } from '../../examples/openssh/fleet.ts';
import { BY_HAND } from './attempts.ts';
import { byHand, byProgram, dir, fleet, servers, useConfinedServers } from './confined-servers.ts';

useConfinedServers();

/** X11 needs xauth on the server, which may be missing here. */
const ALL = CAPABILITIES.filter((capability) => capability !== 'x11' || existsSync('/usr/bin/xauth'));

describe('a key on a bastion', () => {
  it('has all rights without restrictions, and each attempt shows that', async () => {
    expect(await byHand('bare')).toEqual(BY_HAND);
    expect(await byProgram('bare')).toEqual(ALL);
  });

  it('with only the line, may create Unix sockets, and has the rights that only sshd_config controls', async () => {
    // The shell that runs `exit 1` reads the environment first, so `AcceptEnv *` is dangerous.
    expect(await byHand('line')).toEqual(['environment', 'socket-listen']);
    expect(await byProgram('line')).toEqual(['environment', 'tunnel', 'socket-listen']);
  });

  it('with line and block, has no rights', async () => {
    expect(await byHand('block')).toEqual([]);
    expect(await byProgram('block')).toEqual([]);
  });
});

describe('a key on a node', () => {
  /** Without `sftp`, which waits for an answer while the line waits for its script; our own check sends enough. */
  const attempts = BY_HAND.filter((attempt) => attempt !== 'sftp');

  it('with only the line, has the rights that only sshd_config controls', async () => {
    expect(await byHand('node-line', attempts)).toEqual(['environment']);
    expect(await byProgram('node-line')).toEqual(['environment', 'tunnel']);
  });

  it("with line, block and Debian's AcceptEnv, has no rights", async () => {
    expect(await byHand('node-block', attempts)).toEqual([]);
    expect(await byProgram('node-block')).toEqual([]);
  });
});

it('a key on a node that verifies signatures has no rights either', async () => {
  expect(
    await byHand(
      'node-signed',
      BY_HAND.filter((attempt) => attempt !== 'sftp'),
    ),
  ).toEqual([]);
  expect(await byProgram('node-signed')).toEqual([]);
});

describe('check --connect', () => {
  it('reports the rights on bastion and node, and no forbidden one; the probe works', async () => {
    const host = (name: string) => {
      const { port, hostKeys } = servers[name] as Server;
      return `host: 127.0.0.1, port: ${port}, user: probe, hostKeys: ["${hostKeys[0]}"]`;
    };
    const bastion = (name: string) =>
      `{ name: ${name}, ${host(name)}, privateKey: "\${file:${fleet.key('ed25519')}}" }`;
    const node = (name: string) => `{ name: ${name}, role: etcd, ${host(name)} }`;
    const file = join(dir, 'c.yaml');
    writeFileSync(
      file,
      `bastions: [${['bare', 'line', 'block'].map(bastion).join(', ')}]
clusters:
  - { name: a, bastion: block, nodes: [${['node-bare', 'node-line', 'node-block'].map(node).join(', ')}] }
  - { name: b, bastion: line, nodes: [${node('node-block')}] }
  - { name: c, bastion: bare, nodes: [${node('node-block')}] }
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
store: { path: data }
`,
    );
    const { config } = await loadConfig(file);
    const rows = await checkConnections(config, secretsFor(file), { quiet: true });
    const rowOf = (name: string) => rows.find((row) => row.name === name) as ConnectRow;
    // A node may have a full disk or a wrong clock: those of this machine.
    for (const name of ['block', 'a/node-block', 'b/node-block', 'c/node-block'])
      expect(rowOf(name)).toMatchObject({
        state: expect.stringMatching(/^(ok|warning)$/),
        open: [],
        unanswered: [],
      });

    expect(rowOf('line')).toMatchObject({
      state: 'warning',
      advice: expect.stringContaining('put the block of sshd_config that'),
    });
    expect(rowOf('line').open).toContain('socket-listen');
    expect(rowOf('line').open).not.toContain('command');
    expect(rowOf('bare').detail).toMatch(
      /lets us in; our key may do more than probing needs: commands, a shell, sftp,/,
    );
    expect(rowOf('bare').advice).toMatch(
      /put the line and the block of sshd_config that `bartizan keys` prints/,
    );
    expect(rowOf('a/node-bare').open).toContain('command');
    expect(rowOf('a/node-line')).toMatchObject({ state: 'warning', open: ['environment', 'tunnel'] });
    expect(rowOf('a/node-line').advice).toMatch(/put the block .* on the node .*; AcceptEnv must be narrow/);
    // Open rights do not fail the check.
    expect(isConnected(rows.filter(({ kind }) => kind !== 'channel'))).toBe(true);

    const audit = readFileSync(join(dir, 'data', 'cli', 'audit.jsonl'), 'utf8')
      .trim()
      .split('\n');
    const onLine = audit.filter(
      (line) => line.includes('"bastion":"line"') && line.includes('"command":"try '),
    );
    expect(onLine).toHaveLength(2 * CAPABILITIES.length);
    expect(onLine.filter((line) => line.includes('"command":"try socket-listen"'))).toEqual([
      expect.stringContaining('"outcome":"refused"'),
      expect.stringContaining('"outcome":"open"'),
    ]);
  });
});
