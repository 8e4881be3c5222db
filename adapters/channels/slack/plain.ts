import type { Notification } from '../../../core/model/notification.ts';
import { escapeEntities, plainWithin } from '../message-text.ts';

/** https://docs.slack.dev/changelog/2018-truncating-really-long-messages: up to here a message is never cut. */
const TEXT_LIMIT = 4000;

/** The message without blocks. Nothing in it is markup, a link or a mention. */
export function plainMessage(notification: Notification): Record<string, unknown> {
  const text = plainWithin(notification, TEXT_LIMIT, escapeEntities);
  return { text, mrkdwn: false, parse: 'none', link_names: false, unfurl_links: false };
}
