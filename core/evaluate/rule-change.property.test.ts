import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Arrival,
  emittedOf,
  evaluateFleet,
  type Fleet,
  fleets,
  NOTHING,
  roundsOf,
} from '../../test/timelines/fleets.ts';
import { MINUTE, type Outcome } from '../../test/timelines/timelines.ts';

const SECOND_GO = 30_000;
const slowNodes = fc.array(fc.boolean(), { minLength: 3, maxLength: 3 });
const RUNS = { numRuns: 60 };

/** What slow nodes say of a round is there when it is evaluated again. */
const arrivalOf =
  (slow: readonly boolean[]): Arrival =>
  (node, timeMs) =>
    timeMs + (slow[node] ? SECOND_GO : 0);

const whole = (fleet: Fleet, rounds = roundsOf(fleet)) =>
  rounds.reduce((before, nowMs) => evaluateFleet(fleet, before, nowMs), NOTHING);

const twice = (fleet: Fleet, arrival: Arrival, rounds = roundsOf(fleet)) =>
  rounds.reduce(
    (before, nowMs) =>
      evaluateFleet(fleet, evaluateFleet(fleet, before, nowMs, { arrival }), nowMs, {
        arrival,
        readMs: nowMs + SECOND_GO,
      }),
    NOTHING,
  );

const openBefore = ({ alerts }: Outcome) => [...alerts.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
const alertsOf = (...outcomes: Outcome[]) => [
  ...new Set(outcomes.flatMap(({ transitions }) => transitions.map(({ alertId }) => alertId))),
];

function statusEmitted({ transitions }: Outcome): Record<string, string> {
  const after = { pending: 'pending', firing: 'firing', resolved: 'ok', cancelled: 'ok' };
  const all = Object.fromEntries(transitions.map(({ alertId, kind }) => [alertId, after[kind]]));
  return Object.fromEntries(Object.entries(all).filter(([, status]) => status !== 'ok'));
}

describe('the first evaluation of a rule', () => {
  it('over a fresh store emits the same in two goes as in one', () => {
    fc.assert(
      fc.property(fleets({ edited: false, fresh: true }), slowNodes, (fleet, slow) => {
        fc.pre(fleet.rule.aggregate === undefined);
        const [once, again] = [whole(fleet), twice(fleet, arrivalOf(slow))];
        for (const id of alertsOf(once, again)) {
          expect(emittedOf(again.transitions, id)).toEqual(emittedOf(once.transitions, id));
        }
        expect(openBefore(again)).toEqual(openBefore(once));
        expect(again.checkpoint).toEqual(once.checkpoint);
      }),
      RUNS,
    );
  });

  it('of a new rule on old data emits times of rounds only, and revises nothing', () => {
    fc.assert(
      fc.property(fleets({ edited: false }), slowNodes, (fleet, slow) => {
        fc.pre(fleet.rule.aggregate === undefined);
        const [once, again] = [whole(fleet), twice(fleet, arrivalOf(slow))];
        expect(openBefore(again)).toEqual(openBefore(once));
        expect(statusEmitted(again)).toEqual(statusEmitted(once));
        expect(again.transitions.filter(({ reason }) => reason === 'revised')).toEqual([]);
        expect(again.transitions.filter(({ atMs }) => atMs % MINUTE !== 0)).toEqual([]);
        expectSameUnlessEmitted(fleet, arrivalOf(slow), once, again);
      }),
      RUNS,
    );
  });

  it('of an edited rule comes in two goes to what it comes to in one', () => {
    fc.assert(
      fc.property(fleets({ edited: true }), slowNodes, (fleet, slow) => {
        fc.pre(fleet.rule.aggregate === undefined && fleet.earlier?.aggregate === undefined);
        // All is read before the edit, so that both goes begin with the same alerts.
        const arrival: Arrival = (node, timeMs) =>
          timeMs < fleet.startMs ? timeMs : arrivalOf(slow)(node, timeMs);
        const [once, again] = [whole(fleet), twice(fleet, arrival)];
        expect(openBefore(again)).toEqual(openBefore(once));
        expect(statusEmitted(again)).toEqual(statusEmitted(once));
        expectSameUnlessEmitted(fleet, arrival, once, again);
      }),
      RUNS,
    );
  });

  it('ends in the same state in whatever order samples arrive within the lateness', () => {
    const delays = fc.array(fc.constantFrom(0, 0, 0, 1, 2, 7, 15), { minLength: 64, maxLength: 64 });
    fc.assert(
      fc.property(
        fc.boolean().chain((edited) => fleets({ edited })),
        delays,
        fc.boolean(),
        (drawn, late, isCut) => {
          const fleet = { ...drawn, rounds: drawn.rounds + 16 };
          const arrival: Arrival = (node, timeMs) => {
            // What an edit finds open was told of what was there.
            if (fleet.earlier && timeMs < fleet.startMs) return timeMs;
            return timeMs + (late[(node * 17 + timeMs / MINUTE) % late.length] ?? 0) * MINUTE;
          };
          const punctual = whole(fleet);
          const outcome = roundsOf(fleet).reduce((before, nowMs) => {
            const after = evaluateFleet(fleet, before, nowMs, { arrival });
            if (!isCut || nowMs !== fleet.startMs) return after;
            // Killed behind its transitions, the first evaluation is done again.
            return evaluateFleet(fleet, { ...after, checkpoint: before.checkpoint }, nowMs, { arrival });
          }, NOTHING);
          expect(openBefore(outcome)).toEqual(openBefore(punctual));
          expect(statusEmitted(outcome)).toEqual(statusEmitted(punctual));
          expect(new Set(outcome.transitions.map(({ id }) => id)).size).toBe(outcome.transitions.length);
        },
      ),
      RUNS,
    );
  });

  it('is followed by the same in any chunks', () => {
    fc.assert(
      fc.property(
        fc.boolean().chain((edited) => fleets({ edited })),
        fc.array(fc.boolean(), { minLength: 160, maxLength: 160 }),
        (fleet, cuts) => {
          const some = roundsOf(fleet).filter(
            (atMs, i) => cuts[i] || atMs <= fleet.startMs || i === fleet.rounds - 1,
          );
          const [each, chunked] = [whole(fleet), whole(fleet, some)];
          for (const id of alertsOf(each, chunked)) {
            expect(emittedOf(chunked.transitions, id)).toEqual(emittedOf(each.transitions, id));
          }
          expect(openBefore(chunked)).toEqual(openBefore(each));
        },
      ),
      RUNS,
    );
  });
});

/** What the first go did not emit is emitted as by one go. */
function expectSameUnlessEmitted(fleet: Fleet, arrival: Arrival, once: Outcome, again: Outcome): void {
  const before = twice(
    fleet,
    arrival,
    roundsOf(fleet).filter((atMs) => atMs < fleet.startMs),
  );
  const first = evaluateFleet(fleet, before, fleet.startMs, { arrival });
  const emitted = new Set(first.transitions.slice(before.transitions.length).map(({ alertId }) => alertId));
  for (const id of alertsOf(once, again)) {
    if (!emitted.has(id)) expect(emittedOf(again.transitions, id)).toEqual(emittedOf(once.transitions, id));
  }
}
