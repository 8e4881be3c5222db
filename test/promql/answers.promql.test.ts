// The engine that is built here answers as recorded; and as ours does, for other samples and queries than the recorded ones.
import { describe, expect, it } from 'vitest';
import { differenceOf } from './comparison.ts';
import { compareWithEngine } from './proof.ts';
import { generateQueries } from './queries.ts';
import { askRecorded, readRecorded, recordedQueries } from './recorded.ts';
import type { Answer } from './reference.ts';
import { generateSamples } from './samples.ts';

describe('the engine', () => {
  it('answers as recorded', () => {
    const [recorded, fresh] = [readRecorded(), askRecorded(1)];
    expect(fresh).toHaveLength(recorded.length);
    // Elsewhere Go may round a multiplication and an addition once instead of twice.
    const approximate = process.arch !== 'x64';
    const different = recordedQueries().flatMap((query, i) => {
      const [was, is] = [recorded[i] as Answer, fresh[i] as Answer];
      const difference = differenceOf(query, was, is, { approximate });
      return difference === undefined || was.isUnstable ? [] : [`query ${i} ${query.text}: ${difference}`];
    });
    expect(different).toEqual([]);
  });

  it.each([101, 102, 103])('answers as we do: seed %i', async (seed) => {
    const queries = generateQueries(seed, 1000);
    const { different, excused } = await compareWithEngine(generateSamples(seed), queries);
    expect(different).toEqual([]);
    expect(excused).toBeLessThan(20);
  });
});
