// Lists with a limit, filtered before they are limited: else a hidden entry would take the slot of one that is shown.

import type { Transition } from '../../core/model/transition.ts';
import type { HistoryState } from '../ports.ts';

/** Entries that are read at first. */
const FIRST = 200;

/**
 * The first `limit` entries that `show` shows, of a list that can only be read from its beginning: it is read again, four
 * times as far, while it has too few.
 */
export async function takeSeen<T, Shown>(
  limit: number,
  read: (most: number) => Promise<readonly T[]>,
  show: (entry: T) => Promise<Shown | undefined>,
): Promise<Shown[]> {
  for (let most = Math.max(limit, FIRST); ; most *= 4) {
    const entries = await read(most);
    const shown: Shown[] = [];
    for (const entry of entries) {
      if (shown.length >= limit) break;
      const one = await show(entry);
      if (one !== undefined) shown.push(one);
    }
    if (shown.length >= limit || entries.length < most) return shown;
  }
}

/** The first transitions of a range that are seen: read in pages, each from the time at which the one before ended. */
export async function seenTransitions(
  query: Parameters<HistoryState['listTransitions']>[0],
  read: HistoryState['listTransitions'],
  sees: (transition: Transition) => boolean,
): Promise<Transition[]> {
  const found: Transition[] = [];
  /** Those of the last time of the page before, which the next begins with. */
  let known = new Set<string>();
  let { fromMs } = query;
  let size = Math.max(query.limit, FIRST);
  while (found.length < query.limit) {
    const page = await read({ ...query, fromMs, limit: size });
    const fresh = page.filter(({ id }) => !known.has(id));
    found.push(...fresh.filter(sees));
    const lastMs = page.at(-1)?.atMs;
    if (page.length < size || lastMs === undefined) break;
    // More happened at one time than a page holds.
    if (lastMs === fromMs) size *= 2;
    fromMs = lastMs;
    known = new Set(page.filter(({ atMs }) => atMs === lastMs).map(({ id }) => id));
  }
  return found.slice(0, query.limit);
}
