import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { costScript } from '../adapters/probes/cost/cost-script.ts';
import { pki } from '../adapters/probes/pki/pki.ts';
import { usage } from '../adapters/probes/usage/usage.ts';
import { newKey, publicKeyOf } from '../localstack/fleet/new-key.ts';
import { keysCommand } from './keys.ts';

let dir: string;
let printed: string;
const [gateKey, nodesKey] = [newKey(), newKey()];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-keys-'));
  writeFileSync(join(dir, 'gate'), gateKey, { mode: 0o600 });
  writeFileSync(join(dir, 'nodes'), nodesKey, { mode: 0o600 });
  writeFileSync(
    join(dir, 'c.yaml'),
    `bastions: [{ name: gate, host: gate.example.net, user: probe, privateKey: "\${file:gate}" }]
clusters:
  - { name: a, bastion: gate, privateKey: "\${file:nodes}", nodes: [{ name: n1, role: etcd, host: 10.0.0.1 }, { name: n2, role: etcd, host: "fd00::2", port: 2222 }] }
  - { name: b, bastion: gate, nodes: [{ name: n1, role: etcd, host: 10.0.0.9, user: core }] }
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
`,
  );
  printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
});
afterEach(() => {
  process.exitCode = undefined;
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true });
});
const run = (...args: string[]) =>
  keysCommand().parseAsync(['--config', join(dir, 'c.yaml'), ...args], { from: 'user' });

const FRONT = 'restrict,command="exit 1",port-forwarding,permitlisten="localhost:1"';

it('prints the lines for the bastion and the nodes of each cluster, with the key that is used there', async () => {
  await run('--json');
  const { bastions, clusters } = JSON.parse(printed);
  const endpoints = ['10.0.0.1:22', '[fd00::2]:2222', '10.0.0.9:22'].map(
    (endpoint) => `permitopen="${endpoint}"`,
  );
  expect(bastions).toEqual([
    {
      name: 'gate',
      user: 'probe',
      host: 'gate.example.net',
      line: `${FRONT},${endpoints.join(',')} ${publicKeyOf(gateKey)} bartizan`,
      sshdConfig: expect.stringMatching(/^Match User probe\n {2}AuthenticationMethods publickey\n/),
      missing: [],
    },
  ]);
  expect(clusters).toMatchObject([
    { name: 'a', users: ['probe'], sshdConfig: 'Match User probe\n  PermitTunnel no' },
    { name: 'b', users: ['core'], penaltyExemption: '# PerSourcePenaltyExemptList ADDRESS' },
  ]);
  expect(clusters[0].line).toMatch(
    /^restrict,command="s=\$\(head -c 65536; echo x\);.* exit 126;; esac" ssh-ed25519 /,
  );
  // The scripts of all options, those of the release before, and that of `probe --cost`.
  expect(usage.catalogue.map(({ name }) => name)).toEqual(['usage@2', 'usage-volumes@2', 'usage@1']);
  expect(clusters[0].line).toContain(
    `in ${[...usage.catalogue, ...pki.catalogue, costScript].map(({ sha256 }) => sha256).join('|')})`,
  );
  expect(clusters[0].line).toContain(publicKeyOf(nodesKey));
  expect(clusters[1].line).toContain(publicKeyOf(gateKey));
  expect(process.exitCode).toBe(0);
});

it('prints a firewall and the line that belongs to it', async () => {
  await run('--json', '--nft');
  const [{ line, nft, missing }] = JSON.parse(printed).bastions;
  expect(line).toBe(`${FRONT},permitopen="*:22",permitopen="*:2222" ${publicKeyOf(gateKey)} bartizan`);
  expect(nft).toContain('elements = {\n      10.0.0.1 . 22,\n      10.0.0.9 . 22\n    }');
  expect(nft).toContain('elements = {\n      fd00::2 . 2222\n    }');
  expect(missing).toEqual([]);
});

