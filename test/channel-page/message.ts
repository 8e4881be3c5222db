// How people see a message in a chat service. The fixture of a channel reads it from the preview, which is the message
// that would be sent.

export interface Span {
  text: string;
  bold?: boolean;
  link?: boolean;
}

/** One line or picture of a message, from top to bottom. */
export type MessageLine =
  | { kind: 'text'; spans: readonly Span[]; size: number; dim?: boolean; indent?: number }
  | { kind: 'chart' };

/** The heights of letters. */
export const TEXT_SIZE = 15;
export const HEADER_SIZE = 18;
export const SMALL_SIZE = 13;

/** The colours of a service. */
export interface MessageStyle {
  background: string;
  /** The colour of a bubble around the message; without it the name of the sender is above the message. */
  bubble?: string;
  text: string;
  dim: string;
  link: string;
}

export const BRIGHT: MessageStyle = {
  background: '#ffffff',
  text: '#1d1c1d',
  dim: '#616061',
  link: '#1264a3',
};

/** Lines of Markdown as Mattermost shows them; two spaces indent a line. */
export function markdownLines(markdown: string): MessageLine[] {
  return markdown.split('\n').map((line): MessageLine => {
    const indent = line.startsWith('  ') ? 14 : 0;
    return { kind: 'text', size: TEXT_SIZE, indent, spans: markdownSpans(line.trimStart()) };
  });
}

/** The Markdown that we write: `**bold**`, `[text](<address>)`, and backslashes before literal characters. */
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
