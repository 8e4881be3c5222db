// What `bartizan keys` permits because of the checks that are configured.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { pkiScript } from '../adapters/probes/pki/pki.ts';
import { newKey, publicKeyOf } from '../localstack/fleet/new-key.ts';
import { keysCommand } from './keys.ts';

const KEY = newKey();
let dir: string;
let printed: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-keys-'));
  writeFileSync(join(dir, 'key'), KEY, { mode: 0o600 });
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

/** Runs the command over two clusters, whose nodes have this user. */
async function run(
  checks: string,
  args: readonly string[],
  { user = 'probe', more = '', commands = '' } = {},
) {
  const nodes = '[{ name: n1, role: etcd, host: 10.0.0.1 }, { name: n2, role: apiserver, host: "fd00::2" }]';
  writeFileSync(
    join(dir, 'c.yaml'),
    `bastions: [{ name: gate, host: gate.example.net, user: probe, privateKey: "\${file:key}" }]
clusters:
  - { name: a, bastion: gate, defaults: { user: ${user} }, nodes: ${nodes}${more} }
  - { name: b, bastion: gate, nodes: [{ name: n1, role: etcd, host: 10.0.0.9 }] }
commands: [${commands}]
checks: [${checks}]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
`,
  );
  await keysCommand().parseAsync(['--config', join(dir, 'c.yaml'), ...args], { from: 'user' });
  return printed;
}

const shown = async (...args: Parameters<typeof run>) =>
  JSON.parse(await run(args[0], ['--json', ...args[1]], args[2]));
const permits = (line: string) => [...line.matchAll(/permitopen="([^"]+)"/g)].map(([, permit]) => permit);
const VIA_NODE = '{ name: etcd, probe: etcd, where: { cluster: a } }';
const VIA_BASTION = '{ name: etcd, probe: etcd, via: bastion, where: { role: etcd } }';

it('the script of a check with paths of its own, for the nodes that it selects', async () => {
  const paths = ['/opt/kubernetes/pki', '/etc/etcd'];
  const { clusters } = await shown(`{ name: pki, probe: pki, paths: [${paths}], where: { cluster: a } }`, []);
  expect(clusters[0].line).toContain(`|${pkiScript({ paths }).sha256}`);
  expect(clusters[1].line).not.toContain(pkiScript({ paths }).sha256);
  expect(clusters[1].line).toContain(pkiScript({}).sha256);
});

it('of a bastion the ports of nodes that checks connect to from there, beside their SSH ports', async () => {
  const { bastions, clusters } = await shown(VIA_BASTION, []);
  expect(permits(bastions[0].line)).toEqual([
    '10.0.0.1:22',
    '[fd00::2]:22',
    '10.0.0.9:22',
    '10.0.0.1:2381',
    '10.0.0.9:2381',
  ]);
  expect(clusters.map(({ forwards }: { forwards: string[] }) => forwards)).toEqual([[], []]);
  expect(clusters[0].line).not.toContain('port-forwarding');
  printed = '';
  const { bastions: firewalled } = await shown(VIA_BASTION, ['--nft']);
  expect(permits(firewalled[0].line)).toEqual(['*:22', '*:2381']);
  expect(firewalled[0].nft).toContain('10.0.0.9 . 2381');
  expect(firewalled[0].nft).not.toContain('fd00::2 . 2381');
});

