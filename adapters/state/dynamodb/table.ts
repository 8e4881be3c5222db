// The table that the state needs. DynamoDB implements it, and a strict fake in memory for tests.

export type Value = string | number | Uint8Array;

export interface Key {
  pk: string;
  sk: string;
}

export interface Item extends Key {
  [attribute: string]: Value;
}

/** Whether an item may be written over, or must be as it was read. */
export type Condition =
  | { is: 'absent' }
  | { is: 'equal'; attribute: string; to: readonly Value[]; orAbsent?: true }
  /** Or there is no such item. */
  | { is: 'below'; attribute: string; than: number }
  /** The item may be there, the attribute not. */
  | { is: 'without'; attribute: string };

export type Write =
  | { put: Item; if?: Condition }
  | { remove: Key; if?: Condition }
  | { check: Key; if: Condition };

/** Secondary indexes: partition and sort attribute. Only keys are in them, and they lag behind the table. */
export const INDEXES = {
  history: ['hpk', 'hsk'],
  alert: ['apk', 'hsk'],
} as const;
export type Index = keyof typeof INDEXES;

export interface TableQuery {
  pk: string;
  /** Bounds of the sort key, inclusive. */
  from?: string;
  to?: string;
  beginsWith?: string;
  newestFirst?: boolean;
  /** Default: all there are. */
  limit?: number;
}

/** All throw ConfigError | PermanentError | RetryableError. */
export interface Table {
  /** The items of any number of keys, in no order; missing ones are left out. Strongly consistent. */
  get(keys: readonly Key[]): Promise<Item[]>;
  /** One partition, in order of its sort key. Strongly consistent. */
  query(query: TableQuery): Promise<Item[]>;
  /** Keys of one partition of an index with its sort attribute, in its order. Eventually consistent. */
  lookUp(index: Index, query: TableQuery): Promise<Item[]>;
  /**
   * All or nothing. Returns the indexes of writes whose condition does not hold; then nothing was written.
   * @throws PermanentError beyond LIMITS
   */
  write(writes: readonly Write[]): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html */
export const LIMITS = {
  itemBytes: 400 * 1024,
  transactionItems: 100,
  transactionBytes: 4 * 1024 * 1024,
} as const;

/** Size of an item as DynamoDB counts it: names and values, in UTF-8; numbers at their most. */
export function itemBytes(item: Readonly<Record<string, Value>>): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(item)) {
    bytes += Buffer.byteLength(name);
    if (typeof value === 'string') bytes += Buffer.byteLength(value);
    else bytes += typeof value === 'number' ? 21 : value.byteLength;
  }
  return bytes;
}

/** Why these writes cannot be sent, or undefined. */
export function beyondLimits(writes: readonly Write[]): string | undefined {
  if (writes.length > LIMITS.transactionItems) {
    return `${writes.length} items belong to one transaction, and DynamoDB takes ${LIMITS.transactionItems}`;
  }
  const sizes = writes.map((write) => ('put' in write ? itemBytes(write.put) : 0));
  if (sizes.some((bytes) => bytes > LIMITS.itemBytes)) {
    return `an item has ${Math.max(...sizes)} bytes, and DynamoDB takes ${LIMITS.itemBytes}`;
  }
  const bytes = sizes.reduce((sum, one) => sum + one, 0);
  if (writes.length > 1 && bytes > LIMITS.transactionBytes) {
    return `${bytes} bytes belong to one transaction, and DynamoDB takes ${LIMITS.transactionBytes}`;
  }
  return undefined;
}

/** The condition that an item has a version; 0 means that it is not stored. */
export function atVersion(version: number): Condition {
  return version === 0 ? { is: 'absent' } : { is: 'equal', attribute: 'version', to: [version] };
}
