import { describe, expect, it } from 'vitest';
import { add, emptyTally, reportOf } from './report.ts';
import { simulate } from './simulate.ts';

/** Each run of the tests uses these seeds; `.ci/run` uses three hundred more, `npm run simulate` thousands. */
const FIRST_SEED = 1;
const SCHEDULES = 200;
/** Even seeds use SQLite for state, odd ones DynamoDB; each part has both. */
const PARTS = 4;

describe('in schedules of random faults the whole pipeline', () => {
  it.each(Array.from({ length: PARTS }, (_, part) => part))(
    'holds every invariant, part %i',
    async (part) => {
      const tally = emptyTally();
      const startMs = performance.now();
      const each = SCHEDULES / PARTS;
      for (let i = 0; i < each; i++) add(tally, await simulate(FIRST_SEED + part * each + i));
      const report = reportOf(tally, performance.now() - startMs);
      expect(Object.fromEntries(tally.failed), report).toEqual({});
      expect(Object.fromEntries(tally.lacking), report).toEqual({});
      expect(tally.counts.get('answer: over its rate'), report).toBeGreaterThan(0);
    },
  );

  it.each([1, 2])('gives the same trace for the same seed: %i', async (seed) => {
    const run = async () => {
      const lines: string[] = [];
      return { outcome: await simulate(seed, (line) => lines.push(line)), lines };
    };
    const first = await run();
    expect(await run()).toEqual(first);
    expect(first.lines.length).toBeGreaterThan(50);
  });
});
