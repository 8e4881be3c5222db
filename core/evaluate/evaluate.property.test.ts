import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { referenceSteps } from '../../test/timelines/reference.ts';
import {
  type Arrival,
  everyRound,
  installed,
  lastRound,
  MINUTE,
  type Outcome,
  oneSeries,
  reduced,
  runAt,
  step,
  twoDisks,
  type World,
} from '../../test/timelines/worlds.ts';
import type { Transition } from '../model.ts';

const told = ({ transitions }: Outcome) =>
  transitions.map(({ id, reason, sinceMs, clearedAtMs, value }) => ({
    id,
    reason,
    sinceMs,
    clearedAtMs,
    value,
  }));

const standing = ({ alerts }: Outcome) => [...alerts.values()].sort((a, b) => (a.id < b.id ? -1 : 1));

/** Status of each alert as its transitions tell it. */
function statusTold(transitions: readonly Transition[]): Record<string, string> {
  const after = { pending: 'pending', firing: 'firing', resolved: 'ok', cancelled: 'ok' };
  const all = Object.fromEntries(transitions.map(({ alertId, kind }) => [alertId, after[kind]]));
  return Object.fromEntries(Object.entries(all).filter(([, status]) => status !== 'ok'));
}

const delays = fc.array(fc.constantFrom(0, 0, 0, 1, 2, 7, 15), { minLength: 64, maxLength: 64 });

const arrivalBy =
  (late: readonly number[]): Arrival =>
  (series, timeMs) =>
    timeMs + (late[((series + 1) * 17 + timeMs / MINUTE) % late.length] ?? 0) * MINUTE;

/** As a store has them: each once, in order of time. */
function asStored(transitions: readonly Transition[]): Transition[] {
  const ids = transitions.map(({ id }) => id);
  return transitions.filter(({ id }, i) => ids.indexOf(id) === i).sort((x, y) => x.atMs - y.atMs);
}

const chunks = fc.array(fc.boolean(), { minLength: 160, maxLength: 160 });

const chunked = (world: World, cuts: boolean[]) =>
  everyRound(world).filter((atMs, i) => cuts[i] || atMs === lastRound(world));

const worlds = fc.oneof(oneSeries(), twoDisks, reduced);

const RUNS = { numRuns: 150 };

describe('evaluate', { timeout: 60_000 }, () => {
  it('agrees with the definitions, read over the complete samples', () => {
    fc.assert(
      fc.property(oneSeries(), (world) => {
        const points = world.series[0]?.points ?? [];
        const got = runAt(world, [lastRound(world)]).transitions;
        const wanted = referenceSteps(world.rule, MINUTE, points, world.up);
        expect(
          got.map(({ kind, atMs, reason, sinceMs, clearedAtMs }) => ({
            kind,
            atMs,
            reason,
            sinceMs,
            clearedAtMs,
          })),
        ).toEqual(wanted);
      }),
      { numRuns: 1000 },
    );
  });

  it('never fires before the rule has held', () => {
    fc.assert(
      fc.property(oneSeries(), (world) => {
        const { transitions } = runAt(world, everyRound(world));
        for (const { kind, reason, atMs, sinceMs } of transitions) {
          if (kind === 'firing' && reason === 'threshold')
            expect(atMs - sinceMs).toBeGreaterThanOrEqual(world.rule.forMs);
        }
      }),
      RUNS,
    );
  });

  it('gives the same verdicts in any chunks, evaluated more often, or twice', () => {
    fc.assert(
      fc.property(worlds, chunks, (world, cuts) => {
        const each = runAt(world, everyRound(world));
        const twice = runAt(
          world,
          everyRound(world).flatMap((atMs) => [atMs, atMs]),
        );
        const some = runAt(world, chunked(world, cuts));
        for (const other of [twice, some]) {
          expect(told(other).sort(byId)).toEqual(told(each).sort(byId));
          expect(standing(other)).toEqual(standing(each));
        }
      }),
      RUNS,
    );
  });

  it('ends in the same state whatever the order of arrival within the lateness, and tells of it', () => {
    fc.assert(
      fc.property(worlds, delays, fc.boolean(), (drawn, late, alerts) => {
        const world = { ...drawn, rounds: drawn.rounds + 16 };
        const arrival = arrivalBy(late);
        const punctual = runAt(world, everyRound(world));
        const outcome = runAt(world, everyRound(world), { arrival, alerts });
        expect(standing(outcome)).toEqual(standing(punctual));
        expect(statusTold(outcome.transitions)).toEqual(statusTold(punctual.transitions));
        expect(new Set(outcome.transitions.map(({ id }) => id)).size).toBe(outcome.transitions.length);
      }),
      RUNS,
    );
  });

  it('loses no alert when killed between commit and checkpoint while samples arrive late', () => {
    fc.assert(
      fc.property(worlds, delays, fc.nat(), (drawn, late, at) => {
        const world = { ...drawn, rounds: drawn.rounds + 16 };
        const killedMs = (at % (world.rounds - 1)) * MINUTE;
        const outcome = everyRound(world).reduce((before, nowMs) => {
          const after = step(world, before, nowMs, { arrival: arrivalBy(late), alerts: true });
          return nowMs === killedMs ? { ...after, checkpoint: before.checkpoint } : after;
        }, installed(world));
        const punctual = runAt(world, everyRound(world));
        expect(standing(outcome)).toEqual(standing(punctual));
        expect(statusTold(asStored(outcome.transitions))).toEqual(statusTold(punctual.transitions));
      }),
      RUNS,
    );
  });

  it('emits nothing new when the same round is judged again', () => {
    fc.assert(
      fc.property(worlds, fc.boolean(), (world, alerts) => {
        const once = runAt(world, everyRound(world), { alerts });
        const again = step(world, once, lastRound(world), { alerts });
        expect(told(again)).toEqual(told(once));
        expect(again.checkpoint).toEqual(once.checkpoint);
      }),
      RUNS,
    );
  });

  it('emits the same ids again when killed between commit and checkpoint', () => {
    fc.assert(
      fc.property(worlds, fc.nat(), fc.nat({ max: 20 }), (world, at, pause) => {
        const killedMs = (at % world.rounds) * MINUTE;
        const before = runAt(
          world,
          everyRound(world).filter((atMs) => atMs < killedMs),
        );
        const committed = step(world, before, killedMs);
        const nextMs = Math.min(killedMs + pause * MINUTE, lastRound(world));
        const lost = { ...committed, transitions: [], checkpoint: before.checkpoint };
        const replayed = step(world, lost, nextMs).transitions.map(({ id }) => id);
        const fresh = committed.transitions.slice(before.transitions.length).map(({ id }) => id);
        expect(replayed).toEqual(expect.arrayContaining(fresh));
        const rest = everyRound(world).filter((atMs) => atMs > nextMs);
        const finished = rest.reduce(
          (outcome, atMs) => step(world, outcome, atMs, { alerts: true }),
          step(world, lost, nextMs, { alerts: true }),
        );
        const ids = new Set([...committed.transitions, ...finished.transitions].map(({ id }) => id));
        expect([...ids].sort()).toEqual(
          runAt(world, everyRound(world))
            .transitions.map(({ id }) => id)
            .sort(),
        );
      }),
      RUNS,
    );
  });
});

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1;
}
