// Reads the files that make.ts has written.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Item } from '../../adapters/state/dynamodb/table.ts';

/** The bytes of a file of `data/`, which is compressed. */
export function readData(name: string): Buffer {
  return gunzipSync(readFileSync(join(import.meta.dirname, 'data', `${name}.gz`)));
}

export interface LocalData {
  /** The output of commands at the time of the copy. */
  before: Record<string, unknown>;
  /** The bodies that the webhooks had accepted by then. */
  former: { key: string }[];
  /** What the earlier commit made of the data afterwards. */
  messages: { key: string }[];
  after: Record<string, unknown>;
  rows: Record<string, Record<string, unknown>[]>;
}

export interface CloudData {
  kept: Kept;
  former: { key: string }[];
  after: Pick<Kept, 'items' | 'files' | 'samples'> & {
    messages: { key: string }[];
    /** Messages into the queues. */
    sent: Kept['messages'];
  };
  /** The parameter that the stacks write. */
  settings: string;
}

interface Kept {
  items: [key: string, item: Record<string, unknown>][];
  files: Record<string, { body: string; metadata: Record<string, string> }>;
  messages: { url: string; message: { body: string } }[];
  samples: Record<string, unknown>[];
}

/** A record whose JSON is parsed, so that its fields can be compared. */
export function opened(record: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => {
      if (value instanceof Uint8Array) return [name, JSON.parse(gunzipSync(value).toString('utf8'))];
      return [name, typeof value === 'string' && /^[[{]/.test(value) ? JSON.parse(value) : value];
    }),
  );
}

/** An item of the table; bytes are stored as text. */
export function revived(item: Record<string, unknown>): Item {
  return Object.fromEntries(
    Object.entries(item).map(([name, value]) => [
      name,
      isBytes(value) ? Uint8Array.from(Buffer.from(value.base64, 'base64')) : value,
    ]),
  ) as Item;
}

function isBytes(value: unknown): value is { base64: string } {
  return typeof value === 'object' && value !== null && 'base64' in value;
}

/** The record with a type in place of each value: its fields, whatever their values. */
export function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, shapeOf(field)]));
}

/** A configuration with every field, once for each kind of store. */
export function everyField(): string[] {
  const text = readFileSync(join(import.meta.dirname, 'every-field.yaml'), 'utf8');
  return STORES.map((store) => text.replace(/^store: .*$/m, `store: ${store}`));
}

const STORES = [
  '{ rollUpRetention: 20d, retention: 5d, path: data }',
  '{ url: "https://s.e.net/", rollUpRetention: 20d, type: prometheus, writeUrl: "https://s.e.net/w", bearerToken: "${env:BT}" }',
  '{ sigv4: { region: ap-northeast-2 }, writeUrl: "https://s.e.net/w", url: "https://s.e.net/", type: prometheus }',
  '{ table: ttt, region: us-east-1, database: ddd, type: timestream }',
];
