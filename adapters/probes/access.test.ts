import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newKey, publicKeyOf } from '../../localstack/fleet/new-key.ts';
import { bastion, healthyNode, world } from '../../test/prober-fleet.ts';
import { batchOf, detailOf, outcomes, targetOf } from '../../test/prober-world.ts';

describe('host keys', () => {
  const other = publicKeyOf(newKey());

  it.each([
    [
      'changed',
      [other],
      'n: host-key/handshake',
      /^host key changed: it shows ssh-ed25519 SHA256:\S+, pinned is ssh-ed25519 SHA256:\S+$/,
    ],
    [
      'unknown',
      [],
      'n: host-key-unknown/handshake',
      /^no host key is pinned; it shows ssh-ed25519 SHA256:\S+; see/,
    ],
  ])('of a node, %s: refused before we log in', async (_, hostKeys, outcome, detail) => {
    const node = await healthyNode();
    const { prober, audit } = await world();
    const result = await prober.probe(batchOf([targetOf('n', node, { hostKeys })]));
    expect(outcomes(result)).toEqual([outcome]);
    expect(detailOf(result, 'n')).toMatch(detail);
    expect(node.logins).toBe(0);
    expect(audit[1]?.hostKeyFingerprint).toMatch(/^SHA256:/);
    expect(audit[1]).not.toHaveProperty('command');
  });

  it.each([
    ['changed', [other], 'host-key'],
    ['unknown', [], 'host-key-unknown'],
  ])('of a bastion, %s: refused, and its nodes are unknown', async (_, hostKeys, reason) => {
    const { prober } = await world({ hostKeys });
    const result = await prober.probe(batchOf([targetOf('n', await healthyNode())]));
    expect(result.bastion).toMatchObject({ ok: false, failure: { reason, phase: 'bastion' } });
    expect(result.observations).toEqual([]);
    expect(bastion.logins).toBe(0);
  });

  it('are taken from the file of `trust`, read again when it changes', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'known-'));
    const knownHosts = join(dir, 'known_hosts');
    const node = await healthyNode();
    const { prober } = await world({ hostKeys: [] }, { knownHosts });
    const batch = batchOf([targetOf('n', node, { hostKeys: [] })]);
    expect((await prober.probe(batch)).bastion.ok).toBe(false);
    const hop = `[127.0.0.1]:${bastion.port} ${bastion.hostKey}\n`;
    writeFileSync(knownHosts, hop);
    expect(outcomes(await prober.probe(batch))).toEqual(['n: host-key-unknown/handshake']);
    writeFileSync(knownHosts, `${hop}[127.0.0.1%b]:${node.port} ${node.hostKey}\n`);
    expect(outcomes(await prober.probe(batch))).toEqual(['n: ok']);
    writeFileSync(knownHosts, `${hop}[127.0.0.1%b]:${node.port} ${other}\n`);
    expect(outcomes(await prober.probe(batch))).toEqual(['n: host-key/handshake']);
    rmSync(dir, { recursive: true });
  });
});

describe('private keys', () => {
  it('of the cluster open its nodes, that of the bastion the bastion', async () => {
    const own = newKey();
    const node = await healthyNode({ accepts: publicKeyOf(own) });
    const { prober } = await world({}, { clusterKey: 'own', keys: { own } });
    expect(outcomes(await prober.probe(batchOf([targetOf('n', node)])))).toEqual(['n: ok']);
  });

  it('that nobody can use are refused before the first round', async () => {
    await expect(world({}, { keys: { client: 'no key' } })).rejects.toThrow(
      /^private key of bastion b: not a private key/,
    );
  });

  it('that the bastion does not accept are told as such', async () => {
    const { prober, counts } = await world({}, { keys: { client: newKey() } });
    const result = await prober.probe(batchOf([targetOf('n', await healthyNode())]));
    expect(result.bastion).toEqual({
      ok: false,
      failure: { reason: 'auth', phase: 'bastion', detail: 'refused our key for user probe' },
    });
    expect(counts.get('secrets forgotten')).toBe(1);
  });
});
