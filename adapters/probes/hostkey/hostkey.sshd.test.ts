// The check on real OpenSSH servers: what it finds, and what their logs say, which fail2ban reads.
import { expect, it } from 'vitest';
import {
  loginsOf,
  logOf,
  setupProber,
  startNode,
  target,
  until,
  useServers,
} from '../../../test/openssh/servers.ts';
import { batchOf } from '../../../test/prober-fixture.ts';
import { withoutDurations } from '../../../test/service-check.ts';
import { foundBy } from '../../../test/services.ts';

useServers();

/** Lines that count as failures in the default mode of fail2ban (filter.d/sshd.conf, `mode = normal`). */
const COUNTED = [
  /Failed \S+ for|[iI](?:llegal|nvalid) user|authentication failure|maximum authentication attempts/,
  /: ?3: .*: Auth fail|Too many authentication failures|Unable to negotiate|refused connect|not allowed because/,
];

it('finds the pinned key and another one, without a login, at hosts that accept no key of ours', async () => {
  const nodes = await Promise.all([
    startNode('foreign', { authorizedKeys: '' }),
    startNode('several', { authorizedKeys: '', hostKeys: ['ecdsa', 'ed25519', 'rsa'] }),
    startNode('changed', { authorizedKeys: '' }),
  ]);
  const [foreign, several, changed] = nodes.map((node) => target(node.name, node));
  if (!foreign || !several || !changed) throw new Error('three nodes were started');
  // Its first key is pinned, and it has others.
  const targets = [
    foreign,
    { ...several, hostKeys: [nodes[1]?.hostKeys.at(-1) ?? ''] },
    { ...changed, hostKeys: foreign.hostKeys },
  ];
  const { prober } = await setupProber({}, { checks: [{ name: 'key', probe: 'hostkey' }] });
  const { observations } = await prober.probe(batchOf(targets, { checks: ['key'] }));
  const found = (name: string) => withoutDurations(foundBy(observations, 'key', name));
  const fine = ['hostkey_duration', 'hostkey_ok 1', 'hostkey_up 1'];
  expect([found('foreign'), found('several'), found('changed')]).toEqual([
    fine,
    fine,
    ['hostkey_ok 0', 'hostkey_up 1'],
  ]);
  for (const node of nodes) {
    await until(() => /Received disconnect from/.test(logOf(node)));
    await until(() => /Disconnected from/.test(logOf(node)));
    expect(loginsOf(node)).toBe(0);
    for (const pattern of COUNTED)
      expect([node.name, logOf(node)]).not.toEqual([node.name, expect.stringMatching(pattern)]);
  }
});
