// How a chat service shows what it was given: read from the preview of a channel, which is what it would send.

export interface Span {
  text: string;
  bold?: boolean;
  link?: boolean;
}

/** One line or picture of a message, from top to bottom. */
export type Part =
  | { kind: 'text'; spans: readonly Span[]; size: number; dim?: boolean; indent?: number }
  | { kind: 'chart' };

const TEXT = 15;
const HEADER = 18;
const SMALL = 13;

/** Readers by channel type. What has none is read by programs, and shown as it is. */
export const READERS: Readonly<Record<string, (preview: string) => Part[]>> = {
  telegram: readTelegram,
  slack: readSlack,
  'slack-webhook': readSlack,
  mattermost: readMattermost,
  'mattermost-webhook': (preview) => {
    const body = JSON.parse(preview) as { text: string; attachments?: { image_url?: string }[] };
    const chart: Part[] = body.attachments?.some(({ image_url }) => image_url) ? [{ kind: 'chart' }] : [];
    return [...markdownLines(body.text), ...chart];
  },
};

/** The photo, and its caption under it. */
function readTelegram(preview: string): Part[] {
  const [first = '', ...rest] = preview.split('\n');
  const html = first.startsWith('photo (') ? rest : [first, ...rest];
  const lines = html.map((line): Part => ({ kind: 'text', size: TEXT, spans: htmlSpans(line) }));
  return first.startsWith('photo (') ? [{ kind: 'chart' }, ...lines] : lines;
}

/** The tags that we write, as https://core.telegram.org/bots/api#html-style reads them. */
function htmlSpans(line: string): Span[] {
  const spans: Span[] = [];
  const open = new Set<string>();
  for (const token of line.match(/<[^>]+>|[^<]+/g) ?? []) {
    const tag = /^<(\/?)(b|i|a)\b[^>]*>$/.exec(token);
    if (tag?.[2] !== undefined) {
      if (tag[1]) open.delete(tag[2]);
      else open.add(tag[2]);
    } else if (token.startsWith('<')) throw new Error(`no tag that Telegram knows: ${token}`);
    else {
      const seen = token.replaceAll('\u2060', '');
      const text = seen.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"');
      const style = { bold: open.has('b'), link: open.has('a') };
      spans.push({ text: text.replaceAll('&amp;', '&'), ...style });
    }
  }
  if (open.size > 0) throw new Error(`a tag is not closed: ${line}`);
  return spans;
}

interface SlackBlock {
  type: string;
  text?: { type: string; text: string };
  elements?: { type: string; text: string }[];
}

function readSlack(preview: string): Part[] {
  const { blocks } = JSON.parse(preview) as { blocks: SlackBlock[] };
  return blocks.flatMap((block): Part[] => {
    switch (block.type) {
      case 'header':
        return [{ kind: 'text', size: HEADER, spans: [{ text: block.text?.text ?? '', bold: true }] }];
      case 'section':
        return (block.text?.text ?? '')
          .split('\n')
          .map((text) => ({ kind: 'text', size: TEXT, spans: [{ text }] }));
      case 'context':
        return [
          { kind: 'text', size: SMALL, dim: true, spans: (block.elements ?? []).flatMap(elementSpans) },
        ];
      case 'image':
        return [{ kind: 'chart' }];
      default:
        throw new Error(`no reader for a Slack block of type ${block.type}`);
    }
  });
}

/** `<address|words>` is a link in mrkdwn. */
function elementSpans({ type, text }: { type: string; text: string }): Span[] {
  if (type === 'plain_text') return [{ text }];
  return (text.match(/<[^>]+>|[^<]+/g) ?? []).map((part) => {
    const link = /^<[^|>]+\|([^>]+)>$/.exec(part);
    return link?.[1] === undefined ? { text: part } : { text: link[1], link: true };
  });
}

/** The post, and its file under it. */
function readMattermost(preview: string): Part[] {
  const [first = '', ...lines] = preview.split('\n');
  const chart: Part[] = first.startsWith('post with a file') ? [{ kind: 'chart' }] : [];
  return [...markdownLines(lines.join('\n')), ...chart];
}

function markdownLines(markdown: string): Part[] {
  return markdown.split('\n').map((line): Part => {
    const indent = line.startsWith('  ') ? 14 : 0;
    return { kind: 'text', size: TEXT, indent, spans: markdownSpans(line.trimStart()) };
  });
}

/** The Markdown that we write: `**bold**`, `[words](<address>)`, and backslashes before what is literal. */
function markdownSpans(line: string): Span[] {
  const spans: Span[] = [];
  let bold = false;
  for (const token of line.match(/\\.|\*\*|\[(?:\\.|[^\]])*\]\([^)]*\)|[^\\*[]+|./g) ?? []) {
    const link = /^\[(.*)\]\(/.exec(token);
    if (token === '**') bold = !bold;
    else if (link?.[1] !== undefined) spans.push({ text: link[1], link: true });
    else spans.push({ text: token.replace(/^\\(.)$/, '$1').replaceAll('\u200b', ''), bold });
  }
  if (bold) throw new Error(`bold is not closed: ${line}`);
  return spans;
}
