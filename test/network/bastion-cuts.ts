// What the tests of two bastions share: each has a link of its own, and a network that may fail in one direction alone.
import { afterEach, expect, it } from 'vitest';
import { stopServer } from '../../examples/openssh/fleet.ts';
import type { Cut } from '../../examples/openssh/network.ts';
import { scaledMs } from '../machine-speed.ts';
import { network, nodes, startNode, startRounds, writeConfig } from './fixture.ts';
import type { RoundReport } from './rounds.ts';

/** Nodes of a case that needs no more. */
export const FEW = 4;
export const CUTS: readonly Cut[] = ['outer in', 'outer out', 'inner in', 'inner out'];
/** A bastion that failed is the first again after it worked in two rounds. */
const ROUNDS_TO_RETURN = 3;

const running: ReturnType<typeof startRounds>[] = [];

/** Ends the rounds of each test, and mends the network. */
export function endAfterEach(): void {
  afterEach(async () => {
    cut([], []);
    for (const each of running.splice(0)) await each.stop();
  });
}

export function watch(name: string, nodeCount: number, every: string): () => Promise<RoundReport> {
  const started = startRounds(writeConfig(name, { nodeCount, every }));
  running.push(started);
  return started.round;
}

export function cut(first: readonly Cut[], second: readonly Cut[]): void {
  if (!network.secondBastion) throw new Error('there is no second bastion');
  network.setCuts(network.bastion, first);
  network.setCuts(network.secondBastion, second);
}

const namesOf = (count: number) => nodes.slice(0, count).map(({ name }) => name);
export const all = (count: number, value: unknown) =>
  Object.fromEntries(namesOf(count).map((name) => [name, value]));

const answers = (cuts: readonly Cut[]) => !cuts.some((one) => one.startsWith('outer'));
const reaches = (cuts: readonly Cut[]) => answers(cuts) && cuts.length === 0;

/** What must be known: nothing while no bastion answers, else whether one of those that answer leads to the nodes. */
function expectedUp(first: readonly Cut[], second: readonly Cut[]): number | undefined {
  if (!answers(first) && !answers(second)) return undefined;
  return reaches(first) || reaches(second) ? 1 : 0;
}

/** Deadlines follow from the interval; the rest is work of this machine. */
export const limitMs = (everyMs: number) => everyMs * 0.7 + scaledMs(1_000);

export async function returnsToFirst(round: () => Promise<RoundReport>, count: number): Promise<void> {
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

/** Nodes are up as long as one bastion leads to them, with one that died or without; then the first leads to them again. */
export function itSurvives(cases: readonly (readonly [first: Cut[], second: Cut[]])[]): void {
  it.each(cases)('first: %j, second: %j', async (first, second) => {
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
}
