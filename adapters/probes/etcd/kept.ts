import { z } from 'zod';
import { type HistogramWindow, isHistogramWindow } from '../../../core/parse/histogram-window.ts';

const windowSchema = z.custom<HistogramWindow>(isHistogramWindow).optional();

const keptSchema = z.object({
  /** An etcd answered here once. */
  seen: z.boolean(),
  /** Start of its process, in seconds. */
  startedAt: z.number().optional(),
  fsync: windowSchema,
  commit: windowSchema,
  /** When /health gave a reason last, ms. */
  lastFailures: z.record(z.string(), z.number()).optional(),
  /** Pattern of backups → seconds. */
  backups: z.record(z.string(), z.number()).optional(),
});

/** What the next round needs of this one. */
export type Kept = z.output<typeof keptSchema>;

/** @param before from storage, so it may be anything */
export function readKept(before: unknown): Kept {
  const { success, data } = keptSchema.safeParse(before);
  if (success) return data;
  // That it was seen is worth keeping, whatever became of the rest.
  return { seen: (before as { seen?: unknown } | null | undefined)?.seen === true };
}