it('of a node the loopback ports of its checks, first in the block and then in the line', async () => {
  const { bastions, clusters } = await shown(VIA_NODE, []);
  expect(permits(bastions[0].line)).toEqual(['10.0.0.1:22', '[fd00::2]:22', '10.0.0.9:22']);
  expect(clusters[0]).toMatchObject({ forwards: ['127.0.0.1:2381'], missing: [] });
  expect(clusters[0].line).toMatch(
    /^restrict,port-forwarding,permitlisten="localhost:1",permitopen="127\.0\.0\.1:2381",command="s=/,
  );
  expect(clusters[0].sshdConfig).toBe(`Match User probe
  AllowTcpForwarding local
  PermitOpen 127.0.0.1:2381
  AllowStreamLocalForwarding no
  AllowAgentForwarding no
  GatewayPorts no
  X11Forwarding no
  PermitTunnel no`);
  expect(clusters[1].line).toMatch(/^restrict,command="s=/);
  printed = '';
  await run(VIA_NODE, []);
  expect(printed.match(/^# nodes of a: \w+ \S+/gm)?.slice(0, 2)).toEqual([
    '# nodes of a: first /etc/ssh/sshd_config.d/00-bartizan.conf,',
    '# nodes of a: then authorized_keys',
  ]);
  expect(printed).not.toContain(KEY.split('\n')[1]);
});

it('of a node whose user is root no port, unless the cluster accepts that in words', async () => {
  const { clusters } = await shown(VIA_NODE, [], { user: 'root' });
  expect(clusters[0].line).toMatch(/^restrict,command="s=/);
  expect(clusters[0]).toMatchObject({
    forwards: [],
    sshdConfig: 'Match User root\n  PermitTunnel no',
    missing: [
      expect.stringMatching(/^permits for checks with `via: node`: .*`acceptsRootByForwarding: true`/),
    ],
  });
  printed = '';
  await run(VIA_NODE, [], { user: 'root' });
  expect(printed).toMatch(/^# nodes of a: without permits for checks/m);
  printed = '';
  const accepted = { user: 'root', more: ', acceptsRootByForwarding: true' };
  const { clusters: after } = await shown(VIA_NODE, [], accepted);
  expect(permits(after[0].line)).toEqual(['127.0.0.1:2381']);
  expect(after[0]).toMatchObject({
    sshdConfig: '',
    missing: [expect.stringMatching(/^a block for sshd_config: it would forbid forwarding to whoever else/)],
  });
  expect(after[0].line).toContain(publicKeyOf(KEY));
});

it('no line of a bastion for more ports than sshd takes', async () => {
  const nodes = Array.from(
    { length: 2_100 },
    (_, i) => `{ name: m${i}, role: etcd, host: 10.1.${i >> 8}.${i & 255} }`,
  );
  const more = ` }\n  - { name: c, bastion: gate, nodes: [${nodes}]`;
  const { bastions } = await shown(VIA_BASTION, [], { more });
  expect(bastions[0].line).toBe('');
  expect(bastions[0].missing).toEqual([
    expect.stringMatching(
      /^line: 4205 ports of nodes are behind it, .* more than 4096; `bartizan keys --nft`/,
    ),
  ]);
  expect(process.exitCode).toBe(1);
});

it('scripts of the catalogue where people may run them, and on the nodes of a check that runs one', async () => {
  const { clusters } = await shown('{ name: own, probe: command, command: lag, where: { cluster: b } }', [], {
    more: '',
    commands: '{ name: lag, script: echo 1, where: { role: apiserver } }, { name: all, script: echo 2 }',
  });
  const namesOf = ({ scripts }: { scripts: { name: string }[] }) =>
    scripts
      .map(({ name }) => name)
      .filter((name) => /^(lag|all)@[0-9a-f]{8}$/.test(name))
      .map((name) => name.split('@')[0]);
  expect(clusters.map(namesOf)).toEqual([
    ['lag', 'all'],
    ['all', 'lag'],
  ]);
  for (const { scripts, line } of clusters) for (const { sha256 } of scripts) expect(line).toContain(sha256);
});

it('no script of the catalogue that is for other nodes', async () => {
  const { clusters } = await shown('{ name: usage, probe: usage }', [], {
    commands: '{ name: lag, script: echo 1, where: { cluster: a } }',
  });
  expect(
    clusters.map(({ scripts }: { scripts: { name: string }[] }) =>
      scripts.some(({ name }) => name.startsWith('lag@')),
    ),
  ).toEqual([true, false]);
});
