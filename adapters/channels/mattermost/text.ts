import type { Notification, NotificationAlert } from '../../../core/model/notification.ts';
import { alertLine, detailText, headline, occasionText } from '../../../core/notify/text.ts';
import { composeWithin, escapeMarkdown, moreLines, runbookAddresses, STATUS_MARKS } from '../message-text.ts';

/** https://developers.mattermost.com/integrate/webhooks/incoming: longer posts are split. */
export const POST_LIMIT = 16_383;
/** The first line is cut here, so that a long name leaves room for the alerts. */
const HEADLINE_LIMIT = 500;
/** Servers before 5.0, and databases from then, take no more. */
export const PLAIN_LIMIT = 4000;

/** Renders Markdown within the limit; names are literal, and whole alerts are left out: "and 12 more". */
export function render(notification: Notification, limit = POST_LIMIT): string {
  return composeWithin(notification, limit, (included) => compose(notification, included));
}

function compose(notification: Notification, included: number): string {
  const { alerts, status } = notification;
  const lines = [
    `${STATUS_MARKS[status]} **${literal(headline(notification, HEADLINE_LIMIT))}**`,
    `  ${literal(occasionText(notification))}`,
  ];
  for (const alert of alerts.slice(0, included)) lines.push(...alertLines(alert, notification));
  lines.push(...moreLines(notification, included));
  for (const address of runbookAddresses(notification)) lines.push(`[Runbook](<${address}>)`);
  return lines.join('\n');
}

function alertLines(alert: NotificationAlert, notification: Notification): string[] {
  const lines = [literal(alertLine(alert)), `  ${literal(detailText(alert, notification))}`];
  if (alert.detail !== undefined) lines.push(`  ${literal(alert.detail)}`);
  return lines;
}

/**
 * Text that Mattermost shows as it is. A backslash does not stop a mention (`@name`, `~channel`, `#tag`): Mattermost looks
 * for these in the source and in the rendered text. An invisible zero-width space does.
 */
export function literal(text: string): string {
  return escapeMarkdown(text).replace(/[@~#]/g, '$&\u200b');
}
