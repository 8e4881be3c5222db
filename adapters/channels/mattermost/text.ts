import { placeText } from '../../../core/message/summary.ts';
import { headline, historyText } from '../../../core/message/text.ts';
import type { Notification, NotificationAlert } from '../../../core/notify/model.ts';

/** https://developers.mattermost.com/integrate/webhooks/incoming: longer posts are split. */
export const POST_LIMIT = 16_383;
/** Servers before 5.0, and databases from then, take no more. */
export const PLAIN_LIMIT = 4000;

/**
 * Markdown within the limit; names are literal. Too much is shortened by whole alerts: "and 12 more".
 */
export function render(notification: Notification, limit = POST_LIMIT): string {
  const { alerts } = notification;
  for (let shown = alerts.length; shown > 0; shown--) {
    const text = compose(notification, shown);
    if (text.length <= limit) return text;
  }
  // One name alone is too long: cut before it becomes markup, each letter of which may take two.
  return `**${literal(headline(notification).slice(0, Math.floor((limit - 5) / 2)))}…**`;
}

function compose(notification: Notification, shown: number): string {
  const { alerts, status } = notification;
  const lines = [`${status === 'firing' ? '🔴' : '🟢'} **${literal(headline(notification))}**`];
  for (const alert of alerts.slice(0, shown)) lines.push(...alertLines(alert, notification));
  if (alerts.length > shown) lines.push(`and ${alerts.length - shown} more`);
  const runbooks = [...new Set(alerts.flatMap((alert) => alert.runbook ?? []))].slice(0, 3);
  lines.push(
    ...runbooks.map((address) => `[Runbook](<${address.replaceAll(/[<>\s]/g, encodeURIComponent)}>)`),
  );
  return lines.join('\n');
}

function alertLines(alert: NotificationAlert, notification: Notification): string[] {
  const mark = alert.status === 'firing' ? '✖' : '✔';
  const lines = [
    `${mark} ${literal(alert.summary)}`,
    `    ${literal(`${placeText(alert.labels)} · ${historyText(alert, notification)}`)}`,
  ];
  if (alert.detail !== undefined) lines.push(`    ${literal(alert.detail)}`);
  return lines.map((line) => line.replace(/^ {4}/, '  '));
}

/**
 * Every punctuation that could be markup gets a backslash (CommonMark, 2.4: any ASCII punctuation may). A backslash
 * stops no mention (`@name`, `~channel`, `#tag`), as these are looked for in the source and in what is shown: a
 * zero-width space does, and is not seen.
 */
export function literal(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]()#+\-.!|~<>&:]/g, '\\$&').replace(/[@~#]/g, '$&\u200b');
}
