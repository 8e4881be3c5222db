import { z } from 'zod';

const keptSchema = z.object({
  /** When each check of /readyz failed last, ms. */
  lastFailures: z.record(z.string(), z.number()),
  /** When /version was asked last; absent: it is to be asked. */
  versionAskedMs: z.number().optional(),
  /** The version of then; absent: it was hidden or odd, and `versionStatus` says how it was answered. */
  version: z.number().optional(),
  versionStatus: z.number().optional(),
});

/** What the next round needs of this one. */
export type Kept = z.output<typeof keptSchema>;

/** @param before from storage, so it may be anything */
export function readKept(before: unknown): Kept {
  return keptSchema.safeParse(before).data ?? { lastFailures: {} };
}
