// The rights of a key on real nodes whose checks connect to a port there: with the line of `bartizan keys`, and with block and
// line. Real clients try them, and so does `check --connect`.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig, secretsFor } from '../../cli/config-file.ts';
import { checkConnections } from '../../cli/connect-check.ts';
import type { ConnectRow } from '../../cli/connect-row.ts';
import type { Server } from '../../examples/openssh/fleet.ts';
import { BY_HAND } from './attempts.ts';
import {
  byHand,
  byProgram,
  dir,
  fleet,
  servers,
  servicePort,
  useConfinedServers,
} from './confined-servers.ts';

useConfinedServers();

describe('a key on a node whose checks connect to a port there', () => {
  const attempts = BY_HAND.filter((attempt) => attempt !== 'sftp');
  const permitted = () => [{ host: '127.0.0.1', port: servicePort() }];

  it('reaches that port, and creates Unix sockets with the line alone', async () => {
    expect(await reachesService('forward-line')).toBe(true);
    expect(await byHand('forward-line', attempts)).toEqual(['environment', 'socket-listen']);
    expect(await byProgram('forward-line', permitted())).toEqual(['environment', 'tunnel', 'socket-listen']);
  });

  it('reaches that port and may do nothing else with block and line', async () => {
    expect(await reachesService('forward')).toBe(true);
    expect(await byHand('forward', attempts)).toEqual([]);
    expect(await byProgram('forward', permitted())).toEqual([]);
  });

  const reachesService = async (name: string) =>
    (await byHand(name, ['connect'], { tcpPort: servicePort() })).length > 0;
});

describe('check --connect', () => {
  it('refuses checks through a node whose sshd forwards Unix sockets, and reports which ports answer', async () => {
    const host = (name: string, user = 'probe') => {
      const { port, hostKeys } = servers[name] as Server;
      return `host: 127.0.0.1, port: ${port}, user: ${user}, hostKeys: ["${hostKeys[0]}"]`;
    };
    const node = (name: string) => `{ name: ${name}, role: etcd, ${host(name)} }`;
    const file = join(dir, 'forwarding.yaml');
    writeFileSync(
      file,
      `bastions: [{ name: bare, ${host('bare')}, privateKey: "\${file:${fleet.key('ed25519')}}" }]
clusters:
  - { name: a, bastion: bare, nodes: [${['node-bare', 'node-block', 'forward-line', 'forward'].map(node).join(', ')}] }
  - { name: b, bastion: bare, acceptsRootByForwarding: true, nodes: [${node('node-bare')}] }
checks: [{ name: etcd, probe: etcd, port: ${servicePort()} }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
store: { path: forwarding }
`,
    );
    const { config } = await loadConfig(file);
    const rows = await checkConnections(config, secretsFor(file), { quiet: true });
    const rowOf = (name: string) => rows.find((row) => row.name === name) as ConnectRow;
    const answered = { via: 'node', host: '127.0.0.1', port: servicePort() };
    expect(rowOf('a/forward')).toMatchObject({
      state: expect.stringMatching(/^(ok|warning)$/),
      open: [],
      services: [{ ...answered, outcome: 'answers' }],
    });
    expect(rowOf('a/node-block')).toMatchObject({
      state: 'failed',
      services: [{ ...answered, outcome: 'forbidden' }],
      advice: expect.stringContaining('block and line that `bartizan keys` prints'),
    });
    for (const name of ['a/node-bare', 'a/forward-line']) {
      expect(rowOf(name)).toMatchObject({
        state: 'failed',
        detail: expect.stringContaining('`via: node` is refused: sshd forwards Unix sockets for our key'),
        services: [{ ...answered, outcome: 'answers' }],
      });
    }
    expect(rowOf('b/node-bare').state).toBe('warning');
  });
});
