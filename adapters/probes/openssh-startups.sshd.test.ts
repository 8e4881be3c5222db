import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Server } from '../../examples/openssh/fleet.ts';
import {
  loginsOf,
  logOf,
  node,
  setupProber,
  startBastion,
  target,
  until,
  useServers,
} from '../../test/openssh/servers.ts';
import { batchOf, outcomes, type ProberFixture } from '../../test/prober-fixture.ts';

useServers();

const BATCHES = 24;

const callers: Socket[] = [];
afterEach(() => {
  for (const socket of callers.splice(0)) socket.destroy();
});

/** Other clients, which connect and do not log in. */
async function crowd(hop: Server, count: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let greeted = 0;
  for (let i = 0; i < count; i++) {
    const socket = connect({ host: hop.host, port: hop.port });
    socket.once('data', () => {
      if (++greeted === count) resolve();
    });
    callers.push(socket);
  }
  await promise;
}

/** Probes all batches concurrently. */
async function probeAll({ prober }: ProberFixture) {
  const batches = Array.from({ length: BATCHES }, (_, index) =>
    batchOf([target('n', node)], { index, count: BATCHES }),
  );
  return Promise.all(batches.map((batch) => prober.probe(batch)));
}

const dropped = (hop: Server) => logOf(hop).match(/^drop connection .* past MaxStartups/gm)?.length ?? 0;
const allOk = Array.from({ length: BATCHES }, () => 'n: ok');

describe('a bastion with MaxStartups', () => {
  it('at its default (10:30:100) drops none: many batches share few connections', async () => {
    const hop = await startBastion('usual', { config: ['MaxStartups 10:30:100'] });
    const results = await probeAll(await setupProber({}, { hop }));
    expect(results.flatMap(outcomes)).toEqual(allOk);
    expect([loginsOf(hop), dropped(hop)]).toEqual([8, 0]);
  });

  it('that drops us because of other clients is tried again within its deadline', async () => {
    const hop = await startBastion('crowded', { config: ['MaxStartups 10:100:100'] });
    await crowd(hop, 10);
    const made = await setupProber({ deadlines: { bastionMs: 10_000 } }, { hop });
    const round = probeAll(made);
    await until(() => dropped(hop) > 0);
    for (const socket of callers) socket.destroy();
    expect((await round).flatMap(outcomes)).toEqual(allOk);
    expect(made.audit.filter((entry) => entry.target === undefined).map(({ outcome }) => outcome)).toEqual(
      Array.from({ length: 8 }, () => 'ok'),
    );
  });

  it('that keeps dropping us is lost, with the likely reason in the message', async () => {
    const hop = await startBastion('full', { config: ['MaxStartups 2:100:2'] });
    await crowd(hop, 2);
    const { prober } = await setupProber({ deadlines: { bastionMs: 1_000 } }, { hop });
    const result = await prober.probe(batchOf([target('n', node)]));
    expect(result).toMatchObject({
      bastion: {
        ok: false,
        failure: {
          reason: 'protocol',
          phase: 'bastion',
          detail: expect.stringMatching(
            /^turned us away: "Exceeded MaxStartups", ([2-9]|\d\d) times; MaxStartups of its sshd may be too low for maxConnections of ours$/,
          ),
        },
      },
      observations: [],
    });
    expect(dropped(hop)).toBeGreaterThanOrEqual(2);
  });
});
