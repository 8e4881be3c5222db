import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newKey, publicKeyOf } from '../localstack/fleet/new-key.ts';
import { answer, output } from '../test/node-behaviour.ts';
import {
  type Behaviour,
  CLIENT_KEY,
  type FakeBastion,
  type FakeHost,
  startFakeBastion,
  startFakeNode,
  startRawNode,
} from '../test/ssh-fleet.ts';
import { loadConfig, secretsFor } from './config-file.ts';
import { checkConnections } from './connect-check.ts';
import { connectReport, isConnected } from './connect-report.ts';
import type { ConnectRow } from './connect-row.ts';
import { noPaint } from './problem-report.ts';

let dir: string;
let bastion: FakeBastion;
let service: Server;
let rows: ConnectRow[];
const hosts: FakeHost[] = [];
const asked: string[] = [];

/** The answer of a healthy node. Its clock is correct unless a test sets it. */
const probed =
  (change: (text: string) => string = (text) => text, aheadMs = 0): Behaviour =>
  (channel, _script, count) => {
    const clock = `clock ${((Date.now() + aheadMs) / 1000).toFixed(3)}`;
    answer(channel, change(output(count).replace(/clock .*/, clock)));
  };
const fullDisk = (text: string) => text.replace('@blocks\n', '@blocks\n/dev/vda1 100 98 2 98% /var\n');

/** The answer of Mattermost and of Slack to a bot. */
const ANSWER = '{"username":"bartizan","display_name":"Ops","ok":true,"user":"bartizan","team":"Example"}';

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-connect-'));
  bastion = await startFakeBastion();
  const other = newKey();
  const confined = { forwards: false };
  const nodes: Record<string, FakeHost & { pinned?: string }> = {
    fine: await startFakeNode(probed(), confined),
    ahead: await startFakeNode(probed(undefined, 90_000), confined),
    full: await startFakeNode(probed(fullDisk), confined),
    unknown: { ...(await startFakeNode(probed())), pinned: '' },
    changed: { ...(await startFakeNode(probed())), pinned: publicKeyOf(other) },
    refuses: await startFakeNode(probed(), { accepts: publicKeyOf(other) }),
    'old-line': await startFakeNode((channel) => answer(channel, '', 126)),
    'other-paths': await startFakeNode(
      (channel, script, count) =>
        script.includes('bartizan begin pki') ? answer(channel, '', 126) : probed()(channel, script, count),
      confined,
    ),
    chatty: await startFakeNode((channel) => answer(channel, 'Welcome!\n', 0)),
    'no-ssh': await startRawNode((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    gone: { ...(await startRawNode(() => {})), port: 1 },
  };
  hosts.push(bastion, ...Object.values(nodes));
  service = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const right = request.headers.authorization === 'Bearer right';
    response.writeHead(right ? 200 : 401).end(right ? ANSWER : '{}');
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
  writeFileSync(join(dir, 'key'), CLIENT_KEY, { mode: 0o600 });
  writeFileSync(join(dir, 'right'), 'right');
  writeFileSync(join(dir, 'wrong'), 'wrong-token-17');
  const node = ([name, { port, hostKey, pinned = hostKey }]: [string, FakeHost & { pinned?: string }]) =>
    `{ name: ${name}, role: etcd, host: 127.0.0.1, port: ${port}, user: probe, hostKeys: [${pinned === '' ? '' : `"${pinned}"`}] }`;
  writeFileSync(
    join(dir, 'c.yaml'),
    `bastions:
  - { name: gate, host: 127.0.0.1, port: ${bastion.port}, user: probe, privateKey: "\${file:key}", hostKeys: ["${bastion.hostKey}"] }
  - { name: nowhere, host: no-such-host.invalid, user: probe, privateKey: "\${file:key}" }
  - { name: closed, host: 127.0.0.1, port: 1, user: probe, privateKey: "\${file:key}" }
  - { name: keyless, host: 127.0.0.1, user: probe, privateKey: "\${file:right}" }
  - { name: agentless, host: 127.0.0.1, user: probe, agent: "\${env:BARTIZAN_NEVER_SET}" }
  - { name: strange, host: localhost, port: ${bastion.port}, user: probe, privateKey: "\${file:key}" }
clusters:
  - { name: prod, bastion: gate, nodes: [${Object.entries(nodes).map(node).join(', ')}] }
  - { name: b, bastion: nowhere, nodes: [{ name: n, role: etcd, host: 10.0.0.1, user: probe }] }
  - { name: c, bastion: closed, nodes: [{ name: n, role: etcd, host: 10.0.0.1, user: probe }] }
  - { name: d, bastion: keyless, nodes: [{ name: n, role: etcd, host: 10.0.0.1, user: probe }] }
  - { name: f, bastion: agentless, nodes: [{ name: n, role: etcd, host: 10.0.0.1, user: probe }] }
  - { name: e, bastion: strange, nodes: [{ name: n, role: etcd, host: 10.0.0.1, user: probe }] }
checks:
  - { name: pki, probe: pki, paths: [/opt/pki], where: { node: other-* } }
channels:
  - { name: hook, type: webhook, url: "${url}/hook" }
  - { name: dead, type: webhook, url: "http://127.0.0.1:1/secret-in-path" }
  - { name: chat, type: mattermost, url: "${url}", token: "\${file:right}", channelId: c1 }
  - { name: named, type: slack, token: "\${file:right}", channel: "#ops", apiUrl: "${url}" }
  - { name: expired, type: mattermost, url: "${url}", token: "\${file:wrong}", channelId: c1 }
  - { name: unset, type: slack, token: "\${env:BARTIZAN_NEVER_SET}", channel: C1 }
routes: [{ name: all, channels: [hook, dead, chat, named, expired, unset] }]
`,
  );
  const file = join(dir, 'c.yaml');
  const { config } = await loadConfig(file);
  rows = await checkConnections(config, secretsFor(file), { quiet: true });
});
afterAll(async () => {
  await Promise.all(hosts.map((host) => host.close()));
  service.closeAllConnections();
  service.close();
  rmSync(dir, { recursive: true });
});

