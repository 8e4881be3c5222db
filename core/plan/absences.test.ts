import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Batch } from '../model/batch.ts';
import type { Check } from '../model/check.ts';
import type { BastionConfig } from '../model/config.ts';
import type { Target } from '../model/target.ts';
import type { TargetStatus } from '../model/target-status.ts';
import { absences } from './absences.ts';
import { addRound, type Due } from './due.ts';
import { planRound } from './plan.ts';

const MINUTE = 60_000;
const BASTIONS = ['a', 'b'];
/** A round must be seen when it is so many rounds old. */
const GRACE = 3;
const NODES = 12;

/** How a round is planned: where each node is, if anywhere, and which of the checks it has. */
interface Fleet {
  nodes: readonly ('a' | 'b' | undefined)[];
  batchSize: number;
  /** Nodes below it have the check `low`, the others `high`. */
  split: number;
}

const fleet = fc.record<Fleet>({
  nodes: fc.array(fc.constantFrom('a', 'b', undefined), { minLength: NODES, maxLength: NODES }),
  batchSize: fc.integer({ min: 1, max: 5 }),
  split: fc.integer({ min: 0, max: NODES }),
});
/** Fleets, each for some rounds. */
const courseOf = (minRounds: number) =>
  fc
    .array(fc.tuple(fleet, fc.integer({ min: minRounds, max: 5 })), { minLength: 1, maxLength: 6 })
    .map((changes) => changes.flatMap(([one, rounds]) => Array.from({ length: rounds }, () => one)));
const course = courseOf(1);

function batchesOf({ nodes, batchSize, split }: Fleet, roundMs: number, checks: readonly Check[]): Batch[] {
  const targets = nodes.flatMap((bastion, n) =>
    bastion
      ? [{ bastion, cluster: 'c', node: `n${n}`, role: n < split ? 'low' : 'high' } as unknown as Target]
      : [],
  );
  const bastions = BASTIONS.map((name) => ({ name, batchSize }) as BastionConfig);
  return planRound({ roundMs, checks, targets, bastions });
}

const checkOf = (name: string, everyMs: number): Check => ({
  name,
  probe: 'usage',
  everyMs,
  where: { role: [name] },
  options: {},
});

/** What is missing after each round; each batch is stored so many rounds late, its nodes but those that `isUnseen`. */
function absentIn(
  fleets: readonly Fleet[],
  options: {
    highEvery?: number;
    late?: (round: number, batch: Batch) => number;
    isUnseen?: (node: string, round: number) => boolean;
  },
): number[] {
  const { highEvery = 1, late = () => 0, isUnseen = () => false } = options;
  const checks = [checkOf('low', MINUTE), checkOf('high', highEvery * MINUTE)];
  const newest = new Map<string, TargetStatus>();
  const coming: { at: number; statuses: TargetStatus[] }[] = [];
  let due: Due | undefined;
  return fleets.map((one, i) => {
    const round = 10 + i;
    const roundMs = round * MINUTE;
    const batches = batchesOf(one, roundMs, checks);
    due = addRound(due, { roundMs, tickMs: MINUTE, batches, checks });
    for (const batch of batches) {
      const { bastion, index } = batch;
      const base = { roundMs, ok: true };
      const seen = batch.targets.filter(({ node }) => !isUnseen(node, round));
      coming.push({
        at: round + late(round, batch),
        statuses: [
          { ...base, cluster: '', node: bastion, check: String(index) },
          ...seen.map(({ cluster, node }) => {
            return { ...base, cluster, node, check: batch.checks[0] ?? '', batch: { bastion, index } };
          }),
        ],
      });
    }
    for (const { statuses } of coming.filter(({ at }) => at === round)) {
      for (const status of statuses) {
        const id = JSON.stringify([status.cluster, status.node, status.check]);
        if ((newest.get(id)?.roundMs ?? 0) <= status.roundMs) newest.set(id, status);
      }
    }
    return absences(due, [...newest.values()]).reduce((sum, { nodes }) => sum + nodes, 0);
  });
}

const none = (rounds: number) => Array.from({ length: rounds }, () => 0);

it.each([1, 2, 3])(
  'whatever fleets follow each other, a check every %d: none is absent of which all is seen',
  (highEvery) => {
    // Each fleet stays for a round of the slowest check: of one that moves nodes between checks and back in less, a round
    // that is late can be missed for good.
    const stays = courseOf(highEvery);
    fc.assert(
      fc.property(stays, fc.array(fc.integer({ min: 0, max: GRACE }), { minLength: 1 }), (fleets, lates) => {
        const late = (round: number, { index }: Batch) => lates[(round * 7 + index) % lates.length] ?? 0;
        expect(absentIn(fleets, { highEvery, late })).toEqual(none(fleets.length));
      }),
      { numRuns: 500 },
    );
  },
);

it('nodes that are not seen any more are absent in time, however others move or go', () => {
  fc.assert(
    fc.property(courseOf(GRACE), fc.integer({ min: 10, max: 20 }), (random, from) => {
      // It stays, wherever; of the others none comes.
      const fleets = random.map(({ nodes, ...rest }, i): Fleet => {
        const isHere = (n: number) => n === 0 || random.slice(0, i + 1).every((one) => one.nodes[n]);
        return { ...rest, nodes: nodes.map((bastion, n) => (isHere(n) ? (bastion ?? 'a') : undefined)) };
      });
      const absent = absentIn(fleets, { isUnseen: (node, round) => node === 'n0' && round >= from });
      const first = from - 10 + GRACE;
      expect(absent.slice(0, first)).toEqual(none(Math.min(first, fleets.length)));
      expect(absent.slice(first).every((nodes) => nodes === 1)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

it('where nodes come as well they are absent once the fleet has stayed as it is for as long as a round may take', () => {
  fc.assert(
    fc.property(course, fc.subarray([0, 1, 2, 3, 4]), (random, lost) => {
      const last = random.at(-1);
      if (!last) return;
      const fleets = [...random, ...Array.from({ length: GRACE }, () => last)];
      const isUnseen = (node: string) => lost.some((n) => node === `n${n}`);
      const there = lost.filter((n) => last.nodes[n] !== undefined);
      expect(absentIn(fleets, { isUnseen }).at(-1)).toBe(there.length);
    }),
    { numRuns: 500 },
  );
});
