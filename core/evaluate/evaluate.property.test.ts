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
  ratios,
  reduced,
  runAt,
  slow,
  slowSeries,
  step,
  type Timeline,
  twoDisks,
} from '../../test/timelines/timelines.ts';
import type { Transition } from '../model/transition.ts';

const emittedList = ({ transitions }: Outcome) =>
  transitions.map(({ id, reason, sinceMs, clearedAtMs, value }) => ({
    id,
    reason,
    sinceMs,
    clearedAtMs,
    value,
  }));

const openBefore = ({ alerts }: Outcome) => [...alerts.values()].sort((a, b) => (a.id < b.id ? -1 : 1));

/** Status of each alert after its transitions. */
function statusEmitted(transitions: readonly Transition[]): Record<string, string> {
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

const chunked = (scenario: Timeline, cuts: boolean[]) =>
  everyRound(scenario).filter((atMs, i) => cuts[i] || atMs === lastRound(scenario));

const scenarios = fc.oneof(oneSeries(), twoDisks, reduced, ratios, slow);

const RUNS = { numRuns: 150 };

describe('evaluate', () => {
  it('agrees with the definitions, read over the complete samples', () => {
    fc.assert(
      fc.property(fc.oneof(oneSeries(), slowSeries), (scenario) => {
        const points = scenario.series[0]?.points ?? [];
        const got = runAt(scenario, [lastRound(scenario)]).transitions;
        const wanted = referenceSteps(scenario.rule, scenario.intervalMs ?? MINUTE, points, scenario.up);
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
      fc.property(oneSeries(), (scenario) => {
        const { transitions } = runAt(scenario, everyRound(scenario));
        for (const { kind, reason, atMs, sinceMs } of transitions) {
          if (kind === 'firing' && reason === 'threshold')
            expect(atMs - sinceMs).toBeGreaterThanOrEqual(scenario.rule.forMs);
        }
      }),
      RUNS,
    );
  });

  it('gives the same verdicts in any chunks, evaluated more often, or twice', () => {
    fc.assert(
      fc.property(scenarios, chunks, (scenario, cuts) => {
        const each = runAt(scenario, everyRound(scenario));
        const twice = runAt(
          scenario,
          everyRound(scenario).flatMap((atMs) => [atMs, atMs]),
        );
        const some = runAt(scenario, chunked(scenario, cuts));
        for (const other of [twice, some]) {
          expect(emittedList(other).sort(byId)).toEqual(emittedList(each).sort(byId));
          expect(openBefore(other)).toEqual(openBefore(each));
        }
      }),
      RUNS,
    );
  });

  it('ends in the same state whatever the order of arrival within the lateness, and emits it', () => {
    fc.assert(
      fc.property(scenarios, delays, fc.boolean(), (drawn, late, alerts) => {
        const scenario = { ...drawn, rounds: drawn.rounds + 16 };
        const arrival = arrivalBy(late);
        const punctual = runAt(scenario, everyRound(scenario));
        const outcome = runAt(scenario, everyRound(scenario), { arrival, alerts });
        expect(openBefore(outcome)).toEqual(openBefore(punctual));
        expect(statusEmitted(outcome.transitions)).toEqual(statusEmitted(punctual.transitions));
        expect(new Set(outcome.transitions.map(({ id }) => id)).size).toBe(outcome.transitions.length);
      }),
      RUNS,
    );
  });

  it('loses no alert when killed between commit and checkpoint while samples arrive late', () => {
    fc.assert(
      fc.property(scenarios, delays, fc.nat(), (drawn, late, at) => {
        const scenario = { ...drawn, rounds: drawn.rounds + 16 };
        const killedMs = (at % (scenario.rounds - 1)) * MINUTE;
        const outcome = everyRound(scenario).reduce((before, nowMs) => {
          const after = step(scenario, before, nowMs, { arrival: arrivalBy(late), alerts: true });
          return nowMs === killedMs ? { ...after, checkpoint: before.checkpoint } : after;
        }, installed(scenario));
        const punctual = runAt(scenario, everyRound(scenario));
        expect(openBefore(outcome)).toEqual(openBefore(punctual));
        expect(statusEmitted(asStored(outcome.transitions))).toEqual(statusEmitted(punctual.transitions));
      }),
      RUNS,
    );
  });

  it('emits nothing new when the same round is evaluated again', () => {
    fc.assert(
      fc.property(scenarios, fc.boolean(), (scenario, alerts) => {
        const once = runAt(scenario, everyRound(scenario), { alerts });
        const again = step(scenario, once, lastRound(scenario), { alerts });
        expect(emittedList(again)).toEqual(emittedList(once));
        expect(again.checkpoint).toEqual(once.checkpoint);
      }),
      RUNS,
    );
  });

  it('emits the same ids again when killed between commit and checkpoint', () => {
    fc.assert(
      fc.property(scenarios, fc.nat(), fc.nat({ max: 20 }), (scenario, at, pause) => {
        const killedMs = (at % scenario.rounds) * MINUTE;
        const before = runAt(
          scenario,
          everyRound(scenario).filter((atMs) => atMs < killedMs),
        );
        const committed = step(scenario, before, killedMs);
        const nextMs = Math.min(killedMs + pause * MINUTE, lastRound(scenario));
        const lost = { ...committed, transitions: [], checkpoint: before.checkpoint };
        const replayed = step(scenario, lost, nextMs).transitions.map(({ id }) => id);
        const fresh = committed.transitions.slice(before.transitions.length).map(({ id }) => id);
        expect(replayed).toEqual(expect.arrayContaining(fresh));
        const rest = everyRound(scenario).filter((atMs) => atMs > nextMs);
        const finished = rest.reduce(
          (outcome, atMs) => step(scenario, outcome, atMs, { alerts: true }),
          step(scenario, lost, nextMs, { alerts: true }),
        );
        const ids = new Set([...committed.transitions, ...finished.transitions].map(({ id }) => id));
        expect([...ids].sort()).toEqual(
          runAt(scenario, everyRound(scenario))
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
