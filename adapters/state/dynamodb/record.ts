import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip as gunzipCallback, gzip as gzipCallback } from 'node:zlib';
import { ConfigError, RetryableError } from '../../../core/errors.ts';
import type { Condition, Item, Key, Table, Value, Write } from './table.ts';

const gzip = promisify(gzipCallback);
const gunzip = promisify(gunzipCallback);

/** Version of the items. A later release reads all earlier ones; an earlier one refuses what it does not know. */
export const FORMAT = 1;
/** Below, a kilobyte is what a write costs at least, and the text stays readable in the console. */
const PLAIN_BYTES = 1000;
/** Leaves room for keys and attributes in an item of 400 KiB. */
const PART_BYTES = 390_000;
/** A value that is written over while its parts are read is read again so often. */
const READS = 5;

export interface RecordDraft {
  key: Key;
  kind: string;
  /** JSON. */
  value: unknown;
  attributes?: Readonly<Record<string, Value | undefined>>;
  if?: Condition | undefined;
  /** What it replaces, where that was read: parts that are no longer needed go. */
  before?: Item | undefined;
}

export interface Stored<T> {
  /** Item with the attributes, without the value where that has parts. */
  head: Item;
  value: T;
}

/**
 * Writes that store a value of any size, its head first. A large one is compressed, and what does not fit into one item
 * is split; parts lie in a partition of their own, and carry the stamp of the write they belong to.
 */
export async function recordWrites(draft: RecordDraft): Promise<[Write, ...Write[]]> {
  const { key, kind, value, attributes = {}, before } = draft;
  const head: Item = { ...key, kind, v: FORMAT };
  for (const [name, attribute] of Object.entries(attributes)) {
    if (attribute !== undefined) head[name] = attribute;
  }
  const text = JSON.stringify(value);
  const zipped = Buffer.byteLength(text) > PLAIN_BYTES ? await gzip(text) : undefined;
  const parts: Write[] = [];
  if (zipped === undefined) head.body = text;
  else if (zipped.length <= PART_BYTES) head.zip = zipped;
  else {
    const stamp = randomBytes(8).toString('hex');
    for (let start = 0; start < zipped.length; start += PART_BYTES) {
      const zip = zipped.subarray(start, start + PART_BYTES);
      const { expiresAt } = head;
      const item: Item = { ...partKey(key, parts.length), kind: 'part', v: FORMAT, stamp, zip };
      parts.push({ put: expiresAt === undefined ? item : { ...item, expiresAt } });
    }
    Object.assign(head, { stamp, parts: parts.length });
  }
  const extra = chunkKeys(before).slice(parts.length);
  return [
    { put: head, ...(draft.if && { if: draft.if }) },
    ...parts,
    ...extra.map((remove): Write => ({ remove })),
  ];
}

/** Writes that remove a record as it was read. */
export function recordRemoval(head: Item, condition?: Condition): [Write, ...Write[]] {
  const { pk, sk } = head;
  return [
    { remove: { pk, sk }, ...(condition && { if: condition }) },
    ...chunkKeys(head).map((remove): Write => ({ remove })),
  ];
}

export async function loadRecord<T>(table: Table, key: Key): Promise<Stored<T> | undefined> {
  for (let read = 0; read < READS; read++) {
    const [head] = await table.get([key]);
    if (!head) return undefined;
    const bytes = await zippedOf(table, head);
    if (bytes !== 'changed') return { head, value: await decode<T>(head, bytes) };
  }
  throw new RetryableError(`${key.pk} was written over each time it was read`);
}

/** Values of heads that were read, in their order; those that have gone since are left out. */
export async function openRecords<T>(table: Table, heads: readonly Item[]): Promise<Stored<T>[]> {
  const stored: Stored<T>[] = [];
  for (const head of heads) {
    const bytes = await zippedOf(table, head);
    const one =
      bytes === 'changed' ? await loadRecord<T>(table, head) : { head, value: await decode<T>(head, bytes) };
    if (one) stored.push(one);
  }
  return stored;
}

async function zippedOf(table: Table, head: Item): Promise<Uint8Array | undefined | 'changed'> {
  if (head.parts === undefined) return head.zip as Uint8Array | undefined;
  const parts = (await table.get(chunkKeys(head))).filter((part) => part.stamp === head.stamp);
  if (parts.length !== head.parts) return 'changed';
  parts.sort((a, b) => (a.sk < b.sk ? -1 : 1));
  return Buffer.concat(parts.map((part) => part.zip as Uint8Array));
}

async function decode<T>(head: Item, zip: Uint8Array | undefined): Promise<T> {
  if (Number(head.v) > FORMAT) {
    throw new ConfigError(`${head.pk} was written by a newer release (format ${head.v}); run that one`);
  }
  const text = zip === undefined ? String(head.body) : (await gunzip(zip)).toString('utf8');
  return JSON.parse(text) as T;
}

function chunkKeys(head: Item | undefined): Key[] {
  return head ? Array.from({ length: Number(head.parts ?? 0) }, (_, i) => partKey(head, i)) : [];
}

function partKey({ pk, sk }: Key, index: number): Key {
  return { pk: `part#${pk}#${sk}`, sk: String(index).padStart(4, '0') };
}
