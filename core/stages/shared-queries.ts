import type { Series } from '../model/sample.ts';
import type { SampleStore } from '../ports.ts';

/** Both metrics of a ratio. More would keep in memory what no rule asks for again. */
const MOST_KEPT = 2;

/**
 * The store, which answers a query that is the same as one of the last two without asking again: tiers of a rule read the same
 * series, and stand behind one another. A query that failed is asked again. For one evaluation, as samples arrive between two.
 */
export function withSharedQueries<T extends Pick<SampleStore, 'query'>>(store: T): T {
  const kept = new Map<string, Promise<Series[]>>();
  return {
    ...store,
    query(query) {
      const key = JSON.stringify(query);
      const known = kept.get(key);
      if (known) return known;
      const answer = store.query(query);
      kept.set(key, answer);
      for (const oldest of [...kept.keys()].slice(0, -MOST_KEPT)) kept.delete(oldest);
      answer.catch(() => {
        if (kept.get(key) === answer) kept.delete(key);
      });
      return answer;
    },
  };
}
