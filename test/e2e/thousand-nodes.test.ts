import { expect, it } from 'vitest';
import type { Target } from '../../core/model/target.ts';
import { planRound } from '../../core/plan/plan.ts';
import { scaledMs } from '../machine-speed.ts';
import { silent } from '../node-behaviour.ts';
import { bastionConfig, outcomes, targetOf } from '../prober-fixture.ts';
import { bastion, healthyNodes, keep, setupProber, useBastion } from '../prober-fleet.ts';
import { type FakeHost, startFakeNode, startRawNode } from '../ssh-fleet.ts';

useBastion();

const ALIVE = 800;
/** Fifty of each kind, two hundred in all. */
const DEAD = { refused: 50, deaf: 50, frozen: 50, silent: 50 };
const EVERY_MS = 60_000;
/** Several times what healthy nodes need when bastion and nodes share our process, on two busy cores. */
const LIMITS = { concurrency: 16, deadlines: { dialMs: 2_500, handshakeMs: 4_000, execMs: 4_000 } };

it('a round of 1,000 nodes has samples of the 800 that answer, although 200 do not', async () => {
  const alive = await healthyNodes(100);
  const refused = await startRawNode(() => {});
  await refused.close();
  const unreachable = await keep(startRawNode(() => {}));
  bastion.hold(unreachable.port);
  const dead: Record<keyof typeof DEAD, FakeHost> = {
    refused,
    deaf: unreachable,
    frozen: await keep(startRawNode(() => {})),
    silent: await keep(startFakeNode(silent)),
  };
  const many = (name: string, count: number, host: (i: number) => FakeHost): Target[] =>
    Array.from({ length: count }, (_, i) => targetOf(`${name}-${i}`, host(i)));
  const targets = [
    ...many('alive', ALIVE, (i) => alive[i % alive.length] as FakeHost),
    ...Object.entries(DEAD).flatMap(([kind, count]) =>
      many(kind, count, () => dead[kind as keyof typeof DEAD]),
    ),
  ];
  const { prober } = await setupProber(LIMITS);
  const check = { name: 'usage', probe: 'usage', everyMs: EVERY_MS, where: {}, options: {} };

  const batches = planRound({
    roundMs: 0,
    checks: [check],
    targets,
    bastions: [bastionConfig(bastion, LIMITS)],
  });
  expect(batches.length).toBeGreaterThanOrEqual(10);
  const startMs = performance.now();
  const results = await Promise.all(batches.map((batch) => prober.probe(batch)));
  expect(performance.now() - startMs).toBeLessThan(scaledMs(EVERY_MS / 2));
  expect(results.map((result) => result.bastion)).toEqual(batches.map(() => ({ ok: true })));
  const counts = new Map<string, number>();
  for (const line of results.flatMap(outcomes)) {
    const kind = line.replace(/-\d+/, '');
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  expect(Object.fromEntries(counts)).toEqual({
    'alive: ok': ALIVE,
    'refused: unreachable/dial': DEAD.refused,
    'deaf: timeout/dial': DEAD.deaf,
    'frozen: timeout/handshake': DEAD.frozen,
    'silent: timeout/exec': DEAD.silent,
  });
});
