// Name servers that fail or are silent, at our host and at the bastion.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type NetworkNode, withResolvConf } from '../../examples/openssh/network.ts';
import { scaledMs } from '../machine-speed.ts';
import {
  BIN,
  bastionEndpoint,
  dir,
  type Ended,
  fleet,
  inWatcher,
  network,
  startRounds,
  useNetwork,
  writeConfig,
} from './fixture.ts';

useNetwork(3);

/** Writes a resolv.conf. `silent`: the firewall drops queries. `refusing`: nobody listens. */
function resolvConf(kind: 'silent' | 'refusing', options = 'options timeout:5 attempts:2'): string {
  const file = join(dir, `resolv-${kind}`);
  const server = kind === 'silent' ? (network.nodes[0] as NetworkNode).host : network.bastion.host;
  writeFileSync(file, `nameserver ${server}\n${options}\n`);
  return file;
}

describe('a bastion whose name does not resolve', () => {
  const probe = (config: string, file: string): Promise<Ended> =>
    inWatcher(...withResolvConf(file), process.execPath, BIN, 'probe', '-c', config);

  it.each([
    [
      'refusing',
      'unreachable (bastion): the name gate.example does not resolve: the name server fails (EAI_AGAIN)',
    ],
    [
      'silent',
      'timeout (bastion): the name gate.example does not resolve: no answer of a name server within 2 s',
    ],
  ] as const)('is lost: name server %s', async (kind, message) => {
    const config = writeConfig(`named-${kind}`, {
      bastionHost: 'gate.example',
      bastion: 'deadlines: { bastion: 2s }',
    });
    const { code, ms, stdout, stderr } = await probe(config, resolvConf(kind));
    expect([code, stdout, stderr]).toEqual([
      1,
      `bastion gate: ${message}; 3 nodes behind it are unknown\n`,
      '',
    ]);
    // The process waits for the resolver, which gives up after four seconds here, not after ten.
    expect(ms).toBeLessThan(4_000 + scaledMs(4_000));
  });
});

describe('a node whose name does not resolve at the bastion', () => {
  const [named, ...others] = ['cp-2', 'cp-1', 'cp-3'];

  async function round(kind: 'silent' | 'refusing', port: number) {
    const file = resolvConf(kind, 'options timeout:5 attempts:1');
    const hop = await fleet.start({ ...bastionEndpoint(), name: `hop-${kind}`, port, resolvConf: file });
    const config = writeConfig(`nodes-${kind}`, {
      hop,
      bastion: 'concurrency: 1, deadlines: { dial: 1s }',
      nodeHost: ({ name, host }) => (name === named ? `${name}.example` : host),
    });
    const { round: once, stop } = startRounds(config);
    const report = await once();
    await stop();
    return report;
  }

  it('is unreachable, and no other node is', async () => {
    const { bastion, nodes: seen } = await round('refusing', 3001);
    expect(bastion).toEqual(['ok']);
    expect(others.map((name) => seen[name])).toEqual(['ok', 'ok']);
    expect(seen[named as string]).toMatchObject({
      reason: 'unreachable',
      phase: 'dial',
      detail: 'the bastion did not reach cp-2.example:22 (Temporary failure in name resolution)',
    });
  });

  it('blocks the bastion where the name server is silent: the failure says so, and no node is down because of it', async () => {
    const { bastion, nodes: seen } = await round('silent', 3002);
    expect(bastion).toMatchObject([
      {
        reason: 'timeout',
        phase: 'bastion',
        detail:
          'the bastion answered nothing for a while in the middle of the round; does its name server answer for ' +
          'cp-2.example?',
      },
    ]);
    // The next node is probed after that.
    expect(seen).toEqual(Object.fromEntries(others.map((name) => [name, 'ok'])));
  });
});
