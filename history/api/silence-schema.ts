// A silence: of `bartizan silence --json` and of the API.

import { z } from 'zod';
import { MATCHER_OPS } from '../../core/model/silence.ts';

const list = <T extends z.ZodType>(item: T) => z.array(item).readonly();

export const silenceSchema = z.strictObject({
  id: z.string(),
  matchers: list(z.strictObject({ name: z.string(), op: z.enum(MATCHER_OPS), value: z.string() })).describe(
    'all must match',
  ),
  alertId: z.string().optional().describe('acknowledgement: until this alert resolves'),
  breachSinceMs: z
    .number()
    .optional()
    .describe('start of the breach, if it is in the future after the clock was set back'),
  fromMs: z.number(),
  untilMs: z.number(),
  createdAtMs: z.number(),
  author: z.string(),
  comment: z.string(),
});

export const listedSilenceSchema = silenceSchema.extend({
  id: z.string().describe('`file:1` is the first one of the configuration'),
  createdAtMs: z.number().optional().describe('only if added at run time'),
  author: z.string().describe('empty for silences of the configuration'),
  source: z.enum(['state', 'file']),
  state: z.enum(['active', 'pending', 'expired']),
});
