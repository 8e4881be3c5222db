// Long lists come in pages: `next` of an answer is the `cursor` of the next request.

import { z } from '@hono/zod-openapi';
import { ApiError } from './errors.ts';
import { integerParameter, textParameter } from './parameters.ts';

const DEFAULT_LIMIT = 100;
const MOST = 1_000;

export const pageParameters = {
  limit: integerParameter(1, MOST, 'Items in an answer at most.', DEFAULT_LIMIT),
  cursor: textParameter('`next` of the answer before; the other parameters must be the same.').optional(),
};

export const nextSchema = z
  .string()
  .optional()
  .describe('Give it as `cursor` to get what follows; absent at the end.');

/** Where a page begins: behind the item with this time and key. */
export interface Position {
  atMs: number;
  key: string;
}

const positionSchema = z.tuple([z.number().int(), z.string().max(500)]);

/** @throws ApiError for a cursor that is not of ours */
export function positionOf(cursor: string | undefined): Position | undefined {
  if (cursor === undefined) return undefined;
  try {
    const [atMs, key] = positionSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    return { atMs, key };
  } catch {
    throw new ApiError(400, '`cursor` is none of ours', 'take `next` of the answer before, or leave it out');
  }
}

export function cursorOf({ atMs, key }: Position): string {
  return Buffer.from(JSON.stringify([atMs, key])).toString('base64url');
}

/** The page behind `after`, of items in the order of `compare`. */
export function pageOf<T>(
  items: readonly T[],
  { limit = DEFAULT_LIMIT, after }: { limit?: number | undefined; after: Position | undefined },
  { position, compare }: { position: (item: T) => Position; compare: (a: Position, b: Position) => number },
): { items: T[]; next?: string } {
  const keyed = items.map((item) => ({ item, at: position(item) })).sort((a, b) => compare(a.at, b.at));
  const rest = after ? keyed.filter(({ at }) => compare(at, after) > 0) : keyed;
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(({ item }) => item),
    ...(last && rest.length > limit && { next: cursorOf(last.at) }),
  };
}

const byKey = (a: Position, b: Position) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

export const oldestFirst = (a: Position, b: Position) => a.atMs - b.atMs || byKey(a, b);
export const newestFirst = (a: Position, b: Position) => b.atMs - a.atMs || byKey(a, b);