it('prints where each text belongs, and nothing of a private key', async () => {
  await run();
  expect(printed.match(/^# (?:bastion|nodes)[^:]+: \S+/gm)).toEqual([
    '# bastion gate: ~probe/.ssh/authorized_keys',
    '# bastion gate: /etc/ssh/sshd_config.d/00-bartizan.conf',
    '# nodes of a: authorized_keys',
    '# nodes of a: sshd_config,',
    '# nodes of a: global',
    '# nodes of b: authorized_keys',
    '# nodes of b: sshd_config,',
    '# nodes of b: global',
  ]);
  for (const line of `${gateKey}${nodesKey}`.split('\n').filter((text) => text.length > 20)) {
    expect(printed).not.toContain(line);
  }
});

describe('a bastion', () => {
  const write = (bastions: string, nodes: string) =>
    writeFileSync(
      join(dir, 'c.yaml'),
      `bastions: [${bastions}]\nclusters: [${nodes}]\nchannels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]\n`,
    );
  const bastion = (name: string, host = name, user = 'probe') =>
    `{ name: ${name}, host: ${host}, user: ${user}, privateKey: "\${file:gate}" }`;
  const cluster = (name: string, behind: string, hosts: readonly string[]) =>
    `{ name: ${name}, bastion: ${behind}, nodes: [${hosts.map((host, i) => `{ name: n${i}, role: etcd, host: ${host} }`).join(', ')}] }`;
  const shown = async (...args: string[]) => {
    await run('--json', ...args);
    return JSON.parse(printed).bastions;
  };

  it('without a node gets no line, because it would permit every host', async () => {
    write([bastion('gate'), bastion('lone')].join(), cluster('a', 'gate', ['10.0.0.1']));
    expect((await shown())[1]).toMatchObject({
      line: '',
      missing: ['line: no node is behind it, so there is nothing to permit'],
    });
    expect(process.exitCode).toBe(0);
    printed = '';
    await run();
    expect(printed).toContain(
      '# bastion lone: no line: no node is behind it, so there is nothing to permit\n',
    );
    expect(printed).not.toMatch(/Match User[^#]*lone/);
  });

  it('that appears twice has one line for both, because sshd reads only the first line of a key', async () => {
    write(
      [bastion('one', 'gate'), bastion('two', 'gate'), bastion('other', 'gate', 'else')].join(),
      [
        cluster('a', 'one', ['10.0.0.1']),
        cluster('b', 'two', ['10.0.0.2']),
        cluster('c', 'other', ['10.0.0.3']),
      ].join(),
    );
    const [one, two, other] = await shown();
    expect(one.line).toContain('permitopen="10.0.0.1:22",permitopen="10.0.0.2:22" ');
    expect(two.line).toBe(one.line);
    expect(other.line).not.toContain('10.0.0.1');
    printed = '';
    await run();
    expect(printed.match(/^# bastion.*authorized_keys on \S+/gm)).toEqual([
      '# bastions one, two: ~probe/.ssh/authorized_keys on gate,',
      '# bastion other: ~else/.ssh/authorized_keys on gate,',
    ]);
  });

  it.each([
    [
      ['node.example', '10.0.0.1'],
      'probe',
      'knows addresses, not names: write the address as `host` of node.example',
    ],
    [['"fe80::1%eth0"'], 'probe', 'knows addresses, not names: write the address as `host` of fe80::1%eth0'],
    [['10.0.0.1'], 'root', 'cannot tell our root from that of the system'],
    [['10.0.0.1'], '"a b"', 'nftables cannot name the user "a b"'],
  ])('has no firewall, and no line that needs one, for nodes %s and user %s', async (hosts, user, why) => {
    write(bastion('gate', 'gate', user), cluster('a', 'gate', hosts));
    const [{ line, nft, missing }] = await shown('--nft');
    expect([line, nft, process.exitCode]).toEqual(['', '', 1]);
    expect(missing.join('\n')).toContain(why);
  });

  it('with the user root has no block, because it would lock others out', async () => {
    write(bastion('gate', 'gate', 'root'), cluster('a', 'gate', ['10.0.0.1']));
    expect((await shown())[0]).toMatchObject({
      line: expect.stringContaining('permitopen="10.0.0.1:22"'),
      sshdConfig: '',
      missing: [expect.stringContaining('sshdConfig: it would lock out whoever else logs in as root')],
    });
  });
});
