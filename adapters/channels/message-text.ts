// What the messages of several channels have in common, whatever markup their services read.
import type { Notification } from '../../core/model/notification.ts';
import { markupSafeAddress } from '../../core/notify/address.ts';
import { greatestThatFits, headline, plainText, runbooksOf, SHORTEST_LINE } from '../../core/notify/text.ts';

/** In front of the headline. */
export const STATUS_MARKS = { firing: '🔴', resolved: '🟢' } as const;
/** For services that colour a message: the colours of the dark chart. */
export const STATUS_COLORS = { firing: '#ff6b6b', resolved: '#4fd18b' } as const;

/** The line for the alerts that a message leaves out; none when it shows them all. */
export function moreLines({ alerts }: Pick<Notification, 'alerts'>, included: number): string[] {
  return alerts.length > included ? [`and ${alerts.length - included} more`] : [];
}

/** Addresses of runbooks, safe between the delimiters of any markup. */
export function runbookAddresses(notification: Pick<Notification, 'alerts'>): string[] {
  return runbooksOf(notification).map(markupSafeAddress);
}

/** How many alerts a message may show at most when `limit` characters are all it has. */
export function possibleAlerts({ alerts }: Pick<Notification, 'alerts'>, limit: number): number {
  return Math.min(alerts.length, Math.floor(limit / SHORTEST_LINE));
}

/** Composes the message with as many alerts as fit into `limit` characters: whole alerts are left out, no text is cut. */
export function composeWithin(
  notification: Notification,
  limit: number,
  compose: (included: number) => string,
): string {
  const fits = (included: number) => compose(included).length <= limit;
  const possible = possibleAlerts(notification, limit);
  return compose(fits(possible) ? possible : greatestThatFits(possible - 1, fits));
}

/** The message as plain text within a limit, by leaving out whole alerts; `spell` writes it as the service reads it. */
export function plainWithin(
  notification: Notification,
  limit: number,
  spell: (text: string) => string = (text) => text,
): string {
  for (let most = Math.min(10, notification.alerts.length); most > 0; most--) {
    const text = spell(plainText(notification, most));
    if (text.length <= limit) return text;
  }
  return spell(headline(notification).slice(0, Math.floor(limit / 4)));
}

/** A backslash before all punctuation that may be markup: CommonMark 2.4 lets it stand before any in ASCII. */
export function escapeMarkdown(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]()#+\-.!|~<>&:]/g, '\\$&');
}

/** The three characters that Slack's mrkdwn and Telegram's HTML take for markup, as entities. */
export function escapeEntities(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
