import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { samplesOf } from '../../core/parse/samples.ts';
import { KEY_TYPES, signalServer } from '../../examples/openssh/fleet.ts';
import {
  ALWAYS,
  bastion,
  dir,
  fleet,
  loginsOf,
  logOf,
  node,
  pinned,
  setupProber,
  startBastion,
  startNode,
  target,
  until,
  useServers,
} from '../../test/openssh/servers.ts';
import { batchOf, detailOf, outcomes, readings, targetOf } from '../../test/prober-fixture.ts';
import { bastionKeyLine, nodeKeyLine, type ServerText } from '../ssh/authorized-keys.ts';
import { parsePrivateKey } from '../ssh/private-keys.ts';
import { usageScript } from './usage/usage.ts';

useServers();

const textOf = (text: ServerText) => ('text' in text ? text.text : text.none);

it('sshd logs the door check as a disconnect with code 11, and not as an error of the client', async () => {
  const server = await startNode('door');
  const { prober, counts } = await setupProber({}, { door: true });
  for (const roundMs of [60_000, 120_000]) {
    expect(outcomes(await prober.probe(batchOf([target('n', server)], { roundMs })))).toEqual(['n: ok']);
  }
  expect(counts.get('ssh_door_checks_total ok')).toBe(1);
  await until(() => logOf(server).includes('Disconnected from 127.0.0.1'));
  expect(logOf(server)).toMatch(/Received disconnect from 127\.0\.0\.1 port \d+:11: bartizan/);
  expect(logOf(server)).not.toMatch(/reset|kex_exchange_identification|Did not receive identification/);
  expect(loginsOf(server)).toBe(1);
});

it.each([true, false])(
  'a node whose sshd stopped listening is down, though an earlier session goes on; door: %j',
  async (door) => {
    const server = await startNode(`deaf-${door}`);
    const { prober } = await setupProber({}, { door });
    const probe = (roundMs: number) => prober.probe(batchOf([target('n', server)], { roundMs }));
    expect(outcomes(await probe(60_000))).toEqual(['n: ok']);
    // Sessions are processes of their own.
    process.kill(server.process.pid as number, 'SIGTERM');
    await once(server.process, 'exit');
    const result = await probe(120_000);
    expect(outcomes(result)).toEqual(['n: unreachable/dial']);
    if (!door) expect(detailOf(result, 'n')).toMatch(/nobody listens on its SSH port \(\d+\) any more/);
    expect(loginsOf(server)).toBe(1);
  },
);

describe('through a real bastion', () => {
  it('a batch of nodes reports this machine', async () => {
    const { prober } = await setupProber();
    const targets = Array.from({ length: 12 }, (_, i) => target(`n${i}`, node));
    const result = await prober.probe(batchOf(targets));
    expect(result.bastion).toEqual({ ok: true });
    expect(new Set(outcomes(result).map((line) => line.split(': ')[1]))).toEqual(new Set(['ok']));
    const values = readings(result, 'n7');
    expect(Object.keys(values)).toEqual(expect.arrayContaining(ALWAYS));
    expect(Object.keys(values).filter((name) => name.startsWith('disk_usage'))).not.toEqual([]);
    expect(Math.abs(values.clock_offset ?? 9)).toBeLessThan(0.5);
    expect(values.uptime).toBeCloseTo(Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]), -2);
  });

  it.each(KEY_TYPES)('a server with several host keys presents the pinned one: %s', async (type) => {
    const { prober, audit } = await setupProber({}, { hopKey: type });
    expect(outcomes(await prober.probe(batchOf([target('n', node, type)])))).toEqual(['n: ok']);
    expect(new Set(audit.map((entry) => entry.hostKeyFingerprint)).size).toBe(2);
  });

  it.each(KEY_TYPES)('a private key of OpenSSH logs in to bastion and node: %s', async (key) => {
    const { prober } = await setupProber({}, { key });
    expect(outcomes(await prober.probe(batchOf([target('n', node)])))).toEqual(['n: ok']);
  });

  it('a server that lost the pinned key has changed, though it has others', async () => {
    const server = await startNode('without-ed25519', { hostKeys: ['rsa'] });
    const { prober } = await setupProber();
    const changed = targetOf(
      'n',
      { ...pinned(server), hostKey: node.hostKeys[0] as string },
      { user: fleet.user },
    );
    const result = await prober.probe(batchOf([changed]));
    expect(outcomes(result)).toEqual(['n: host-key/handshake']);
    expect(detailOf(result, 'n')).toMatch(/it shows ssh-rsa SHA256:\S+, pinned is ssh-ed25519 SHA256/);
  });

  it('connections stay open between rounds', async () => {
    const server = await startNode('warm');
    const { prober } = await setupProber();
    const before = loginsOf(bastion);
    for (let round = 0; round < 3; round++) {
      expect(outcomes(await prober.probe(batchOf([target('n', server)])))).toEqual(['n: ok']);
    }
    expect([loginsOf(bastion) - before, loginsOf(server)]).toEqual([1, 1]);
  });

  it('a bastion that forbids forwarding is itself what fails', async () => {
    const hop = await startBastion('closed', { config: ['AllowTcpForwarding no'] });
    const { prober } = await setupProber({}, { hop });
    const result = await prober.probe(batchOf([target('a', node), target('b', node)]));
    expect(result).toMatchObject({
      bastion: { ok: false, failure: { reason: 'forbidden', phase: 'dial' } },
      observations: [],
    });
    expect(result.bastion.ok || result.bastion.failure.detail).toBe(
      'the bastion forbids forwarding to any of its nodes: AllowTcpForwarding in its sshd_config and permitopen of ' +
        'our key must allow it (`bartizan keys`)',
    );
    // Unknown, not down; it presented the pinned key.
    const samples = samplesOf(result).map(({ metric, value }) => `${metric} ${value}`);
    expect(samples).toEqual(['bastion_up 0', 'bastion_host_key_mismatch 0']);
  });
});

