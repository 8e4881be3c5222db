import {
  beyondLimits,
  type Condition,
  INDEXES,
  type Index,
  type Item,
  type Key,
  type Table,
  type TableQuery,
  type Write,
} from '../../adapters/state/dynamodb/table.ts';
import { PermanentError } from '../../core/errors.ts';

export interface QuickTable extends Table {
  /** The indexes show the current table. */
  settle(): void;
}

type Partitions = Map<string, Map<string, Item>>;

/**
 * A table in memory that answers thousands of queries a second: it keeps items by partition, and copies them flat,
 * because their values are flat. `test/memory-table.ts` is stricter. `lagMs` is how far the indexes are behind the
 * table.
 */
export function createQuickTable(nowMs: () => number, lagMs: () => number): QuickTable {
  const items: Partitions = new Map();
  const indexes = new Map<Index, Partitions>(Object.keys(INDEXES).map((name) => [name as Index, new Map()]));
  let unindexed: { atMs: number; before: Item | undefined; after: Item | undefined }[] = [];

  const find = ({ pk, sk }: Key) => items.get(pk)?.get(sk);

  function settle(untilMs = Infinity): void {
    for (const { atMs, before, after } of unindexed) {
      if (atMs > untilMs) break;
      for (const [name, partitions] of indexes) {
        const [partition, sort] = INDEXES[name];
        const id = (item: Item) => JSON.stringify([item[sort], item.pk, item.sk]);
        const at = (item: Item) => String(item[partition]);
        if (before?.[partition] !== undefined) partitions.get(at(before))?.delete(id(before));
        if (after?.[partition] === undefined || after[sort] === undefined) continue;
        const { pk, sk } = after;
        const entry: Item = { pk, sk, [partition]: at(after), [sort]: after[sort] };
        partitionOf(partitions, at(after)).set(id(after), entry);
      }
    }
    unindexed = unindexed.filter(({ atMs }) => atMs > untilMs);
  }

  function apply(write: Write): void {
    if ('check' in write) return;
    const { pk, sk } = keyOf(write);
    const before = find({ pk, sk });
    const after = 'put' in write ? { ...write.put } : undefined;
    if (after) partitionOf(items, pk).set(sk, after);
    else items.get(pk)?.delete(sk);
    unindexed.push({ atMs: nowMs(), before, after });
  }

  return {
    settle: () => settle(),
    get: async (keys) => keys.flatMap((key) => copyOf(find(key))),
    query: async (query) => ordered(items.get(query.pk), query, 'sk'),
    async lookUp(index, query) {
      settle(nowMs() - lagMs());
      return ordered(indexes.get(index)?.get(query.pk), query, INDEXES[index][1]);
    },
    async write(writes) {
      const problem = beyondLimits(writes);
      if (problem !== undefined) throw new PermanentError(problem);
      const failed = writes.flatMap((write, i) => {
        return write.if && !isMet(write.if, find(keyOf(write))) ? [i] : [];
      });
      if (failed.length === 0) for (const write of writes) apply(write);
      return failed;
    },
    close: async () => undefined,
  };
}

const copyOf = (item: Item | undefined): Item[] => (item ? [{ ...item }] : []);

function partitionOf(partitions: Partitions, pk: string): Map<string, Item> {
  const known = partitions.get(pk);
  if (known) return known;
  const made = new Map<string, Item>();
  partitions.set(pk, made);
  return made;
}

/** The keys here are ASCII, so their order is the order of their bytes. */
function ordered(partition: Map<string, Item> | undefined, query: TableQuery, sort: string): Item[] {
  const { from, to, beginsWith, newestFirst, limit = Infinity } = query;
  const found: Item[] = [];
  for (const item of partition?.values() ?? []) {
    const at = String(item[sort]);
    const within =
      beginsWith === undefined
        ? (from === undefined || at >= from) && (to === undefined || at <= to)
        : at.startsWith(beginsWith);
    if (within) found.push(item);
  }
  found.sort((a, b) => (String(a[sort]) < String(b[sort]) ? -1 : 1));
  if (newestFirst) found.reverse();
  return found.slice(0, limit).flatMap(copyOf);
}

function isMet(condition: Condition, item: Item | undefined): boolean {
  switch (condition.is) {
    case 'absent':
      return item === undefined;
    case 'without':
      return item?.[condition.attribute] === undefined;
    case 'below':
      return item === undefined || Number(item[condition.attribute]) < condition.than;
    case 'equal':
      if (item === undefined) return condition.orAbsent === true;
      return condition.to.some((value) => value === item[condition.attribute]);
  }
}

function keyOf(write: Write): Key {
  if ('put' in write) return write.put;
  return 'remove' in write ? write.remove : write.check;
}
