import { markupSafeAddress } from '../../../core/message/address.ts';
import { placeText } from '../../../core/message/summary.ts';
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

/** https://core.telegram.org/bots/api#sendphoto: caption, after entities parsing. */
export const CAPTION_LIMIT = 1024;
/** https://core.telegram.org/bots/api#sendmessage: text, after entities parsing. */
export const TEXT_LIMIT = 4096;
/** The first line is cut here, so that a long name leaves room for the alerts. */
const HEADLINE_LIMIT = 300;

/** HTML for Telegram and the length that counts: what is left of it after parsing, in UTF-16 units. */
export interface TelegramText {
  html: string;
  length: number;
}

/** How much is told of each alert: all, without how it came about, its place alone. */
type Detail = 'full' | 'brief' | 'place';
/** How much the news say, and what the other alerts may say then; each level says less than the one before. */
const LEVELS: readonly (readonly [Detail, readonly Detail[]])[] = [
  ['full', ['full', 'brief', 'place']],
  ['brief', ['brief', 'place']],
  ['place', ['place']],
];

/**
 * The message within a limit. Too long, what stands as it was loses detail, then falls away ("and 12 more"), before the
 * news lose any; markup is never cut. A name that is too long for the first line is cut before it becomes markup.
 */
export function render(notification: Notification, limit: number): TelegramText {
  const { alerts } = notification;
  const possible = Math.floor(limit / SHORTEST_LINE);
  const news = alerts.filter((alert) => alert.news).length;
  const told = (shown: number, ofNews: Detail, ofRest: Detail) =>
    compose(notification, shown, (alert) => (alert.news ? ofNews : ofRest));
  const fits = (shown: number, ofNews: Detail, ofRest: Detail) =>
    shown <= possible && told(shown, ofNews, ofRest).length <= limit;
  const most = (ofNews: Detail, fewest: number) =>
    fewest +
    greatestThatFits(Math.min(alerts.length - 1, possible) - fewest, (more) =>
      fits(fewest + more, ofNews, 'place'),
    );
  for (const [ofNews, rests] of LEVELS) {
    for (const ofRest of rests) {
      if (fits(alerts.length, ofNews, ofRest)) return told(alerts.length, ofNews, ofRest);
    }
    if (news > 0 && fits(news, ofNews, 'place')) return told(most(ofNews, news), ofNews, 'place');
  }
  return told(most('place', 0), 'place', 'place');
}

function compose(
  notification: Notification,
  shown: number,
  detailOf: (alert: NotificationAlert) => Detail,
): TelegramText {
  const { alerts } = notification;
  const mark = notification.status === 'firing' ? '🔴' : '🟢';
  const parts: TelegramText[] = [
    join([plain(`${mark} `), bold(headline(notification, HEADLINE_LIMIT))], ''),
    plain(occasionText(notification)),
  ];
  for (const alert of alerts.slice(0, shown)) parts.push(alertText(alert, notification, detailOf(alert)));
  if (alerts.length > shown) parts.push(plain(`and ${alerts.length - shown} more`));
  if (shown > 0) parts.push(...runbooksOf(notification).map((address) => link('Runbook', address)));
  return join(parts, '\n');
}

function alertText(alert: NotificationAlert, notification: Notification, detail: Detail): TelegramText {
  const place = placeText(alert.labels);
  if (detail === 'place') return plain(alertLine({ ...alert, summary: place || alert.title }));
  if (detail === 'brief') {
    // Nothing behind it says where.
    const named = alert.summary.includes(alert.labels.node ?? place);
    return plain(alertLine(named ? alert : { ...alert, summary: `${place}: ${alert.summary}` }));
  }
  const lines = [plain(alertLine(alert))];
  lines.push(italic(standingText(alert, notification)));
  if (alert.detail !== undefined) lines.push(plain(alert.detail));
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
    html: `<a href="${escapeHtml(markupSafeAddress(address))}">${escapeHtml(text)}</a>`,
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
