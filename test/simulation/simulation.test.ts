import { describe, expect, it } from 'vitest';
import { add, emptyTally, reportOf } from './report.ts';
import { simulate } from './simulate.ts';

/** Seeds that are tried with every run of the tests; `.ci/run` tries three hundred more, `npm run simulate` thousands. */
const FIRST_SEED = 1;
const SCHEDULES = 200;
/** Even seeds keep state in SQLite, odd ones in DynamoDB: each part has both. */
const PARTS = 4;

describe('the whole pipeline under faults', () => {
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

  it.each([1, 2])('a seed replays exactly: %i', async (seed) => {
    const run = async () => {
      const lines: string[] = [];
      return { outcome: await simulate(seed, (line) => lines.push(line)), lines };
    };
    const first = await run();
    expect(await run()).toEqual(first);
    expect(first.lines.length).toBeGreaterThan(50);
  });
});
