import { z } from 'zod';
import type { Notification, NotificationAlert, Picture } from '../../../core/model/notification.ts';
import { NOTIFY_REASONS } from '../../../core/model/notify-reason.ts';
import { SEVERITIES } from '../../../core/model/rule.ts';
import { REASONS } from '../../../core/model/transition.ts';
import { firedReasonOf } from '../../../core/notify/sentences.ts';
import { headline, plainText } from '../../../core/notify/text.ts';
import { PICTURE_PART } from './multipart.ts';

/** The picture inside the JSON, beside it in a multipart body, as an address on our server, or not at all. */
export const PICTURE_WAYS = ['base64', 'multipart', 'url', 'none'] as const;
export type PictureWay = (typeof PICTURE_WAYS)[number];

const time = z.iso.datetime().describe('ISO 8601, UTC, milliseconds');
const labels = z.record(z.string(), z.string());

const alertSchema = z.strictObject({
  id: z.string().describe('Stable: rule and label set'),
  status: z.enum(['firing', 'resolved']),
  rule: z.string(),
  title: z.string(),
  severity: z.enum(SEVERITIES),
  labels,
  inventoryLabels: labels
    .describe('What the inventory said of the node or cluster when it fired; absent where it said nothing')
    .optional(),
  metric: z.string(),
  unit: z.string(),
  news: z
    .boolean()
    .describe('Whether this channel has not been sent yet that it fires, or that it has ended'),
  untold: z
    .boolean()
    .describe('It has ended, and this channel was never sent that it fires: it fired and resolved'),
  value: z
    .number()
    .nullable()
    .describe(
      'While it fires, the newest that the rule saw when this was sent; of a resolved one the value it ended with; null without data',
    ),
  valueAt: time
    .nullable()
    .describe(
      'When the value was measured, where it is older than five minutes and two intervals of its check; null: it is current',
    ),
  condition: z.string().describe('What the rule asks, for people: "> 90%"'),
  forSeconds: z.number().describe('How long the condition must hold'),
  since: time.describe('First breaching sample of the run: when the breach began'),
  firedAt: time,
  noDataSince: time.nullable().describe('Since when samples are missing while it fires'),
  clearedAt: time
    .nullable()
    .describe('First sample that no longer breached; while it fires: it recovers, and keepFiringFor runs'),
  resolvedAt: time.nullable(),
  reason: z
    .enum(REASONS)
    .describe('Why it fired, of a resolved one why it ended: by its samples (threshold), or else'),
  firedReason: z
    .enum(REASONS)
    .nullable()
    .describe('Why it fired; null where a record of an older release does not say'),
  summary: z.string(),
  detail: z.string().nullable().describe('How the last probe failed, for alerts about reachability'),
  runbook: z.string().nullable(),
});

/** Version 1 of the body. Fields may be added to a version; none changes its meaning or goes away. */
export const payloadSchema = z.strictObject({
  version: z.literal(1),
  key: z.string().describe('Incident and number: the same for every repeat of this message'),
  incident: z.string(),
  number: z.number().int().positive(),
  status: z.enum(['firing', 'resolved']),
  severity: z.enum(SEVERITIES),
  reason: z.enum(NOTIFY_REASONS).describe('Why this is said now'),
  sentAt: time,
  route: z.string(),
  channel: z.string(),
  groupLabels: labels,
  title: z.string().describe('One line'),
  text: z.string().describe('The whole message as plain text'),
  alerts: z.array(alertSchema).min(1),
  picture: z
    .strictObject({
      contentType: z.literal('image/png'),
      width: z.number(),
      height: z.number(),
      alt: z.string(),
      url: z.string().nullable().describe('Where it can be fetched for some time'),
      base64: z.string().nullable(),
      part: z
        .string()
        .nullable()
        .describe('Name of the part of the body that holds it, when that is multipart/form-data'),
    })
    .nullable(),
  links: z.strictObject({ history: z.string().nullable(), silence: z.string().nullable() }),
});

export type WebhookPayload = z.infer<typeof payloadSchema>;

/** The body of a message. Pure: the same notification gives the same body, whenever it is sent. */
export function render(
  notification: Notification,
  picture: Picture | undefined,
  options: { picture: PictureWay },
): WebhookPayload {
  const { links } = notification;
  return {
    version: 1,
    key: notification.key,
    incident: notification.incidentId,
    number: notification.number,
    status: notification.status,
    severity: notification.severity,
    reason: notification.reason,
    sentAt: isoTime(notification.atMs),
    route: notification.route,
    channel: notification.channel,
    groupLabels: notification.groupLabels,
    title: headline(notification),
    text: plainText(notification),
    alerts: notification.alerts.map(renderAlert),
    picture: picture && options.picture !== 'none' ? renderPicture(picture, options.picture) : null,
    links: { history: links.history ?? null, silence: links.silence ?? null },
  };
}

function renderAlert(alert: NotificationAlert): WebhookPayload['alerts'][number] {
  return {
    id: alert.alertId,
    status: alert.status,
    rule: alert.rule,
    title: alert.title,
    severity: alert.severity,
    labels: alert.labels,
    ...(alert.inventoryLabels && { inventoryLabels: alert.inventoryLabels }),
    metric: alert.metric,
    unit: alert.unit,
    news: alert.news,
    untold: alert.untold ?? false,
    value: alert.value !== undefined && Number.isFinite(alert.value) ? alert.value : null,
    valueAt: alert.valueAtMs === undefined ? null : isoTime(alert.valueAtMs),
    condition: alert.conditionText,
    forSeconds: alert.forMs / 1000,
    since: isoTime(alert.sinceMs),
    firedAt: isoTime(alert.firedAtMs),
    noDataSince: alert.noDataSinceMs === undefined ? null : isoTime(alert.noDataSinceMs),
    clearedAt: alert.clearedAtMs === undefined ? null : isoTime(alert.clearedAtMs),
    resolvedAt: alert.resolvedAtMs === undefined ? null : isoTime(alert.resolvedAtMs),
    reason: alert.reason,
    firedReason: firedReasonOf(alert) ?? null,
    summary: alert.summary,
    detail: alert.detail ?? null,
    runbook: alert.runbook ?? null,
  };
}

function renderPicture(picture: Picture, how: PictureWay): NonNullable<WebhookPayload['picture']> {
  const { width, height, alt, url, png } = picture;
  const base64 = how === 'base64' ? Buffer.from(png).toString('base64') : null;
  const part = how === 'multipart' ? PICTURE_PART : null;
  return { contentType: 'image/png', width, height, alt, url: url ?? null, base64, part };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
