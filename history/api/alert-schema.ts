// An alert with all that is known of it: of `bartizan alerts --json` and of the API.

import { z } from 'zod';
import { REASONS } from '../../core/model/transition.ts';
import { NO_RECIPIENT_REASONS, RECIPIENT_REASONS } from '../../core/notify/recipients.ts';

const list = <T extends z.ZodType>(item: T) => z.array(item).readonly();
const labels = z.record(z.string(), z.string()).readonly();

export const routeStepSchema = z.strictObject({
  route: z.string(),
  outcome: z.enum(['taken', 'passed', 'not-reached']),
  why: z.string(),
  continues: z.boolean(),
  channels: list(z.string()),
  group: labels,
});
const recipient = z.strictObject({
  channel: z.string(),
  route: z.string(),
  incidentId: z.string().optional(),
  reason: z.enum(RECIPIENT_REASONS),
  text: z.string().describe('one sentence'),
  untilMs: z.number().optional().describe('end of a silence or wait'),
  rule: z.string().optional().describe('that keeps it quiet'),
  others: list(z.string()).optional().describe('channels that were sent it instead'),
  failure: z
    .strictObject({ sinceMs: z.number(), tries: z.number(), error: z.string().optional() })
    .optional()
    .describe('of a channel that fails'),
});

export const alertSchema = z.strictObject({
  id: z.string(),
  rule: z.string(),
  labels,
  inventoryLabels: labels.optional().describe('what the inventory said of its node or cluster when it fired'),
  status: z.enum(['ok', 'pending', 'firing']).describe('`ok` with `--last`: it has resolved'),
  sinceMs: z.number().describe('first sample of the unbroken breach'),
  firedAtMs: z.number().optional(),
  resolvedAtMs: z.number().optional(),
  clearedAtMs: z.number().optional(),
  noDataSinceMs: z.number().optional(),
  reason: z.enum(REASONS),
  value: z.number().optional().describe('newest'),
  valueAtMs: z.number().optional(),
  silencedBy: list(
    z.strictObject({
      id: z.string(),
      untilMs: z.number(),
      alertId: z
        .string()
        .optional()
        .describe('present if it acknowledges only this alert, until it resolves'),
    }),
  ).describe('now; `file:1` is in the configuration'),
  inhibitedBy: list(z.string()).describe(
    'rules that keep it quiet now: they fire for the same cluster and node, or are higher tiers that fire for the same labels',
  ),
  sent: list(
    z.strictObject({
      channel: z.string(),
      route: z.string(),
      status: z.enum(['firing', 'resolved']),
      atMs: z
        .number()
        .optional()
        .describe('time of the first such message; absent if an older release sent it'),
    }),
  ).describe('messages about this firing that channels accepted'),
  undelivered: z
    .strictObject({
      sinceMs: z.number().describe('when it was due'),
      channels: list(
        z.strictObject({
          channel: z.string(),
          tries: z.number(),
          error: z.string().optional().describe('the last error, without secrets'),
        }),
      ),
    })
    .optional()
    .describe('no channel has accepted it, and nothing withholds it'),
  nobody: z
    .strictObject({ reason: z.enum(NO_RECIPIENT_REASONS), text: z.string() })
    .optional()
    .describe('why no channel is to be sent it'),
  recipients: list(recipient)
    .optional()
    .describe('each channel, and why it was not sent it; without `--last`'),
  routes: list(routeStepSchema).optional().describe('with `nobody`: each route in order'),
});
