import type { Notification, NotificationAlert } from '../../../core/model/notification.ts';
import { labelsText } from '../../../core/notify/summary.ts';
import {
  alertLine,
  detailText,
  greatestThatFits,
  headline,
  occasionText,
} from '../../../core/notify/text.ts';
import {
  escapeEntities,
  moreLines,
  possibleAlerts,
  runbookAddresses,
  STATUS_MARKS,
} from '../message-text.ts';

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

/** How much a message shows of an alert: all, all but its history, or only what its labels name. */
type Detail = 'full' | 'brief' | 'labels';
/** The detail of news, and the details that other alerts may have then; each level is shorter than the one before. */
const LEVELS: readonly (readonly [Detail, readonly Detail[]])[] = [
  ['full', ['full', 'brief', 'labels']],
  ['brief', ['brief', 'labels']],
  ['labels', ['labels']],
];

/**
 * Renders the message within a limit. When it is too long, alerts that this channel knows lose detail, then are left out
 * ("and 12 more"), before news lose any. Markup is never cut: a name that is too long for the first line is cut before it
 * is marked up.
 */
export function render(notification: Notification, limit: number): TelegramText {
  const { alerts } = notification;
  const possible = possibleAlerts(notification, limit);
  const news = alerts.filter((alert) => alert.news).length;
  const composeAt = (included: number, ofNews: Detail, ofRest: Detail) =>
    compose(notification, included, (alert) => (alert.news ? ofNews : ofRest));
  const fits = (included: number, ofNews: Detail, ofRest: Detail) =>
    included <= possible && composeAt(included, ofNews, ofRest).length <= limit;
  const most = (ofNews: Detail, fewest: number) =>
    fewest +
    greatestThatFits(Math.min(alerts.length - 1, possible) - fewest, (more) =>
      fits(fewest + more, ofNews, 'labels'),
    );
  for (const [ofNews, rests] of LEVELS) {
    for (const ofRest of rests) {
      if (fits(alerts.length, ofNews, ofRest)) return composeAt(alerts.length, ofNews, ofRest);
    }
    if (news > 0 && fits(news, ofNews, 'labels')) return composeAt(most(ofNews, news), ofNews, 'labels');
  }
  return composeAt(most('labels', 0), 'labels', 'labels');
}

function compose(
  notification: Notification,
  included: number,
  detailOf: (alert: NotificationAlert) => Detail,
): TelegramText {
  const { alerts } = notification;
  const mark = STATUS_MARKS[notification.status];
  const lines: TelegramText[] = [
    join([plain(`${mark} `), bold(headline(notification, HEADLINE_LIMIT))], ''),
    plain(occasionText(notification)),
  ];
  for (const alert of alerts.slice(0, included)) lines.push(alertText(alert, notification, detailOf(alert)));
  lines.push(...moreLines(notification, included).map(plain));
  if (included > 0) lines.push(...runbookAddresses(notification).map((address) => link('Runbook', address)));
  return join(lines, '\n');
}

function alertText(alert: NotificationAlert, notification: Notification, detail: Detail): TelegramText {
  const named = labelsText(alert.labels);
  if (detail === 'labels') return plain(alertLine({ ...alert, summary: named || alert.title }));
  if (detail === 'brief') {
    // No history follows that would name the node.
    const isNamed = alert.summary.includes(alert.labels.node ?? named);
    return plain(alertLine(isNamed ? alert : { ...alert, summary: `${named}: ${alert.summary}` }));
  }
  const lines = [plain(alertLine(alert))];
  lines.push(italic(detailText(alert, notification)));
  if (alert.detail !== undefined) lines.push(plain(alert.detail));
  return join(lines, '\n');
}

function plain(source: string): TelegramText {
  const text = inertText(source);
  return { html: escapeEntities(text), length: text.length };
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
    html: `<a href="${escapeEntities(address)}">${escapeEntities(text)}</a>`,
    length: text.length,
  };
}

function join(texts: readonly TelegramText[], separator: string): TelegramText {
  const separators = separator.length * Math.max(0, texts.length - 1);
  const length = texts.reduce((sum, text) => sum + text.length, separators);
  return { html: texts.map(({ html }) => html).join(separator), length };
}

/**
 * Telegram makes links of bare addresses, `@names`, `#tags`, `$TAGS` and `/commands` by itself
 * (https://core.telegram.org/bots/api#messageentity). An invisible word joiner keeps names of nodes from being any. The
 * pattern for addresses starts at the first digit of a run only: a name of many digits would take quadratic time.
 */
export function inertText(text: string): string {
  return text
    .replace(
      /[@#$](?=[\p{L}\p{N}_])|:(?=\/\/)|\.(?=\p{L})|(?<![\p{L}\p{N}])\/(?=[\p{L}\p{N}_])/gu,
      '$&\u2060',
    )
    .replace(/(?<!\d)\d+(?:\.\d+){3,}/g, (address) => address.replaceAll('.', '.\u2060'));
}
