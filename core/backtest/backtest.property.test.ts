import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { episodeOf } from '../notify/episode.ts';
import { runHistory } from './history-run.ts';
import { RULES, runLiveRounds, STEP_NAMES, type Step } from './live-rounds.fixture.ts';
import { simulateMessages } from './messages.ts';

const MINUTES = 120;

/** Steps in streaks, or nothing would ever hold. */
const ofNode = fc
  .array(fc.tuple(fc.constantFrom(...STEP_NAMES), fc.constantFrom(1, 1, 2, 3, 5, 8, 30)), { minLength: 30 })
  .map((streaks): Step[] =>
    Array.from({ length: 40 }, () => streaks)
      .flat()
      .flatMap(([step, length]) => Array.from({ length }, () => step))
      .slice(0, MINUTES),
  );

const textOf = ({
  id,
  reason,
  value,
  clearedAtMs,
}: {
  id: string;
  reason: string;
  value?: number;
  clearedAtMs?: number;
}) => JSON.stringify([id, reason, value, clearedAtMs]);

const inNames = (statuses: [string, string][]) =>
  Object.fromEntries(statuses.sort(([a], [b]) => (a < b ? -1 : 1)));

describe('a backtest over stored samples', () => {
  it('finds the transitions that live rounds emitted, and the messages that they sent', async () => {
    await fc.assert(
      fc.asyncProperty(fc.tuple(ofNode, ofNode), fc.constantFrom(1, 7, 60), async (steps, slice) => {
        const { fixture, transitions, fromMs, toMs } = await runLiveRounds(steps);
        const { config } = fixture;
        const ports = { store: fixture.ports.store, longestSliceMs: slice * 60_000 };
        const targets = fixture.targets;
        const history = await runHistory({ config, rules: RULES, targets, fromMs, toMs }, ports);
        expect(history.transitions.map(textOf).sort()).toEqual(transitions.map(textOf).sort());
        const { messages } = simulateMessages(history.transitions, config, toMs + 45_000);
        const sent = fixture.sent.map(({ channel, atMs, notification: { number, reason, alerts } }) => {
          return {
            channel,
            atMs,
            number,
            reason,
            statuses: inNames(alerts.map((one) => [episodeOf(one), one.status])),
          };
        });
        const simulated = messages.map(({ channel, atMs, number, reason, statuses }) => ({
          ...{ channel, atMs, number, reason, statuses: inNames(Object.entries(statuses)) },
        }));
        const inOrder = (list: typeof sent) =>
          list.toSorted((a, b) =>
            `${a.atMs} ${JSON.stringify(a)}` < `${b.atMs} ${JSON.stringify(b)}` ? -1 : 1,
          );
        expect(inOrder(simulated)).toEqual(inOrder(sent));
      }),
      { numRuns: 10 },
    );
  });
});
