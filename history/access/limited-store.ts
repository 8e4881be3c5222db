import type { Labels, Selection } from '../../core/model/labels.ts';
import type { HistoryStore } from '../ports.ts';
import { bothGlobs, type Sight } from './sight.ts';

/** The series that are shown. What can be said by globs is asked of the store, so that few clusters do not cost a fleet. */
export function limitStore(store: HistoryStore, sight: () => Promise<Sight>): HistoryStore {
  async function limited<Query extends Selection, T extends { labels: Labels }>(
    query: Query,
    read: (query: Query) => Promise<T[]>,
  ): Promise<T[]> {
    const { where: names, sees } = await sight();
    const where = bothGlobs(query.where, names);
    if (where === undefined) return [];
    return (await read({ ...query, where })).filter(({ labels }) => sees(labels));
  }
  const { hourlyRollUps } = store;
  return {
    query: (query) => limited(query, (narrower) => store.query(narrower)),
    latest: (query) => limited(query, (narrower) => store.latest(narrower)),
    rollUps: (query) => limited(query, (narrower) => store.rollUps(narrower)),
    ...(hourlyRollUps && { hourlyRollUps: (query) => limited(query, hourlyRollUps) }),
  };
}
