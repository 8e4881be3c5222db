import { expect, it } from 'vitest';
import { compareAnswers } from './proof.ts';
import { readRecorded, recordedQueries, recordedSamples } from './recorded.ts';

it("answers are those of Prometheus' engine", async () => {
  const queries = recordedQueries();
  const { different, excused } = await compareAnswers(recordedSamples(), queries, readRecorded());
  expect(different).toEqual([]);
  expect(excused / queries.length).toBeLessThan(0.01);
});
