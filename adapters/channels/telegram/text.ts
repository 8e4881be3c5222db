import { placeText } from '../../../core/message/summary.ts';
import { headline, historyText } from '../../../core/message/text.ts';
import type { Notification, NotificationAlert } from '../../../core/notify/model.ts';

/** https://core.telegram.org/bots/api#sendphoto: caption, after entities parsing. */
export const CAPTION_LIMIT = 1024;
/** https://core.telegram.org/bots/api#sendmessage: text, after entities parsing. */
export const TEXT_LIMIT = 4096;

/** HTML for Telegram and the length that counts: what is left of it after parsing, in UTF-16 units. */
export interface TelegramText {
  html: string;
  length: number;
}

/** How much is told of each alert: all, without how it came about, its place alone. */
type Detail = 'full' | 'brief' | 'place';
const DETAILS: readonly Detail[] = ['full', 'brief', 'place'];

/**
 * The message within a limit. Too long, it loses detail, then alerts ("and 12 more"); markup is never cut. A single
 * name longer than the limit is cut before it becomes markup.
 */
export function render(notification: Notification, limit: number): TelegramText {
  const { alerts } = notification;
  for (const detail of DETAILS) {
    const text = compose(notification, alerts.length, detail);
    if (text.length <= limit) return text;
  }
  for (let shown = alerts.length - 1; shown >= 0; shown--) {
    const text = compose(notification, shown, 'place');
    if (text.length <= limit) return text;
  }
  return bold(`${inertText(headline(notification)).slice(0, limit - 1)}…`);
}

function compose(notification: Notification, shown: number, detail: Detail): TelegramText {
  const { alerts } = notification;
  const mark = notification.status === 'firing' ? '🔴' : '🟢';
  const parts: TelegramText[] = [join([plain(`${mark} `), bold(headline(notification))], '')];
  for (const alert of alerts.slice(0, shown)) parts.push(alertText(alert, notification, detail));
  if (alerts.length > shown) parts.push(plain(`and ${alerts.length - shown} more`));
  const runbooks = [...new Set(alerts.flatMap((alert) => alert.runbook ?? []))];
  if (detail !== 'place') parts.push(...runbooks.slice(0, 3).map((address) => link('Runbook', address)));
  return join(parts, '\n');
}

function alertText(alert: NotificationAlert, notification: Notification, detail: Detail): TelegramText {
  const mark = alert.status === 'firing' ? '✖' : '✔';
  const place = placeText(alert.labels);
  if (detail === 'place') return plain(`${mark} ${place}`);
  const lines = [plain(`${mark} ${alert.summary}`)];
  if (detail === 'full') {
    lines.push(italic(`${place} · ${historyText(alert, notification)}`));
    if (alert.detail !== undefined) lines.push(plain(alert.detail));
  }
  return join(lines, '\n');
}

function plain(written: string): TelegramText {
  const text = inertText(written);
  return { html: escapeHtml(text), length: text.length };
}

function bold(text: string): TelegramText {
  const { html, length } = plain(text);
  return { html: `<b>${html}</b>`, length };
}

function italic(text: string): TelegramText {
  const { html, length } = plain(text);
  return { html: `<i>${html}</i>`, length };
}

function link(text: string, address: string): TelegramText {
  return {
    html: `<a href="${escapeHtml(address).replaceAll('"', '&quot;')}">${escapeHtml(text)}</a>`,
    length: text.length,
  };
}

function join(parts: readonly TelegramText[], separator: string): TelegramText {
  const length = parts.reduce(
    (sum, part) => sum + part.length,
    separator.length * Math.max(0, parts.length - 1),
  );
  return { html: parts.map((part) => part.html).join(separator), length };
}

/**
 * Telegram makes links of bare addresses, `@names`, `#tags`, `$TAGS` and `/commands` by itself: a word joiner, which is not
 * seen, keeps names of nodes from being any (https://core.telegram.org/bots/api#messageentity).
 */
export function inertText(text: string): string {
  return text
    .replace(
      /[@#$](?=[\p{L}\p{N}_])|:(?=\/\/)|\.(?=\p{L})|(?<![\p{L}\p{N}])\/(?=[\p{L}\p{N}_])/gu,
      '$&\u2060',
    )
    .replace(/\d+(?:\.\d+){3,}/g, (address) => address.replaceAll('.', '.\u2060'));
}

/** https://core.telegram.org/bots/api#html-style: these three must be entities, all else is literal. */
function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
