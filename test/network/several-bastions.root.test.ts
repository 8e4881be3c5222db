// Two bastions on links of their own, one of which is killed, frozen, or leads to silent nodes. one-cut and two-cuts have the faults
// of their networks.
import { describe, expect, it } from 'vitest';
import { type Server, signalServer, stopServer } from '../../examples/openssh/fleet.ts';
import { all, cut, endAfterEach, FEW, limitMs, returnsToFirst, watch } from './bastion-cuts.ts';
import { bastion, bastionEndpoint, fleet, useNetwork } from './fixture.ts';

const MANY = 20;

useNetwork(MANY, { second: true });
endAfterEach();

describe('a bastion that', () => {
  let restarted: Server | undefined;
  const current = () => restarted ?? bastion;

  it('is killed and comes back', async () => {
    const round = watch('killed', FEW, '10s');
    expect((await round()).up).toEqual(all(FEW, 1));
    await stopServer(current());
    try {
      for (let i = 0; i < 2; i++) {
        const report = await round();
        expect(report.up).toEqual(all(FEW, 1));
        expect(report.ways).toMatchObject({ gate: { phase: 'bastion' }, second: 'ok' });
      }
    } finally {
      restarted = await fleet.start({ name: 'bastion', ...bastionEndpoint() });
    }
    await returnsToFirst(round, FEW);
  });

  it.each(['10s', '60s'])('is frozen and goes on, in rounds of %s', async (every) => {
    const round = watch(`frozen-${every}`, FEW, every);
    expect((await round()).up).toEqual(all(FEW, 1));
    signalServer(current().process, 'SIGSTOP');
    try {
      for (let i = 0; i < 2; i++) {
        const report = await round();
        expect(report.up).toEqual(all(FEW, 1));
        expect(report.ways).toMatchObject({ gate: { reason: 'timeout' }, second: 'ok' });
        expect(report.ms).toBeLessThan(limitMs(Number.parseInt(every, 10) * 1000));
      }
    } finally {
      signalServer(current().process, 'SIGCONT');
    }
    await returnsToFirst(round, FEW);
  });
});

describe(`${MANY} nodes that are silent behind the first bastion`, () => {
  it.each(['10s', '60s'])('are up through the second, within the round of %s', async (every) => {
    const round = watch(`silent-${every}`, MANY, every);
    expect((await round()).up).toEqual(all(MANY, 1));
    cut(['inner out'], []);
    for (let i = 0; i < 2; i++) {
      const report = await round();
      expect(report.up, JSON.stringify(report)).toEqual(all(MANY, 1));
      expect(report.ways).toEqual({ gate: 'ok', second: 'ok' });
      expect(report.ms).toBeLessThan(limitMs(Number.parseInt(every, 10) * 1000));
    }
  });
});
