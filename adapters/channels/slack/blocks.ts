import { markupSafeAddress } from '../../../core/message/address.ts';
import { alertLine, headline, occasionText, runbooksOf, standingText } from '../../../core/message/text.ts';
import { cutText } from '../../../core/message/visible-line.ts';
import type { Notification, NotificationAlert } from '../../../core/notify/model.ts';

/** https://docs.slack.dev/reference/block-kit/blocks/header-block */
export const HEADER_LIMIT = 150;
/** https://docs.slack.dev/reference/block-kit/blocks/section-block */
export const SECTION_LIMIT = 3000;
/** https://docs.slack.dev/reference/block-kit/composition-objects/text-object: of a context's elements too. */
export const TEXT_OBJECT_LIMIT = 3000;
/** https://docs.slack.dev/reference/block-kit/blocks/image-block. Its address may have 3,000, `server.publicUrl` has 2,000. */
export const ALT_LIMIT = 2000;
/** https://docs.slack.dev/reference/methods/chat.postMessage: 50 blocks; bolt-js #2509: about 13,200 characters in all. */
export const BLOCKS_LIMIT = 50;
export const CHARACTERS_LIMIT = 12_000;
/** https://docs.slack.dev/reference/methods/chat.postMessage: "limit the text field to 4,000 characters". */
export const TEXT_LIMIT = 4000;
const MOST_ALERTS = 20;
/** Each part of an alert is cut at its limit; together they fit into one text object. */
const SUMMARY_LIMIT = 1500;
const STANDING_LIMIT = 1000;
const DETAIL_LIMIT = 450;

export type Block = Readonly<Record<string, unknown>>;

export interface SlackText {
  /** For notifications and readers without blocks. */
  text: string;
  blocks: Block[];
}

/**
 * Names stand in plain text, where nothing is markup. Too much is shortened by whole alerts: "and 12 more".
 */
export function render(notification: Notification): SlackText {
  const { alerts, status } = notification;
  const mark = status === 'firing' ? '🔴 ' : '🟢 ';
  const occasion = occasionText(notification);
  const header = `${mark}${headline(notification, HEADER_LIMIT - mark.length)}`;
  const blocks: Block[] = [
    { type: 'header', text: plain(header, HEADER_LIMIT) },
    { type: 'context', elements: [plain(occasion, TEXT_OBJECT_LIMIT)] },
  ];
  const links = linksBlock(notification);
  let used = header.length + occasion.length + JSON.stringify(links).length;
  let shown = 0;
  for (const alert of alerts.slice(0, MOST_ALERTS)) {
    const text = plain(alertText(alert, notification), SECTION_LIMIT);
    used += text.text.length;
    if (shown > 0 && used > CHARACTERS_LIMIT) break;
    blocks.push({ type: 'section', text });
    shown++;
  }
  if (shown < alerts.length) {
    const more = plain(`and ${alerts.length - shown} more`, TEXT_OBJECT_LIMIT);
    blocks.push({ type: 'context', elements: [more] });
  }
  // An escaped letter takes five: of the title no more than fits when all of them do.
  const title = headline(notification, Math.floor(TEXT_LIMIT / 5) - mark.length);
  return { text: `${mark}${escapeText(title)}`, blocks: [...blocks, ...links] };
}

/** The picture goes last, under what it shows. */
export function imageBlock(source: { fileId: string } | { url: string }, alt: string): Block {
  const where = 'fileId' in source ? { slack_file: { id: source.fileId } } : { image_url: source.url };
  return { type: 'image', ...where, alt_text: cutText(alt, ALT_LIMIT) };
}

function alertText(alert: NotificationAlert, notification: Notification): string {
  const lines = [
    cutText(alertLine(alert), SUMMARY_LIMIT),
    cutText(standingText(alert, notification), STANDING_LIMIT),
  ];
  if (alert.detail !== undefined) lines.push(cutText(alert.detail, DETAIL_LIMIT));
  return lines.join('\n');
}

/** An element for each runbook; one whose markup would be too long for an element is named, not linked. */
function linksBlock(notification: Notification): Block[] {
  const elements = runbooksOf(notification).map((address) => {
    const link = `<${escapeText(markupSafeAddress(address))}|Runbook>`;
    return link.length <= TEXT_OBJECT_LIMIT
      ? { type: 'mrkdwn', text: link }
      : plain(`Runbook: ${new URL(address).host} (its address is too long for Slack)`, TEXT_OBJECT_LIMIT);
  });
  return elements.length > 0 ? [{ type: 'context', elements }] : [];
}

/** `emoji: false`: a `:name:` in a label stays what it is. */
function plain(text: string, limit: number): { type: 'plain_text'; text: string; emoji: false } {
  return { type: 'plain_text', text: cutText(text, limit), emoji: false };
}

/** https://docs.slack.dev/messaging/formatting-message-text#escaping */
export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
