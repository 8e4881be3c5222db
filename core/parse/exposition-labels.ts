export interface LabelList {
  labels: Readonly<Record<string, string>>;
  /** A quoted text without a value: the name of the metric, where that is no plain word. */
  name: string | undefined;
  /** Behind the closing brace. */
  end: number;
}

const MOST_LABELS = 64;
const LABEL_NAME = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const [QUOTE, COMMA, EQUALS, BACKSLASH, CLOSING] = [34, 44, 61, 92, 125];

export function skipBlanks(text: string, from: number, end: number): number {
  let at = from;
  while (at < end && (text.charCodeAt(at) === 32 || text.charCodeAt(at) === 9)) at++;
  return at;
}

/** Reads `a="b",…}` from behind the opening brace; undefined: it is not that, or not before `end`. */
export function readLabels(text: string, from: number, end: number): LabelList | undefined {
  const labels: [string, string][] = [];
  let name: string | undefined;
  let at = skipBlanks(text, from, end);
  while (text.charCodeAt(at) !== CLOSING) {
    if (at >= end || labels.length === MOST_LABELS) return undefined;
    const isQuoted = text.charCodeAt(at) === QUOTE;
    const key = isQuoted ? readQuoted(text, at, end) : readName(text, at, end);
    if (key === undefined) return undefined;
    at = skipBlanks(text, key.end, end);
    if (text.charCodeAt(at) === EQUALS) {
      const value = readQuoted(text, skipBlanks(text, at + 1, end), end);
      if (value === undefined) return undefined;
      labels.push([key.text, value.text]);
      at = skipBlanks(text, value.end, end);
    } else {
      if (!isQuoted || name !== undefined) return undefined;
      name = key.text;
    }
    if (text.charCodeAt(at) === COMMA) at = skipBlanks(text, at + 1, end);
    else if (text.charCodeAt(at) !== CLOSING) return undefined;
  }
  if (at >= end || new Set(labels.map(([key]) => key)).size < labels.length) return undefined;
  return { labels: Object.fromEntries(labels), name, end: at + 1 };
}

function readName(text: string, from: number, end: number): { text: string; end: number } | undefined {
  LABEL_NAME.lastIndex = from;
  if (!LABEL_NAME.test(text) || LABEL_NAME.lastIndex > end) return undefined;
  return { text: text.slice(from, LABEL_NAME.lastIndex), end: LABEL_NAME.lastIndex };
}

/** A text in quotation marks. Like Prometheus, leaves a backslash that escapes nothing as it is. */
function readQuoted(text: string, from: number, end: number): { text: string; end: number } | undefined {
  if (from >= end || text.charCodeAt(from) !== QUOTE) return undefined;
  let isEscaped = false;
  for (let at = from + 1; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) {
      isEscaped = true;
      at++;
    } else if (code === QUOTE) {
      const inner = text.slice(from + 1, at);
      return { text: isEscaped ? unescaped(inner) : inner, end: at + 1 };
    }
  }
  return undefined;
}

function unescaped(text: string): string {
  return text.replace(/\\([\\"n])/g, (_, character: string) => (character === 'n' ? '\n' : character));
}
