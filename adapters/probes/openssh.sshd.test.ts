import { execFileSync, spawn } from 'node:child_process';
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
  node,
  pinned,
  startBastion,
  startNode,
  target,
  until,
  useServers,
  world,
} from '../../test/openssh/servers.ts';
import { batchOf, detailOf, outcomes, readings, targetOf } from '../../test/prober-world.ts';
import { bastionKeyLine, nodeKeyLine } from '../ssh/authorized-keys.ts';
import { parsePrivateKey } from '../ssh/private-keys.ts';
import { usage } from './usage/usage.ts';

useServers(22_400);

describe('through a real bastion', () => {
  it('a batch of nodes tells of this machine', async () => {
    const { prober } = await world();
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

  it.each(KEY_TYPES)('a server with several host keys shows the one that is pinned: %s', async (type) => {
    const { prober, audit } = await world({}, { hopKey: type });
    expect(outcomes(await prober.probe(batchOf([target('n', node, type)])))).toEqual(['n: ok']);
    expect(new Set(audit.map((entry) => entry.hostKeyFingerprint)).size).toBe(2);
  });

  it.each(KEY_TYPES)('a private key of OpenSSH opens bastion and node: %s', async (key) => {
    const { prober } = await world({}, { key });
    expect(outcomes(await prober.probe(batchOf([target('n', node)])))).toEqual(['n: ok']);
  });

  it('a server that lost the pinned key has changed, though it has others', async () => {
    const server = await startNode('without-ed25519', { hostKeys: ['rsa'] });
    const { prober } = await world();
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
    const { prober } = await world();
    const before = loginsOf(bastion);
    for (let round = 0; round < 3; round++) {
      expect(outcomes(await prober.probe(batchOf([target('n', server)])))).toEqual(['n: ok']);
    }
    expect([loginsOf(bastion) - before, loginsOf(server)]).toEqual([1, 1]);
  });

  it('a bastion that forbids forwarding is itself what fails', async () => {
    const hop = await startBastion('closed', { config: ['AllowTcpForwarding no'] });
    const { prober } = await world({}, { hop });
    const result = await prober.probe(batchOf([target('a', node), target('b', node)]));
    expect(result).toMatchObject({
      bastion: { ok: false, failure: { reason: 'forbidden', phase: 'dial' } },
      observations: [],
    });
    expect(result.bastion.ok || result.bastion.failure.detail).toBe(
      'the bastion forbids forwarding to any of its nodes: AllowTcpForwarding in its sshd_config and permitopen of ' +
        'our key must allow it (`bartizan keys`)',
    );
    // Unknown, not down; the key it showed was the pinned one.
    const samples = samplesOf(result).map(({ metric, value }) => `${metric} ${value}`);
    expect(samples).toEqual(['bastion_up 0', 'bastion_host_key_mismatch 0']);
  });
});

describe('keys confined by the lines of `bartizan keys`', () => {
  const clientKey = () => ({ key: parsePrivateKey(readFileSync(fleet.key('ed25519'), 'utf8'), 'key') });

  it('do all that probing needs, and nothing else', async () => {
    const confined = await startNode('confined', {
      authorizedKeys: `${nodeKeyLine(clientKey(), [usage.script])}\n`,
    });
    const other = await startNode('confined-to-another', {
      authorizedKeys: `${nodeKeyLine(clientKey(), [{ ...usage.script, sha256: '0'.repeat(64) }])}\n`,
    });
    const hop = await startBastion('confined-hop', {
      authorizedKeys: `${bastionKeyLine(clientKey(), [confined, other])}\n`,
    });
    const { prober } = await world({ deadlines: { dialMs: 900, handshakeMs: 900 } }, { hop });
    const targets = [target('confined', confined), target('other', other), target('unlisted', node)];
    const result = await prober.probe(batchOf(targets));
    expect(outcomes(result)).toEqual(['confined: ok', 'other: command/exec', 'unlisted: forbidden/dial']);
    expect(readings(result, 'confined')).toHaveProperty('cpu_usage');
    expect(detailOf(result, 'unlisted')).toMatch(
      /^the bastion forbids forwarding to 127\.0\.0\.2:\d+: AllowTcpForwarding/,
    );
    // Silence of a node, told apart from silence of a bastion that lets us do so little.
    signalServer(confined.process, 'SIGSTOP');
    const after = await prober.probe(batchOf(targets.slice(0, 2)));
    signalServer(confined.process, 'SIGCONT');
    expect(outcomes(after)[0]).toBe('confined: timeout/handshake');
  });
});

describe('our key', () => {
  it('may be opened by a passphrase', async () => {
    const file = join(dir, 'protected');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'open sesame', '-f', file]);
    const authorizedKeys = readFileSync(`${file}.pub`, 'utf8');
    const [hop, behind] = [
      await startBastion('protected-hop', { authorizedKeys }),
      await startNode('protected-node', { authorizedKeys }),
    ];
    const { prober } = await world(
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
      const { prober, counts } = await world({ agent: socket });
      const batch = batchOf([target('a', node), target('b', node)]);
      expect(outcomes(await prober.probe(batch))).toEqual(['a: ok', 'b: ok']);
      expect(outcomes(await prober.probe(batch))).toEqual(['a: ok', 'b: ok']);
      // The agent's key is the same the next time, so that connections stay.
      expect(counts.get('ssh_sessions_opened_total node')).toBe(2);
    } finally {
      agent.kill();
    }
  });
});
