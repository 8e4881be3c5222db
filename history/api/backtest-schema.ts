// What rules would have said: of `bartizan backtest --json` and of the API.

import { z } from 'zod';
import { SEVERITIES } from '../../core/model/rule.ts';
import { REASONS } from '../../core/model/transition.ts';

const list = <T extends z.ZodType>(item: T) => z.array(item).readonly();
const labels = z.record(z.string(), z.string()).readonly();
const severity = z.enum(SEVERITIES);

export const episodeSchema = z.strictObject({
  alertId: z.string(),
  rule: z.string(),
  severity,
  labels,
  inventoryLabels: labels.optional(),
  sinceMs: z.number().describe('the first sample that breached'),
  firedAtMs: z.number(),
  firedBefore: z.literal(true).optional().describe('it fired before the range began'),
  clearedAtMs: z.number().optional(),
  resolvedAtMs: z.number().optional().describe('absent: it fires at the end of the range'),
  reason: z.enum(REASONS),
  endReason: z.enum(REASONS).optional(),
  value: z.number().optional().describe('when it fired'),
  endValue: z.number().optional().describe('when it ended'),
  channels: list(z.string()).describe('those that would have been sent it'),
  withheld: z.enum(['silence', 'inhibition']).optional(),
});

export const gapsSchema = list(
  z.strictObject({
    metric: z.string(),
    fromMs: z.number(),
    toMs: z.number(),
    left: z.enum(['nothing', 'roll-ups']).describe('what the store has of the metric in this time'),
  }),
).describe('where nobody knows, as samples are missing');

export const backtestSchema = z.strictObject({
  fromMs: z.number(),
  toMs: z.number(),
  rules: list(
    z.strictObject({
      rule: z.string(),
      severity,
      episodes: z.number().describe('how often it would have fired'),
      cancelled: z.number().describe('breaches that ended before `for` was over'),
      firingMs: z.number().describe('of all episodes together'),
      messages: z.number().describe('in which it stands'),
      unknown: gapsSchema,
    }),
  ),
  episodes: list(episodeSchema),
  messages: list(
    z.strictObject({
      incidentId: z.string(),
      number: z.number(),
      atMs: z.number(),
      route: z.string(),
      channel: z.string(),
      reason: z.string(),
      statuses: z.record(z.string(), z.enum(['firing', 'resolved'])).describe('by `alertId@firedAtMs`'),
      news: list(z.string()),
    }),
  ),
  goneNodes: list(z.string()).describe(
    'they have samples, but are no longer in the inventory: nothing is evaluated',
  ),
  unseenNodes: list(z.string()).describe('they are in the inventory, but have no samples'),
  samples: z.number().describe('how many were read'),
});