describe('keys confined by the lines of `bartizan keys`', () => {
  const clientKey = () => ({ key: parsePrivateKey(readFileSync(fleet.key('ed25519'), 'utf8'), 'key') });

  it('do all that probing needs, and nothing else', async () => {
    const confined = await startNode('confined', {
      authorizedKeys: `${nodeKeyLine(clientKey(), [usageScript()])}\n`,
    });
    const other = await startNode('confined-to-another', {
      authorizedKeys: `${nodeKeyLine(clientKey(), [{ ...usageScript(), sha256: '0'.repeat(64) }])}\n`,
    });
    const hop = await startBastion('confined-hop', {
      authorizedKeys: `${textOf(bastionKeyLine(clientKey(), [confined, other]))}\n`,
    });
    const { prober } = await setupProber({ deadlines: { dialMs: 900, handshakeMs: 900 } }, { hop });
    const targets = [target('confined', confined), target('other', other), target('unlisted', node)];
    const result = await prober.probe(batchOf(targets));
    expect(outcomes(result)).toEqual(['confined: ok', 'other: command/exec', 'unlisted: forbidden/dial']);
    expect(readings(result, 'confined')).toHaveProperty('cpu_usage');
    expect(detailOf(result, 'unlisted')).toMatch(
      /^the bastion forbids forwarding to 127\.0\.0\.2:\d+: AllowTcpForwarding/,
    );
    // A silent node is distinguished from a silent bastion although the bastion permits so little.
    signalServer(confined.process, 'SIGSTOP');
    const after = await prober.probe(batchOf(targets.slice(0, 2)));
    signalServer(confined.process, 'SIGCONT');
    expect(outcomes(after)[0]).toBe('confined: timeout/handshake');
  });
});

describe('our key', () => {
  it('may have a passphrase', async () => {
    const file = join(dir, 'protected');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'open sesame', '-f', file]);
    const authorizedKeys = readFileSync(`${file}.pub`, 'utf8');
    const [hop, behind] = [
      await startBastion('protected-hop', { authorizedKeys }),
      await startNode('protected-node', { authorizedKeys }),
    ];
    const { prober } = await setupProber(
      { privateKey: readFileSync(file, 'utf8'), passphrase: 'open sesame' },
      { hop },
    );
    expect(outcomes(await prober.probe(batchOf([target('a', behind)])))).toEqual(['a: ok']);
  });

  it.each(['ed25519', 'ecdsa', 'rsa'] as const)('may be kept by an ssh-agent: %s', async (type) => {
    const socket = join(dir, `agent-${type}`);
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      await until(() => existsSync(socket));
      execFileSync('ssh-add', ['-q', fleet.key(type)], {
        env: { ...process.env, SSH_AUTH_SOCK: socket },
        stdio: 'ignore',
      });
      const { prober, counts } = await setupProber({ agent: socket });
      const batch = batchOf([target('a', node), target('b', node)]);
      expect(outcomes(await prober.probe(batch))).toEqual(['a: ok', 'b: ok']);
      expect(outcomes(await prober.probe(batch))).toEqual(['a: ok', 'b: ok']);
      // The agent's key stays equal, so that connections are kept.
      expect(counts.get('ssh_sessions_opened_total node')).toBe(2);
    } finally {
      agent.kill();
    }
  });
});
