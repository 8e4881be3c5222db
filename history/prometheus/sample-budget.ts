// How many samples one query may read.

import { QueryError } from '../../core/promql/source.ts';

export interface SampleBudget {
  /** @throws QueryError `limit` when the query has read too many with these, `timeout` when its time is over */
  spend(samples: number): void;
}

export const MAX_SAMPLES = 5_000_000;

export function createSampleBudget(signal?: AbortSignal, maxSamples = MAX_SAMPLES): SampleBudget {
  let left = maxSamples;
  return {
    spend(samples) {
      if (signal?.aborted)
        throw new QueryError('timeout', 'the query took too long: ask for fewer series, or a shorter time');
      left -= samples;
      if (left >= 0) return;
      const most = maxSamples.toLocaleString('en');
      throw new QueryError(
        'limit',
        `the query reads more than ${most} samples: select fewer series, or a shorter time`,
      );
    },
  };
}
