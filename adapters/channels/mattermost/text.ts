import { markupSafeAddress } from '../../../core/message/address.ts';
import {
  alertLine,
  greatestThatFits,
  headline,
  occasionText,
  runbooksOf,
  SHORTEST_LINE,
  standingText,
} from '../../../core/message/text.ts';
import type { Notification, NotificationAlert } from '../../../core/notify/model.ts';

/** https://developers.mattermost.com/integrate/webhooks/incoming: longer posts are split. */
export const POST_LIMIT = 16_383;
/** The first line is cut here, so that a long name leaves room for the alerts. */
const HEADLINE_LIMIT = 500;
/** Servers before 5.0, and databases from then, take no more. */
export const PLAIN_LIMIT = 4000;

/**
 * Markdown within the limit; names are literal. Too much is shortened by whole alerts: "and 12 more".
 */
export function render(notification: Notification, limit = POST_LIMIT): string {
  const { length } = notification.alerts;
  const most = Math.floor(limit / SHORTEST_LINE);
  const fits = (shown: number) => compose(notification, shown).length <= limit;
  const all = length <= most && fits(length);
  return compose(notification, all ? length : greatestThatFits(Math.min(length - 1, most), fits));
}

function compose(notification: Notification, shown: number): string {
  const { alerts, status } = notification;
  const lines = [
    `${status === 'firing' ? '🔴' : '🟢'} **${literal(headline(notification, HEADLINE_LIMIT))}**`,
    `  ${literal(occasionText(notification))}`,
  ];
  for (const alert of alerts.slice(0, shown)) lines.push(...alertLines(alert, notification));
  if (alerts.length > shown) lines.push(`and ${alerts.length - shown} more`);
  for (const address of runbooksOf(notification)) lines.push(`[Runbook](<${markupSafeAddress(address)}>)`);
  return lines.join('\n');
}

function alertLines(alert: NotificationAlert, notification: Notification): string[] {
  const lines = [literal(alertLine(alert)), `  ${literal(standingText(alert, notification))}`];
  if (alert.detail !== undefined) lines.push(`  ${literal(alert.detail)}`);
  return lines;
}

/**
 * Every punctuation that could be markup gets a backslash (CommonMark, 2.4: any ASCII punctuation may). A backslash
 * stops no mention (`@name`, `~channel`, `#tag`), as these are looked for in the source and in what is shown: a
 * zero-width space does, and is not seen.
 */
export function literal(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]()#+\-.!|~<>&:]/g, '\\$&').replace(/[@~#]/g, '$&\u200b');
}
