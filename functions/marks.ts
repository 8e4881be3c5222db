// Marks are small objects that record progress. Calls come late, twice and at the same time, so a mark is only written
// over the version that was read: no call puts it back.
import type { z } from 'zod';
import type { Bucket } from '../adapters/aws/bucket.ts';
import { retryConflicts } from '../core/conflicts.ts';
import { type ConflictError, describeError, RetryableError } from '../core/errors.ts';
import type { Logger } from '../core/ports.ts';

export type Files = Pick<Bucket, 'get' | 'put'>;

/** An invalid mark counts as missing, which is never good news, and is overwritten by the next write. */
export async function readMark<T>(
  bucket: Pick<Files, 'get'>,
  key: string,
  schema: z.ZodType<T>,
  logger: Logger,
): Promise<T | undefined> {
  const found = await bucket.get(key);
  return found && parseOrNone(found.body, key, schema, logger);
}

/**
 * Writes what `change` returns for the mark, and nothing for undefined. Resolves to whether it wrote. `logger` gets a
 * line for an invalid mark. @throws RetryableError when other writers were always faster
 */
export async function changeMark<T extends object>(
  bucket: Files,
  key: string,
  schema: z.ZodType<T>,
  change: (before: T | undefined) => T | undefined,
  logger?: Logger,
): Promise<boolean> {
  const write = async () => {
    const before = await bucket.get(key);
    const after = change(before && parseOrNone(before.body, key, schema, logger));
    if (after === undefined) return false;
    const over = before?.version ?? 'nothing';
    await bucket.put(key, Buffer.from(JSON.stringify(after)), { contentType: 'application/json', over });
    return true;
  };
  const gaveUp = (cause: ConflictError) =>
    new RetryableError(`${key} was always written by others first`, { cause });
  return await retryConflicts(write, { gaveUp });
}

/** Whether a mark has a later time. A mark ahead of the clock is wrong, and blocks nothing. */
export function isLater(markMs: number | undefined, thanMs: number, nowMs: number): boolean {
  return markMs !== undefined && markMs > thanMs && markMs <= nowMs;
}

function parseOrNone<T>(body: Uint8Array, key: string, schema: z.ZodType<T>, logger?: Logger): T | undefined {
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(body)));
  } catch (error) {
    logger?.error(`${key} is not valid: it counts as missing`, {
      error: describeError(error),
    });
    return undefined;
  }
}
