import { z } from 'zod';
import { positiveDurationSchema } from './field-schemas.ts';

/** What a caller on the same machine may do without a token. */
export const LOOPBACK_ACCESS = ['none', 'read', 'silence'] as const;

/** A query that takes longer would hold its memory for as long. */
const LONGEST_QUERY_MS = 600_000;
const MOST_QUERIES = 64;

/** The interfaces to history: Prometheus', Alertmanager's and our own. */
export const historySchema = z.strictObject({
  enabled: z.boolean().describe('Whether the server answers queries at all').default(true),
  loopback: z
    .enum(LOOPBACK_ACCESS)
    .describe(
      'What callers on the same machine may do without a token: nothing, read, or also add and end silences. By default `read`; `none` where `publicUrl`, `hosts` or `listen` has another host than this machine, since a proxy here, or the network of a container, may then pass on requests of others',
    )
    .optional(),
  timeout: positiveDurationSchema
    .refine((ms) => ms <= LONGEST_QUERY_MS, {
      error: 'a query may take ten minutes at most; write `10m` or less',
    })
    .describe('How long a query may take')
    .prefault('30s'),
  maxQueries: z
    .int()
    .min(1)
    .max(MOST_QUERIES)
    .describe('How many queries run at once; others wait. One caller has all but one of them at most')
    .default(4),
});
