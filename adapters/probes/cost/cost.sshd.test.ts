// The cost of checks on real sshd, against what the system counts for all of its processes.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Cost } from '../../../core/model/cost.ts';
import type { Server } from '../../../examples/openssh/fleet.ts';
import { fleet, setupProber, startNode, target, until, useServers } from '../../../test/openssh/servers.ts';
import { batchOf, outcomes } from '../../../test/prober-fixture.ts';
import { nodeKeyLine } from '../../ssh/authorized-keys.ts';
import { parsePrivateKey } from '../../ssh/private-keys.ts';
import { usageScript } from '../usage/usage.ts';

useServers();

async function measure(server: Server): Promise<Cost[]> {
  const { prober } = await setupProber();
  const costs: Cost[] = [];
  const result = await prober.probe(batchOf([target('n', server)]), { onCost: (cost) => costs.push(cost) });
  expect(outcomes(result)).toEqual(['n: ok']);
  await prober.close();
  return costs;
}

/** CPU of a server's sessions, with all that they ran, once all have ended. */
async function endedMs({ process: { pid } }: Server): Promise<number> {
  await until(() => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8') === '');
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const [user, system] = fields.split(' ').slice(13, 15).map(Number) as [number, number];
  return (user + system) * 10;
}

/** As much CPU in each command, of the check and of the measurement. */
const BURN = 'i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done';
/** A round of two samples; 11 logins and ten readings; two samples more, a reading, ten runs, a reading: 14 of them run the check. */
const [COMMANDS, OF_CHECK, RUNS] = [37, 14, 10];

describe('the cost of usage on a real node', () => {
  it('is what the system counts for sshd and its commands', async () => {
    const server = await startNode('burning', { command: `${BURN}; exec sh -c "$SSH_ORIGINAL_COMMAND"` });
    const [login, usage] = (await measure(server)) as [Cost, Cost];
    expect([login.check, usage.check, usage.runs]).toEqual([undefined, 'usage', RUNS]);
    if (!login.nodeCpu.isKnown || !usage.nodeCpu.isKnown) throw new Error(JSON.stringify([login, usage]));
    // Two processes and a key exchange, of which the check has nothing.
    expect(login.nodeCpu.sshdMs).toBeGreaterThan(usage.nodeCpu.sshdMs);
    expect(login.nodeCpu).not.toHaveProperty('isLeast');
    expect(usage.nodeCpu.sshdMs).toBeGreaterThan(0);
    expect(usage.nodeCpu.sshdMs).toBeLessThan(usage.nodeCpu.commandsMs);
    const share = (RUNS * usage.nodeCpu.commandsMs) / (await endedMs(server));
    // As if the check took no time beside what each command burns, and as if it took all.
    expect(share).toBeGreaterThan((0.8 * RUNS) / COMMANDS);
    expect(share).toBeLessThan((1.2 * RUNS) / OF_CHECK);
    // The script goes there, its output comes back; the bastion's own SSH is around both.
    const sent = Buffer.byteLength(usageScript().text);
    expect(usage.node.sentBytes).toBeGreaterThan(sent);
    expect(usage.node.sentBytes).toBeLessThan(sent + 2_000);
    expect(usage.node.receivedBytes).toBeGreaterThan(500);
    expect(usage.wire.sentBytes).toBeGreaterThan(usage.node.sentBytes);
    expect(usage.wire.receivedBytes).toBeGreaterThan(usage.node.receivedBytes);
    expect(usage.ownCpuMs).toBeGreaterThan(0);
  });

  it('is unknown where the line of the key does not permit the script, and says so', async () => {
    const key = { key: parsePrivateKey(readFileSync(fleet.key('ed25519'), 'utf8'), 'key') };
    const server = await startNode('older-line', {
      authorizedKeys: `${nodeKeyLine(key, [usageScript()])}\n`,
    });
    const costs = await measure(server);
    const why = expect.stringMatching(/does not allow our script cost@1 \(print it again: `bartizan keys`\)/);
    expect(costs.map(({ nodeCpu }) => nodeCpu)).toEqual([
      { isKnown: false, why },
      { isKnown: false, why },
    ]);
    expect(costs[1]?.node.sentBytes).toBeGreaterThan(1_000);
  });
});
