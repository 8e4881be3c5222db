import { placeText } from '../../../core/message/summary.ts';
import { headline, historyText } from '../../../core/message/text.ts';
import type { Notification, NotificationAlert } from '../../../core/notify/model.ts';

/** https://docs.slack.dev/reference/block-kit/blocks/header-block */
export const HEADER_LIMIT = 150;
/** https://docs.slack.dev/reference/block-kit/blocks/section-block */
export const SECTION_LIMIT = 3000;
/** https://docs.slack.dev/reference/block-kit/blocks/image-block */
export const ALT_LIMIT = 2000;
/** https://docs.slack.dev/reference/methods/chat.postMessage: 50 blocks; bolt-js #2509: about 13,200 characters in all. */
export const BLOCKS_LIMIT = 50;
export const CHARACTERS_LIMIT = 12_000;
const MOST_ALERTS = 20;

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
  const mark = status === 'firing' ? '🔴' : '🟢';
  const title = headline(notification);
  const blocks: Block[] = [{ type: 'header', text: plain(`${mark} ${title}`, HEADER_LIMIT) }];
  let used = title.length;
  let shown = 0;
  for (const alert of alerts.slice(0, MOST_ALERTS)) {
    const text = plain(alertText(alert, notification), SECTION_LIMIT);
    used += text.text.length;
    if (shown > 0 && used > CHARACTERS_LIMIT) break;
    blocks.push({ type: 'section', text });
    shown++;
  }
  if (shown < alerts.length) {
    blocks.push({ type: 'context', elements: [plain(`and ${alerts.length - shown} more`, SECTION_LIMIT)] });
  }
  const runbooks = [...new Set(alerts.flatMap((alert) => alert.runbook ?? []))].slice(0, 3);
  if (runbooks.length > 0) {
    const links = runbooks.map((address) => `<${escapeText(address)}|Runbook>`).join('  ');
    blocks.push({ type: 'context', elements: [{ type: 'mrkdwn', text: links }] });
  }
  return { text: `${mark} ${escapeText(title)}`, blocks };
}

/** The picture goes last, under what it shows. */
export function imageBlock(source: { fileId: string } | { url: string }, alt: string): Block {
  const where = 'fileId' in source ? { slack_file: { id: source.fileId } } : { image_url: source.url };
  return { type: 'image', ...where, alt_text: cut(alt, ALT_LIMIT) };
}

function alertText(alert: NotificationAlert, notification: Notification): string {
  const mark = alert.status === 'firing' ? '✖' : '✔';
  const lines = [
    `${mark} ${alert.summary}`,
    `${placeText(alert.labels)} · ${historyText(alert, notification)}`,
  ];
  if (alert.detail !== undefined) lines.push(alert.detail);
  return lines.join('\n');
}

/** `emoji: false`: a `:name:` in a label stays what it is. */
function plain(text: string, limit: number): { type: 'plain_text'; text: string; emoji: false } {
  return { type: 'plain_text', text: cut(text, limit), emoji: false };
}

function cut(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** https://docs.slack.dev/messaging/formatting-message-text#escaping */
export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
