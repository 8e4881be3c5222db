import { z } from 'zod';
import { UNWATCHED } from '../core/coverage-report.ts';

export const coverageShape = z.strictObject({
  nodes: z.number().describe('of the configuration and its inventory'),
  watched: z.number().describe('at least one check succeeded a short time ago'),
  unwatched: z
    .array(
      z.strictObject({
        cluster: z.string(),
        node: z.string(),
        reason: z.enum(UNWATCHED),
        detail: z.string().optional().describe('of the newest failure'),
        checkedAtMs: z.number().optional().describe('when a check last ended'),
      }),
    )
    .readonly(),
  invalid: z
    .array(z.strictObject({ source: z.string(), entry: z.string(), problem: z.string() }))
    .readonly()
    .describe(
      'entries of the inventory that are not in use as they are written; nodes of their last good version are counted',
    ),
});
