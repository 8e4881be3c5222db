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
} from '../adapters/state/dynamodb/table.ts';
import { PermanentError } from '../core/errors.ts';

export interface MemoryTable extends Table {
  items: Map<string, Item>;
  /** Updates the indexes; before that they show the table at the last call. */
  settle(): void;
  /** Called before each write is checked; an error refuses the write. */
  beforeWrite: (writes: readonly Write[]) => void | Promise<void>;
}

/**
 * A table in memory, as strict as DynamoDB: sizes, a hundred items in a transaction, each at most once, no empty key.
 * `lagging`: the indexes show only what was there when they were last updated.
 */
export function createMemoryTable(options: { lagging?: boolean } = {}): MemoryTable {
  const items = new Map<string, Item>();
  let indexed = new Map<string, Item>();
  const settle = () => {
    indexed = structuredClone(items);
  };
  const ordered = (all: Iterable<Item>, query: TableQuery, [partition, sort]: readonly [string, string]) => {
    const { from, to, beginsWith, newestFirst, limit = Infinity } = query;
    if ([query.pk, from, to].includes('')) throw new PermanentError('a key is empty');
    if (limit < 1) throw new PermanentError(`limit ${limit}`);
    const found = [...all].filter((item) => {
      const at = item[sort];
      if (item[partition] !== query.pk || typeof at !== 'string') return false;
      if (beginsWith !== undefined) return at.startsWith(beginsWith);
      return (from === undefined || !before(at, from)) && (to === undefined || !before(to, at));
    });
    found.sort((a, b) => (before(String(a[sort]), String(b[sort])) ? -1 : 1));
    if (newestFirst) found.reverse();
    return structuredClone(found.slice(0, limit));
  };

  const table: MemoryTable = {
    items,
    settle,
    beforeWrite: () => undefined,
    get: async (keys) => structuredClone(keys.flatMap((key) => items.get(idOf(key)) ?? [])),
    query: async (query) => ordered(items.values(), query, ['pk', 'sk']),
    async lookUp(index: Index, query) {
      if (!options.lagging) settle();
      const [partition, sort] = INDEXES[index];
      return ordered(indexed.values(), query, [partition, sort]).map((item) => ({
        pk: item.pk,
        sk: item.sk,
        [partition]: item[partition] ?? '',
        [sort]: item[sort] ?? '',
      }));
    },
    async write(writes) {
      await table.beforeWrite(writes);
      const problem = beyondLimits(writes) ?? misuse(writes);
      if (problem !== undefined) throw new PermanentError(problem);
      const failed = writes.flatMap((write, i) => {
        return write.if && !isMet(write.if, items.get(idOf(keyOf(write)))) ? [i] : [];
      });
      if (failed.length > 0) return failed;
      for (const write of writes) {
        if ('put' in write) items.set(idOf(write.put), structuredClone(write.put));
        else if ('remove' in write) items.delete(idOf(write.remove));
      }
      return [];
    },
    close: async () => undefined,
  };
  return table;
}

function misuse(writes: readonly Write[]): string | undefined {
  const ids = writes.map((write) => idOf(keyOf(write)));
  if (new Set(ids).size < ids.length) return 'one item is in the transaction twice';
  for (const write of writes) {
    const { pk, sk } = keyOf(write);
    if (pk === '' || sk === '') return 'a key is empty';
    if (Buffer.byteLength(pk) > 2048 || Buffer.byteLength(sk) > 1024) return 'a key is too long';
    const values = 'put' in write ? Object.values(write.put) : [];
    if (values.some((value) => value === undefined || Number.isNaN(value))) return 'a value is none';
  }
  return undefined;
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

/** DynamoDB sorts by bytes of UTF-8. */
function before(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
}

function keyOf(write: Write): Key {
  if ('put' in write) return write.put;
  return 'remove' in write ? write.remove : write.check;
}

function idOf({ pk, sk }: Key): string {
  return JSON.stringify([pk, sk]);
}
