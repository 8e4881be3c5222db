import type { Notification, NotificationAlert } from '../../../core/model/notification.ts';
import { alertLine, detailText, headline, occasionText } from '../../../core/notify/text.ts';
import { cutText } from '../../../core/text/visible-line.ts';
import { escapeEntities, moreLines, runbookAddresses, STATUS_MARKS } from '../message-text.ts';

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
/** Each line of an alert is cut at its limit; together they fit into one text object. */
const SUMMARY_LIMIT = 1500;
const ALERT_DETAIL_LIMIT = 1000;
const DETAIL_LIMIT = 450;

export type Block = Readonly<Record<string, unknown>>;

export interface SlackText {
  /** For notifications and readers without blocks. */
  text: string;
  blocks: Block[];
}

/** Renders blocks whose names are plain text, where nothing is markup; whole alerts are left out: "and 12 more". */
export function render(notification: Notification): SlackText {
  const { alerts, status } = notification;
  const mark = `${STATUS_MARKS[status]} `;
  const occasion = occasionText(notification);
  const header = `${mark}${headline(notification, HEADER_LIMIT - mark.length)}`;
  const blocks: Block[] = [
    { type: 'header', text: plain(header, HEADER_LIMIT) },
    { type: 'context', elements: [plain(occasion, TEXT_OBJECT_LIMIT)] },
  ];
  const runbooks = runbookBlocks(notification);
  let used = header.length + occasion.length + JSON.stringify(runbooks).length;
  let included = 0;
  for (const alert of alerts.slice(0, MOST_ALERTS)) {
    const text = plain(alertText(alert, notification), SECTION_LIMIT);
    used += text.text.length;
    if (included > 0 && used > CHARACTERS_LIMIT) break;
    blocks.push({ type: 'section', text });
    included++;
  }
  for (const line of moreLines(notification, included)) {
    blocks.push({ type: 'context', elements: [plain(line, TEXT_OBJECT_LIMIT)] });
  }
  // An escaped letter takes five characters: the title is cut to what fits when all its letters are escaped.
  const title = headline(notification, Math.floor(TEXT_LIMIT / 5) - mark.length);
  return { text: `${mark}${escapeEntities(title)}`, blocks: [...blocks, ...runbooks] };
}

/** The picture stands last, below the alerts that it shows. */
export function imageBlock(source: { fileId: string } | { url: string }, alt: string): Block {
  const where = 'fileId' in source ? { slack_file: { id: source.fileId } } : { image_url: source.url };
  return { type: 'image', ...where, alt_text: cutText(alt, ALT_LIMIT) };
}

function alertText(alert: NotificationAlert, notification: Notification): string {
  const lines = [
    cutText(alertLine(alert), SUMMARY_LIMIT),
    cutText(detailText(alert, notification), ALERT_DETAIL_LIMIT),
  ];
  if (alert.detail !== undefined) lines.push(cutText(alert.detail, DETAIL_LIMIT));
  return lines.join('\n');
}

/** An element for each runbook; one whose markup would be too long for an element is named, not linked. */
function runbookBlocks(notification: Notification): Block[] {
  const elements = runbookAddresses(notification).map((address) => {
    const link = `<${escapeEntities(address)}|Runbook>`;
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
