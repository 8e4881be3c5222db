// Slow and lossy links, and links that fail for a while. The rounds come from a process in the watcher's namespace.

import { afterEach, describe, expect, it } from 'vitest';
import { scaledMs } from '../machine-speed.ts';
import { bastion, loginsOf, network, startRounds, useNetwork, writeConfig } from './fixture.ts';
import type { RoundReport } from './rounds.ts';

const NODES = 20;
const EVERY_MS = 30_000;
/** A round trip of 300 ms, and every twentieth packet lost. */
const FAR = { delayMs: 150, loss: 0.05 };
const NEAR = { delayMs: 0, loss: 0 };
const GONE = { delayMs: 0, loss: 1 };

useNetwork(NODES);

const rounds: ReturnType<typeof startRounds>[] = [];
afterEach(async () => {
  network.setLink('watcher', NEAR);
  network.setLink('nodes', NEAR);
  for (const each of rounds.splice(0)) await each.stop();
});

function watch(name: string, bastionFields?: string): ReturnType<typeof startRounds> {
  const started = startRounds(writeConfig(name, { bastion: bastionFields }));
  rounds.push(started);
  return started;
}

const answered = ({ nodes }: RoundReport) => Object.values(nodes).filter((result) => result === 'ok').length;
const failures = ({ nodes }: RoundReport) => Object.values(nodes).filter((result) => result !== 'ok');

describe('a link with a round trip of 300 ms that loses 5 % of the packets', () => {
  it('works with connections that stay open', async () => {
    const { round } = watch('warm');
    const near = await round();
    expect([near.bastion, answered(near)]).toEqual([['ok'], NODES]);
    network.setLink('watcher', FAR);
    for (let i = 0; i < 2; i++) {
      const far = await round();
      expect(far.ms).toBeGreaterThan(FAR.delayMs * 2);
      expect(far.ms).toBeLessThan(scaledMs(EVERY_MS));
      expect([far.bastion, failures(far)]).toEqual([['ok'], []]);
      expect(far.opened).toEqual({ bastion: 1, node: NODES });
    }
  });

  it('lets a new connection through within its deadlines, with an equally bad link to the nodes', async () => {
    network.setLink('watcher', FAR);
    network.setLink('nodes', { delayMs: 0, loss: FAR.loss });
    const { round } = watch('cold');
    for (let i = 0; ; i++) {
      const report = await round();
      expect(report.ms).toBeLessThan(scaledMs(EVERY_MS));
      const failed = [...report.bastion.filter((result) => result !== 'ok'), ...failures(report)];
      if (answered(report) === NODES) break;
      // A late answer is a timeout, never a refusal or another key, and is tried again.
      expect(new Set(failed.map(({ reason }) => reason))).toEqual(new Set(['timeout']));
      expect(i).toBeLessThan(3);
    }
  });
});

const SHORT = 'deadlines: { bastion: 4s, dial: 3s }';

describe('a link that drops every packet', () => {
  it('to the bastion: lost within its deadlines, and back in the next round', async () => {
    const { round } = watch('gone', SHORT);
    expect(answered(await round())).toBe(NODES);
    const logins = loginsOf(bastion);
    network.setLink('watcher', GONE);
    const lost = await round();
    expect(lost.bastion).toMatchObject([{ reason: 'timeout', phase: 'bastion' }]);
    expect(lost.nodes).toEqual({});
    expect(lost.ms).toBeLessThan(10_000);
    network.setLink('watcher', NEAR);
    const back = await round();
    expect([back.bastion, answered(back)]).toEqual([['ok'], NODES]);
    expect(loginsOf(bastion)).toBe(logins + 1);
  });

  it('to the nodes: the nodes are down, and back in the next round', async () => {
    const { round } = watch('cut', SHORT);
    expect(answered(await round())).toBe(NODES);
    network.setLink('nodes', GONE);
    const lost = await round();
    expect(lost.bastion).toEqual(['ok']);
    expect(failures(lost)).toHaveLength(NODES);
    expect(new Set(failures(lost).map(({ reason, phase }) => `${reason}/${phase}`))).toEqual(
      new Set(['timeout/dial']),
    );
    expect(lost.ms).toBeLessThan(15_000);
    network.setLink('nodes', NEAR);
    const back = await round();
    expect([back.bastion, answered(back)]).toEqual([['ok'], NODES]);
    expect(back.opened.bastion).toBe(1);
  });
});
