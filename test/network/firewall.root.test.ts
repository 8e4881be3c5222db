// Nodes whose firewall accepts one source: the bastion.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bastionFirewall } from '../../adapters/ssh/bastion-firewall.ts';
import { withAccount } from '../../examples/openssh/fleet.ts';
import { inNamespace, type NetworkNode } from '../../examples/openssh/network.ts';
import { until } from '../until.ts';
import {
  bartizan,
  bastion,
  bastionEndpoint,
  dir,
  type Ended,
  fleet,
  inWatcher,
  logOf,
  network,
  nodes,
  run,
  useNetwork,
  writeConfig,
} from './fixture.ts';

useNetwork(6);

/** The exit code of `timeout` after the time limit. */
const SILENCE = 124;

/** Tries to connect to port 22 from a namespace. */
async function knock(from: string, { host }: { host: string }): Promise<number | null> {
  const attempt = ['timeout', '1.5', 'bash', '-c', `exec 3<>/dev/tcp/${host}/22`];
  return (await run(...inNamespace(from, ...attempt))).code;
}

interface Shown {
  bastion: { ok: boolean };
  nodes: { node: string; ok: boolean; failure?: { detail: string } }[];
}

function outcomes({ stdout }: Ended): string[] {
  const batches = JSON.parse(stdout) as Shown[];
  const all = batches.flatMap((batch) => batch.nodes);
  return all.map(({ node, ok, failure }) => `${node}: ${ok ? 'ok' : failure?.detail}`).sort();
}

const allOk = () => nodes.map(({ name }) => `${name}: ok`);
const inside = () => network.bastion.inside;
const [first, second] = [0, 1].map((i) => () => network.nodes[i] as NetworkNode) as [
  () => NetworkNode,
  () => NetworkNode,
];

describe('nodes behind a firewall that accepts the bastion only', () => {
  it('answer through the bastion, which is the only accepted source', async () => {
    expect(outcomes(await bartizan('probe', '--json', '-c', writeConfig('through')))).toEqual(allOk());
    const counted = network.nodes.map((node) => network.countNew(node));
    expect(counted).toEqual(network.nodes.map(() => ({ admitted: { [inside()]: 1 }, dropped: {} })));
    expect(logOf(bastion)).toMatch(/Accepted publickey for root from 10\.77\.0\.1 /);
    expect(logOf(nodes[0] as never)).toMatch(/Accepted publickey for root from 10\.77\.1\.1 /);
  });

  it('do not answer direct connections, from our host or from another node', async () => {
    const knocks = await Promise.all([
      knock(network.watcher.namespace, first()),
      knock(second().namespace, first()),
      knock(network.bastion.namespace, first()),
    ]);
    expect(knocks).toEqual([SILENCE, SILENCE, 0]);
    const { admitted, dropped } = network.countNew(first());
    expect(Object.keys(admitted)).toEqual([inside()]);
    expect(Object.keys(dropped).sort()).toEqual(['10.77.0.1', second().host]);
  });

  it('answer when bastion and nodes are confined as `bartizan keys` prints', async () => {
    const endpoint = { ...bastionEndpoint(), port: 2222 };
    const config = writeConfig('confined', { hop: { ...bastion, port: 2222 }, trusted: false });
    const { stdout } = await bartizan('keys', '--json', '-c', config);
    const lines = JSON.parse(stdout) as Record<'bastions' | 'clusters', { line: string }[]>;
    await fleet.start({ name: 'confined', ...endpoint, authorizedKeys: `${lines.bastions[0]?.line}\n` });
    for (const { name } of nodes)
      writeFileSync(join(fleet.dir, name, 'authorized_keys'), `${lines.clusters[0]?.line}\n`);
    expect(await bartizan('trust', '--yes', '-c', config)).toMatchObject({ code: 0 });
    expect(outcomes(await bartizan('probe', '--json', '-c', config))).toEqual(allOk());

    const [gone, ...kept] = (lines.bastions[0]?.line ?? '').match(/permitopen="[^"]+"/g) ?? [];
    expect(kept).toHaveLength(nodes.length - 1);
    const fewer = lines.bastions[0]?.line.replace(`${gone},`, '');
    writeFileSync(join(fleet.dir, 'confined', 'authorized_keys'), `${fewer}\n`);
    const [unlisted, ...others] = outcomes(await bartizan('probe', '--json', '-c', config));
    expect(unlisted).toMatch(/^cp-1: the bastion forbids forwarding to 10\.77\.2\.10:22/);
    expect(others).toEqual(allOk().slice(1));
  });
});

