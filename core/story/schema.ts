import { z } from 'zod';
import { durationSchema } from '../duration.ts';

const time = z.string();
const names = z.union([z.string().transform((one) => [one]), z.array(z.string())], {
  error: 'write a node or a list of nodes',
});
const fields = z.record(z.string(), z.unknown());

const line = z.union([z.string(), z.number().transform(String)], {
  error: 'write samples like `95x6 _ 40x3`',
});

/** A story as people write it. Rule, samples and expectations are read apart, with messages of their own. */
export const storySchema = z.strictObject({
  name: z.string().min(1).optional(),
  rule: z.union([z.string().min(1), z.record(z.string(), z.unknown())], {
    error: 'write the rule: `{ metric: cpu_usage, above: 90, for: 5m }`, or the name of one of bartizan.yaml',
  }),
  every: durationSchema.refine((ms) => ms > 0, 'rounds are longer than `0s` apart').prefault('1m'),
  measuredEvery: durationSchema
    .refine((ms) => ms > 0, 'a check runs at longer intervals than `0s`')
    .optional(),
  lateness: durationSchema.prefault('15m'),
  samples: z.record(
    z.string(),
    z.union([line, z.record(z.string(), line)], { error: 'write samples like `95x6 _ 40x3`' }),
    {
      error: 'write one line a series: `{ node-1: 95x6 _ 40x3 }`',
    },
  ),
  late: z.record(z.string(), z.record(time, durationSchema)).optional(),
  removed: z.record(time, names).optional(),
  edits: z.record(time, fields).optional(),
  ruleFrom: durationSchema.optional(),
  ruleUntil: durationSchema.optional(),
  expect: z.record(time, z.unknown(), {
    error: 'write what must happen: `{ 0m: pending, 5m: firing }`, or `{}`',
  }),
});

export type StoryFields = z.output<typeof storySchema>;