describe('checking the connections of a configuration', () => {
  it('gives one row for each connection, in the order of the file', () => {
    expect(rows.map(({ kind, name, state }) => `${kind} ${name} ${state}`)).toEqual([
      'data store.path ok',
      'bastion gate ok',
      'bastion nowhere failed',
      'bastion closed failed',
      'bastion keyless failed',
      'bastion agentless failed',
      'bastion strange failed',
      'node prod/fine ok',
      'node prod/ahead warning',
      'node prod/full warning',
      'node prod/unknown failed',
      'node prod/changed failed',
      'node prod/refuses failed',
      'node prod/old-line failed',
      'node prod/other-paths failed',
      'node prod/chatty failed',
      'node prod/no-ssh failed',
      'node prod/gone failed',
      'node b/n unknown',
      'node c/n unknown',
      'node d/n unknown',
      'node f/n unknown',
      'node e/n unknown',
      'channel hook ok',
      'channel dead failed',
      'channel chat ok',
      'channel named warning',
      'channel expired failed',
      'channel unset failed',
    ]);
    expect(isConnected(rows)).toBe(false);
    expect(isConnected(rows.filter(({ state }) => state !== 'failed'))).toBe(true);
  });

  it.each([
    ['gate', /lets us in/, undefined],
    ['nowhere', /^no-such-host.invalid:22: the name (does not resolve|cannot be looked up)/, /DNS/],
    ['closed', /^127.0.0.1:1: nothing listens on port 1$/, /start sshd/],
    ['keyless', /not a private key/, /`privateKey`/],
    ['agentless', /the variable is not set/, /`agent`/],
    ['strange', /no host key is pinned; it shows ssh-ed25519 SHA256:\S+$/, /`bartizan trust`/],
    ['prod/fine', /answered our script in \d+ ms/, undefined],
    ['prod/ahead', /its clock is 1m30s ahead of ours/, /chrony/],
    ['prod/full', /\/var has used 98%/, /free space/],
    ['prod/unknown', /no host key is pinned/, /`bartizan trust`/],
    ['prod/changed', /host key changed: it shows/, /`bartizan trust --replace prod\/changed`/],
    [
      'prod/refuses',
      /refused our key for user probe: ssh-ed25519 SHA256:\S+$/,
      /^is probe the right `user`\? If it is, put this line into ~probe\/\.ssh\/authorized_keys there, in place of any other of this key:\nrestrict,command="/,
    ],
    [
      'prod/old-line',
      /lets us in, and its authorized_keys line does not allow our script usage@2/,
      /\nrestrict,command="/,
    ],
    [
      'prod/other-paths',
      /^answered our script in \d+ ms; check pki: lets us in, and its authorized_keys line does not allow our script pki-/,
      /\nrestrict,command="/,
    ],
    ['prod/chatty', /9 bytes of output, none of them the script's/, /POSIX sh/],
    ['prod/no-ssh', /not SSH but HTTP: "HTTP\/1.1 400 Bad Request"$/, /correct `host` and `port`/],
    ['prod/gone', /the bastion does not forward to 127\.0\.0\.1:1|did not reach/, /./],
    ['b/n', /bastion nowhere failed/, undefined],
    ['hook', /accepts connections$/, undefined],
    ['dead', /127\.0\.0\.1:1: nothing listens/, /reachable from here.*notify-test dead/],
    ['chat', /bartizan sees channel Ops/, undefined],
    ['named', /bot bartizan of Example/, /looks like a name; write the id instead/],
    ['expired', /answered 401/, /correct the channel's fields/],
    ['unset', /BARTIZAN_NEVER_SET/, /what they refer to/],
  ])('reports for %s the cause and an advice', (name, detail, advice) => {
    const row = rows.find((candidate) => candidate.name === name);
    expect(row?.detail).toMatch(detail);
    if (advice === undefined) expect(row?.advice).toBeUndefined();
    else expect(row?.advice).toMatch(advice);
  });

  it('tries the rights of our keys where the login succeeded, and nowhere else', () => {
    const tried = rows.filter(({ open }) => open !== undefined);
    expect(tried.map(({ name }) => name)).toEqual([
      'gate',
      'prod/fine',
      'prod/ahead',
      'prod/full',
      'prod/other-paths',
    ]);
    for (const row of tried) expect([row.open, row.unanswered]).toEqual([[], []]);
  });

  it('sends no message, and prints no secret', () => {
    expect(asked.filter((line) => !/^GET \/api\/v4\/|^POST \/auth\.test$/.test(line))).toEqual([]);
    expect(JSON.stringify(rows)).not.toMatch(/wrong-token-17|secret-in-path|PRIVATE KEY/);
  });

  it('prints a table, and an advice only once when several rows need it', () => {
    const [first] = rows.filter(({ name }) => name === 'prod/unknown');
    const many = Array.from({ length: 7 }, (_, i) => ({
      ...(first as ConnectRow),
      name: `p/n${i}`,
      advice: 'do it',
    }));
    expect(connectReport([...many, { kind: 'data', name: 'd', state: 'ok', detail: 'fine' }], noPaint)).toBe(
      [
        '        KIND  NAME',
        ...many.map(({ name, detail }) => `failed  node  ${name}  ${detail}`),
        'ok      data  d     fine',
        '',
        'p/n0, p/n1, p/n2, p/n3, p/n4 and 2 more',
        '  do it',
        '',
        '1 ok, 7 failed',
        '',
      ].join('\n'),
    );
  });
});
