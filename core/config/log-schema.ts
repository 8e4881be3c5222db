import { z } from 'zod';
import { LOG_LEVELS, type LogStage } from '../model/log.ts';

const levelSchema = z.enum(LOG_LEVELS);

/** How much `up` logs. */
export const logSchema = z.strictObject({
  level: levelSchema
    .describe('Least important lines. `up --log-level` goes before it')
    .meta({ examples: ['warn'] })
    .default('info'),
  stages: z
    .strictObject({
      plan: levelSchema.describe('Rounds and the inventory').optional(),
      probe: levelSchema.describe('Bastions, nodes and checks').optional(),
      store: levelSchema.describe('Samples').optional(),
      evaluate: levelSchema.describe('Rules and alerts').optional(),
      notify: levelSchema.describe('Messages, channels, the heartbeat').optional(),
      audit: levelSchema.describe('The record of accesses').optional(),
      up: levelSchema
        .describe('All the rest: start, stop and reload, health, the server, the data')
        .optional(),
    } satisfies Record<LogStage, z.ZodType>)
    .describe('Levels of single stages. `bartizan log-level` changes them while `up` runs')
    .meta({ examples: [{ probe: 'debug' }] })
    .prefault({}),
});
