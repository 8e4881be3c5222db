// The cost of checks where sshd separates privileges: root's part of a session is a process of its own.
import { chmodSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Cost } from '../../../core/model/cost.ts';
import { dir, setupProber, startNode, target, useServers } from '../../../test/openssh/servers.ts';
import { batchOf, outcomes } from '../../../test/prober-fixture.ts';

useServers();

it('the cost of a login and a check counts both processes of a session', async () => {
  // The user reads authorized_keys in a folder inside.
  chmodSync(dir, 0o711);
  const account = { name: 'prober', uid: 54_321, home: '/tmp', shell: '/bin/sh' };
  const server = await startNode('separated', { account });
  const { prober } = await setupProber();
  const costs: Cost[] = [];
  const batch = batchOf([{ ...target('n', server), user: account.name }]);
  expect(outcomes(await prober.probe(batch, { onCost: (cost) => costs.push(cost) }))).toEqual(['n: ok']);
  const [login, usage] = costs.map(({ nodeCpu }) => nodeCpu);
  if (!login?.isKnown || !usage?.isKnown) throw new Error(JSON.stringify(costs));
  // Root's process makes the key exchange and starts the user's: the login is most of what it does.
  expect(login.sshdMs).toBeGreaterThan(usage.sshdMs);
  expect(usage.sshdMs).toBeGreaterThan(0);
  expect(usage.commandsMs).toBeGreaterThan(0);
});
