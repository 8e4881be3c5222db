import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newKey, publicKeyOf } from '../../localstack/fleet/new-key.ts';
import {
  bastionConfig,
  batchOf,
  createProberFixture,
  detailOf,
  outcomes,
  targetOf,
} from '../../test/prober-fixture.ts';
import { bastion, healthyNode, keep, setupProber, useBastion } from '../../test/prober-fleet.ts';
import { CLIENT_KEY } from '../../test/ssh-fleet.ts';

useBastion();

it('a key that became unusable fails its own nodes, and no others', async () => {
  const keys: Record<string, string> = { client: CLIENT_KEY, own: CLIENT_KEY };
  const made = await createProberFixture({ bastion: bastionConfig(bastion), keys, clusterKey: 'own' });
  const prober = await keep(Promise.resolve(made.prober));
  const [mine, other] = [await healthyNode(), await healthyNode()];
  const targets = [targetOf('mine', mine), targetOf('other', other, { cluster: 'd' })];
  expect(outcomes(await prober.probe(batchOf(targets)))).toEqual(['mine: ok', 'other: ok']);
  keys.own = 'not a key any more';
  const result = await prober.probe(batchOf(targets, { roundMs: 120_000 }));
  expect(outcomes(result)).toEqual(['mine: auth/handshake', 'other: ok']);
  expect(detailOf(result, 'mine')).toMatch(/^our key cannot be used: private key of cluster c/);
  expect(detailOf(result, 'mine')).not.toContain('any more');
});

it('an unusable key is an error at the start, or only for batches with its nodes', async () => {
  const keys = { client: CLIENT_KEY, own: 'not a key' };
  const made = { bastion: bastionConfig(bastion), keys, clusterKey: 'own' };
  await expect(createProberFixture(made)).rejects.toThrow('private key of cluster c');
  const { prober } = await createProberFixture({ ...made, checksKeys: false });
  await keep(Promise.resolve(prober));
  const targets = [
    targetOf('mine', await healthyNode()),
    targetOf('other', await healthyNode(), { cluster: 'd' }),
  ];
  expect(outcomes(await prober.probe(batchOf(targets)))).toEqual(['mine: auth/handshake', 'other: ok']);
});

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
    const { prober, audit } = await setupProber();
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
    const { prober } = await setupProber({ hostKeys });
    const result = await prober.probe(batchOf([targetOf('n', await healthyNode())]));
    expect(result.bastion).toMatchObject({ ok: false, failure: { reason, phase: 'bastion' } });
    expect(result.observations).toEqual([]);
    expect(bastion.logins).toBe(0);
  });

  it('are taken from the file of `trust`, read again when it changes', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'known-'));
    const knownHosts = join(dir, 'known_hosts');
    const node = await healthyNode();
    const { prober } = await setupProber({ hostKeys: [] }, { knownHosts });
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
  it('of a cluster log in to its nodes, that of the bastion to the bastion', async () => {
    const own = newKey();
    const node = await healthyNode({ accepts: publicKeyOf(own) });
    const { prober } = await setupProber({}, { clusterKey: 'own', keys: { own } });
    expect(outcomes(await prober.probe(batchOf([targetOf('n', node)])))).toEqual(['n: ok']);
  });

  it('that cannot be parsed are refused before the first round', async () => {
    await expect(setupProber({}, { keys: { client: 'no key' } })).rejects.toThrow(
      /^private key of bastion b: not a private key/,
    );
  });

  it('that the bastion does not accept are reported as such', async () => {
    const { prober, counts } = await setupProber({}, { keys: { client: newKey() } });
    const result = await prober.probe(batchOf([targetOf('n', await healthyNode())]));
    expect(result.bastion).toEqual({
      ok: false,
      failure: { reason: 'auth', phase: 'bastion', detail: 'refused our key for user probe' },
    });
    expect(counts.get('secrets forgotten')).toBe(1);
  });
});
