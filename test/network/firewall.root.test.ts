// Nodes whose firewall knows one source: the bastion.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { inNamespace, type NetworkNode } from '../../examples/openssh/network.ts';
import {
  bartizan,
  bastion,
  type Ended,
  fleet,
  logOf,
  network,
  nodes,
  placeOfBastion,
  run,
  useNetwork,
  writeConfig,
} from './world.ts';

useNetwork(6);

/** Exit code of `timeout` when the time is over. */
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

describe('nodes behind a firewall that knows the bastion alone', { timeout: 30_000 }, () => {
  it('answer through the bastion, which is the only source let in', async () => {
    expect(outcomes(await bartizan('probe', '--json', '-c', writeConfig('through')))).toEqual(allOk());
    const counted = network.nodes.map((node) => network.countNew(node));
    expect(counted).toEqual(network.nodes.map(() => ({ admitted: { [inside()]: 1 }, dropped: {} })));
    expect(logOf(bastion)).toMatch(/Accepted publickey for root from 10\.77\.0\.1 /);
    expect(logOf(nodes[0] as never)).toMatch(/Accepted publickey for root from 10\.77\.1\.1 /);
  });

  it('do not answer who comes directly, from where we watch or from another node', async () => {
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

  it('answer a bastion and nodes that are confined by what `bartizan keys` prints', async () => {
    const place = { ...placeOfBastion(), port: 2222 };
    const config = writeConfig('confined', { hop: { ...bastion, port: 2222 }, trusted: false });
    const { stdout } = await bartizan('keys', '--json', '-c', config);
    const lines = JSON.parse(stdout) as Record<'bastions' | 'clusters', { line: string }[]>;
    await fleet.start({ name: 'confined', ...place, authorizedKeys: `${lines.bastions[0]?.line}\n` });
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
  // It lives in a namespace as a server would.
  const lodger = spawn(...inNamespace(`${prefix}n0`, 'sleep', '300'), { stdio: 'ignore' });
  const ended = once(lodger, 'exit');
  child.kill('SIGKILL');
  expect(await ended).toEqual([null, 'SIGKILL']);
  await expect.poll(left, { timeout: 5_000 }).toBe(0);
});
