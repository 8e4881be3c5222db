import { bucketOf, buckets, sortable, upTo } from './layout.ts';
import type { Item, Key, Table } from './table.ts';

interface HistoryQuery {
  kind: 'transition' | 'delivery' | 'incident-open' | 'incident-closed';
  /** Inclusive. */
  fromMs?: number;
  toMs?: number;
  alertId?: string | undefined;
  newestFirst?: boolean;
  limit: number;
}

/** Items of a time, in its order, found by an index: what was written a moment ago may be missing. */
export async function listHistory(table: Table, query: HistoryQuery): Promise<Item[]> {
  const found = await historyKeys(table, query);
  const items = new Map((await table.get(found)).map((item) => [`${item.pk}\n${item.sk}`, item]));
  return found.flatMap(({ pk, sk }) => items.get(`${pk}\n${sk}`) ?? []);
}

export async function historyKeys(table: Table, query: HistoryQuery): Promise<Key[]> {
  const { kind, fromMs, toMs, alertId, newestFirst = false, limit } = query;
  const range = {
    ...(fromMs !== undefined && { from: sortable(fromMs) }),
    ...(toMs !== undefined && { to: upTo(toMs) }),
    newestFirst,
    ...(Number.isFinite(limit) && { limit }),
  };
  if (limit <= 0) return [];
  const found =
    alertId === undefined
      ? await Promise.all(buckets(kind).map((pk) => table.lookUp('history', { pk, ...range })))
      : [await table.lookUp('alert', { pk: alertId, ...range })];
  const sign = newestFirst ? -1 : 1;
  return found
    .flat()
    .sort((a, b) => (String(a.hsk) < String(b.hsk) ? -sign : sign))
    .slice(0, limit);
}

export function historyAttributes(kind: HistoryQuery['kind'], id: string, order: string) {
  return { hpk: `${kind}#${bucketOf(id)}`, hsk: order };
}
