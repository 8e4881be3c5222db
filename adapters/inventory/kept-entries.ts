// What state keeps of the entries of a source: their texts, by their id.
import { z } from 'zod';

/** Anything else counts as missing. */
export const entriesSchema = z.record(z.string(), z.string());

/** Under which counters keep it. */
export function keptKey(source: string): string {
  return `inventory ${source}`;
}