describe('a bastion whose firewall confines our user', () => {
  const account = { name: 'probe', uid: 47_111, home: '/', shell: '/bin/sh' };

  it('lets it connect to the nodes only, with the rules of `bartizan keys --nft`', async () => {
    const endpoint = { ...bastionEndpoint(), name: 'firewalled', port: 2223 };
    const config = writeConfig('firewalled', {
      hop: { ...bastion, port: 2223 },
      user: 'probe',
      trusted: false,
    });
    const printed = await bartizan('keys', '--nft', '--json', '-c', config);
    const [texts] = JSON.parse(printed.stdout).bastions;
    // sshd reads the lines of a key as the user.
    for (const folder of [dir, fleet.dir]) chmodSync(folder, 0o711);
    const { sshdConfig: blocks, line } = texts;
    await fleet.start({ ...endpoint, account, authorizedKeys: `${line}\n`, blocks });
    expect(await bartizan('trust', '--yes', '-c', config)).toMatchObject({ code: 0 });

    const load = ['nft', '-f', '-'];
    const asAccount = (...command: string[]) =>
      inNamespace(
        network.bastion.namespace,
        ...withAccount(account, join(fleet.dir, 'firewalled')),
        ...command,
      );
    const ssh = ['ssh', '-F', 'none', '-i', fleet.key('ed25519'), '-o', 'BatchMode=yes'];
    const unseen = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-p', '2223'];
    const dial = (to: string) =>
      inWatcher('timeout', '5', ...ssh, ...unseen, '-W', to, `probe@${bastion.host}`);
    const itself = `${bastion.host}:22`;
    const check = async () => {
      const { stdout } = await bartizan('check', '--connect', '--json', config);
      const rows: { kind: string; state: string; open?: string[] }[] = JSON.parse(stdout)[0].connect;
      const failed = rows.filter(({ kind, state }) => kind === 'node' && state === 'failed');
      return { failed, open: rows.find(({ kind }) => kind === 'bastion')?.open };
    };

    // The line permits port 22 of any host: the key may use that until the rules are loaded.
    expect((await dial(itself)).stdout).toMatch(/^SSH-2\.0-/);
    expect(await check()).toEqual({ failed: [], open: ['connect'] });

    // Twice, because the rules replace the existing ones.
    for (const _ of [1, 2]) execFileSync(...asAccount(...load), { input: texts.nft });
    for (const to of [itself, '[::1]:22', `${first().host}:23`]) {
      const { stdout, stderr } = await dial(to);
      expect([to, stdout]).toEqual([to, '']);
      expect(stderr).toMatch(/Protocol not available|administratively prohibited|Permission denied/);
    }
    expect((await dial(`${first().host}:22`)).stdout).toMatch(/^SSH-2\.0-/);
    expect(await check()).toEqual({ failed: [], open: [] });

    // A node that is missing in the rules is not reported as down: its state is unknown.
    const known = `{ ${first().host} . 22 }`;
    execFileSync(...asAccount('nft', 'delete', 'element', 'inet', 'bartizan-probe', 'nodes4', known));
    const [unknown, ...others] = outcomes(await bartizan('probe', '--json', '-c', config));
    expect(unknown).toMatch(
      /^cp-1: the bastion's firewall forbids connections to 10\.77\.2\.10:22: load there/,
    );
    expect(others).toEqual(allOk().slice(1));
    execFileSync(...asAccount('nft', 'flush', 'set', 'inet', 'bartizan-probe', 'nodes4'));
    const { stdout } = await bartizan('probe', '--json', '-c', config);
    expect(stdout).toContain("the bastion's firewall forbids connections to any of its nodes: load there");
  });

  it('accepts rules for the nodes of a large bastion, IPv4 and IPv6', () => {
    const nodes = Array.from({ length: 10_000 }, (_, i) => [
      { host: `10.${i >> 14}.${(i >> 7) & 127}.${i & 127}`, port: 22 },
      { host: `fd00::${i.toString(16)}`, port: 2222 },
    ]).flat();
    const rules = bastionFirewall('nobody', nodes);
    const input = 'text' in rules ? rules.text : '';
    execFileSync(...inNamespace(network.nodes[0]?.namespace ?? '', 'nft', '-f', '-'), { input });
    const set = execFileSync(
      ...inNamespace(
        network.nodes[0]?.namespace ?? '',
        'nft',
        '-j',
        'list',
        'set',
        'inet',
        'bartizan-nobody',
        'nodes6',
      ),
      { maxBuffer: 64e6 },
    );
    expect(set.toString().match(/fd00::/g)).toHaveLength(10_000);
  });
});

it('a network ends with the process that made it, killed or not', async () => {
  const program = fileURLToPath(new URL('../../examples/openssh/network.ts', import.meta.url));
  const script = `const { createNetwork } = await import(${JSON.stringify(program)});
    process.stdout.write((await createNetwork(['a', 'b'])).prefix);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const prefix = String((await once(child.stdout, 'data'))[0]);
  const left = () => readdirSync('/run/netns').filter((name) => name.startsWith(prefix)).length;
  expect(left()).toBe(5);
  // The process lives in a namespace, as a server would.
  const lodger = spawn(...inNamespace(`${prefix}n0`, 'sleep', '300'), { stdio: 'ignore' });
  const ended = once(lodger, 'exit');
  child.kill('SIGKILL');
  expect(await ended).toEqual([null, 'SIGKILL']);
  await until('they are gone', () => left() === 0);
});
