// Two bastions on links of their own, each with a network that may fail in one direction alone.

import { afterEach, describe, expect, it } from 'vitest';
import { type Server, signalServer, stopServer } from '../../examples/openssh/fleet.ts';
import type { Cut } from '../../examples/openssh/network.ts';
import { scaledMs } from '../machine-speed.ts';
import {
  bastion,
  bastionEndpoint,
  fleet,
  network,
  nodes,
  startNode,
  startRounds,
  useNetwork,
  writeConfig,
} from './fixture.ts';
import type { RoundReport } from './rounds.ts';

const MANY = 20;
const FEW = 4;
const CUTS: readonly Cut[] = ['outer in', 'outer out', 'inner in', 'inner out'];
/** A bastion that failed is the first again after it worked in two rounds. */
const ROUNDS_TO_RETURN = 3;

useNetwork(MANY, { second: true });

const running: ReturnType<typeof startRounds>[] = [];
afterEach(async () => {
  cut([], []);
  for (const each of running.splice(0)) await each.stop();
});

function watch(name: string, nodeCount: number, every: string): () => Promise<RoundReport> {
  const started = startRounds(writeConfig(name, { nodeCount, every }));
  running.push(started);
  return started.round;
}

function cut(first: readonly Cut[], second: readonly Cut[]): void {
  if (!network.secondBastion) throw new Error('there is no second bastion');
  network.setCuts(network.bastion, first);
  network.setCuts(network.secondBastion, second);
}

const namesOf = (count: number) => nodes.slice(0, count).map(({ name }) => name);
const all = (count: number, value: unknown) =>
  Object.fromEntries(namesOf(count).map((name) => [name, value]));

const answers = (cuts: readonly Cut[]) => !cuts.some((one) => one.startsWith('outer'));
const reaches = (cuts: readonly Cut[]) => answers(cuts) && cuts.length === 0;

/** What must be known: nothing while no bastion answers, else whether one of those that answer leads to the nodes. */
function expectedUp(first: readonly Cut[], second: readonly Cut[]): number | undefined {
  if (!answers(first) && !answers(second)) return undefined;
  return reaches(first) || reaches(second) ? 1 : 0;
}

const alone = CUTS.flatMap((one): [Cut[], Cut[]][] => [
  [[one], []],
  [[], [one]],
]);
const both = CUTS.flatMap((one, i): [Cut[], Cut[]][] => [
  [[one], [one]],
  [[one], [CUTS[(i + 2) % CUTS.length] as Cut]],
]);

/** Deadlines follow from the interval; the rest is work of this machine. */
const limitMs = (everyMs: number) => everyMs * 0.7 + scaledMs(1_000);

async function returnsToFirst(round: () => Promise<RoundReport>, count: number): Promise<void> {
  for (let i = 0; i < ROUNDS_TO_RETURN; i++) {
    const report = await round();
    expect(report.up).toEqual(all(count, 1));
  }
  const { ways, accesses } = await round();
  expect(ways).toEqual({ gate: 'ok', second: 'ok' });
  // A session of before may have to be opened again.
  expect(accesses).toEqual(expect.arrayContaining(namesOf(count).map((name) => `c/${name} gate ok`)));
  expect(accesses.filter((one) => one.includes(' second '))).toEqual([]);
}

describe('one direction of one network, or of two, is cut', () => {
  it.each([...alone, ...both])('first: %j, second: %j', async (first, second) => {
    const everyMs = 10_000;
    const round = watch('cut', FEW, '10s');
    expect((await round()).up).toEqual(all(FEW, 1));
    const last = nodes[FEW - 1];
    if (!last) throw new Error('there are too few nodes');
    cut(first, second);
    const up = expectedUp(first, second);
    try {
      for (const dead of [false, true]) {
        if (dead) await stopServer(last);
        const report = await round();
        const known = up === undefined ? {} : { ...all(FEW, up), ...(dead && { [last.name]: 0 }) };
        expect(report.up, JSON.stringify(report)).toEqual(known);
        expect(report.ms).toBeLessThan(limitMs(everyMs));
        expect(report.ways.gate === 'ok').toBe(answers(first));
        expect(report.ways.second === 'ok').toBe(answers(second));
        if (up !== 1) continue;
        const way = reaches(first) ? 'gate' : 'second';
        for (const name of namesOf(FEW - 1)) expect(report.accesses).toContain(`c/${name} ${way} ok`);
      }
    } finally {
      await stopServer(last);
      nodes[FEW - 1] = await startNode(FEW - 1);
    }
    cut([], []);
    await returnsToFirst(round, FEW);
  });
});

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
