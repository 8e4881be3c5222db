import type { Socket } from 'node:net';
import type { ParsedKey } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { newKey, publicKeyOf } from '../../../localstack/fleet/new-key.ts';
import { flood } from '../../../test/node-behaviour.ts';
import { batchOf, targetOf } from '../../../test/prober-fixture.ts';
import { healthyNode, keep, setupProber, useBastion } from '../../../test/prober-fleet.ts';
import { withoutDurations } from '../../../test/service-check.ts';
import { closedPort, foundBy, notesOf } from '../../../test/services.ts';
import { startRawNode } from '../../../test/ssh-fleet.ts';

useBastion();

const CHECKS = [{ name: 'key', probe: 'hostkey' }];

async function round(
  target: ReturnType<typeof targetOf>,
  { names = ['key'], clusterKey }: { names?: string[]; clusterKey?: string } = {},
) {
  const { prober, audit } = await setupProber(
    { deadlines: { handshakeMs: 500 } },
    { checks: CHECKS, ...(clusterKey !== undefined && { clusterKey, checksKeys: false }) },
  );
  const { observations } = await prober.probe(batchOf([target], { checks: names }));
  return {
    found: withoutDurations(foundBy(observations, 'key', target.node)),
    notes: notesOf(observations, 'key', target.node),
    usage: foundBy(observations, 'usage', target.node),
    audit: audit.filter((entry) => entry.target !== undefined),
  };
}

const serve = async (greet: (socket: Socket) => void) => (await keep(startRawNode(greet))).port;

const FINE = ['hostkey_duration', 'hostkey_ok 1', 'hostkey_up 1'];

describe('a node', () => {
  it('that has the pinned key is as pinned, and nobody logs in', async () => {
    const node = await healthyNode();
    const { found, notes, audit } = await round(targetOf('n', node));
    expect(found).toEqual(FINE);
    expect(notes).toEqual([expect.stringMatching(/^ssh-ed25519 SHA256:[\w+/]{43}$/)]);
    expect(node.logins).toBe(0);
    expect(audit).toMatchObject([
      {
        command: `key exchange with ${node.host}:${node.port}`,
        hostKeyFingerprint: notes[0]?.split(' ')[1],
        outcome: 'ok',
      },
    ]);
  });

  it('needs no key of ours, beside checks that do', async () => {
    const node = await healthyNode();
    const { found, usage } = await round(targetOf('n', node), {
      names: ['key', 'usage'],
      clusterKey: '${env:MISSING}',
    });
    expect([found, usage]).toEqual([FINE, ['failed: auth/handshake']]);
  });

  it('that shows another key has changed', async () => {
    const node = await healthyNode();
    const target = targetOf('n', node, { hostKeys: [publicKeyOf(newKey())] });
    const { found, notes, audit } = await round(target);
    expect(found).toEqual(['hostkey_ok 0', 'hostkey_up 1']);
    expect(notes).toEqual([
      expect.stringMatching(/^host key changed: it shows ssh-ed25519 SHA256:.*, pinned is /),
    ]);
    expect(audit).toMatchObject([
      { outcome: 'host-key', hostKeyFingerprint: expect.stringMatching(/^SHA256:/) },
    ]);
    expect(node.logins).toBe(0);
  });

  it('whose key nobody pinned is unknown: the check cannot be made', async () => {
    const { found, notes } = await round(targetOf('n', await healthyNode(), { hostKeys: [] }));
    expect(found).toEqual(['failed: host-key-unknown/handshake']);
    expect(notes).toEqual([
      expect.stringMatching(/no host key is pinned; it shows .*; see `bartizan trust`/),
    ]);
  });

  it('that shows the pinned key and cannot sign with it is somebody else', async () => {
    const other = publicKeyOf(newKey());
    const blob = Buffer.from(other.split(' ')[1] ?? '', 'base64');
    const disguise = (own: ParsedKey) =>
      Object.create(own, { getPublicSSH: { value: () => blob } }) as ParsedKey;
    const node = await healthyNode({ disguise });
    const { found, notes } = await round({ ...targetOf('n', node), hostKeys: [other] });
    expect(found).toEqual(['hostkey_ok 0', 'hostkey_up 1']);
    expect(notes).toEqual([expect.stringMatching(/^shows the pinned host key, and cannot sign with it: /)]);
  });
});

describe('a port that is no SSH server', () => {
  it.each<[string, () => Promise<number>, string[], RegExp]>([
    ['where nobody listens', closedPort, ['hostkey_up 0'], /did not reach/],
    [
      'that is silent',
      () => serve(() => {}),
      ['hostkey_up 0'],
      /says nothing, not even its SSH identification/,
    ],
    [
      'that speaks HTTP',
      () => serve((socket: Socket) => socket.end('HTTP/1.1 400 Bad\r\n\r\n')),
      ['hostkey_up 0'],
      /not SSH but HTTP/,
    ],
    [
      'that sends without end',
      () => serve((socket: Socket) => flood(socket)),
      ['hostkey_up 0'],
      /sends without end/,
    ],
    [
      'that refuses our address for a while',
      () => serve((socket: Socket) => socket.end('Not allowed at this time\r\n')),
      ['failed: penalty/handshake'],
      /Not allowed at this time/,
    ],
  ])('%s', async (_, start, found, note) => {
    const port = await start();
    const seen = await round(targetOf('n', { host: '127.0.0.1', port, hostKey: publicKeyOf(newKey()) }));
    expect(seen.found).toEqual(found);
    expect(seen.notes).toEqual([expect.stringMatching(note)]);
  });
});
