/** A fenced block of a Markdown document; `line` is that of its first line of text, 1-based. */
export interface Block {
  language: string;
  text: string;
  line: number;
  heading: string;
}

export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let heading = '';
  let open: Block | undefined;
  for (const [i, text] of markdown.split('\n').entries()) {
    const fence = /^```(\w*)$/.exec(text);
    if (fence && !open) open = { language: fence[1] ?? '', text: '', line: i + 2, heading };
    else if (fence && open) {
      blocks.push(open);
      open = undefined;
    } else if (open) open.text += `${text}\n`;
    else heading = /^#+ (.*)$/.exec(text)?.[1] ?? heading;
  }
  return blocks;
}
