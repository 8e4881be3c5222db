// Reads the plain part of YAML that generated fleets are written in, some ten times as fast as the library: one line a key, an
// element or a mapping in braces, and texts that need no thought. Whatever else there is, it leaves to the library.

interface Line {
  indent: number;
  text: string;
}

class NotPlainError extends Error {}

const KEY = /^([A-Za-z_][\w-]*):(?: +(.*))?$/;
/** What YAML's core schema takes for no text. */
const NO_TEXT = /^(null|true|false|~)$/i;
const PLAIN_VALUES = /^(\.{0,2}\/|[A-Za-z_~])[\w./:@%+=~()-]*( [\w./@%+=~()][\w./:@%+=~()-]*)*$/;
const NUMBER = /^-?(0|[1-9]\d{0,14})(\.\d+)?$/;
/** Addresses, durations, sizes and times: they begin with a digit and are texts. */
const FIGURES =
  /^(\d+(\.\d+){3}|(\d+(ms|s|m|h|d))+|\d+(B|[KMGT]iB)|\d{4}-\d\d-\d\dT[\d:]+(Z|[+-]\d\d:\d\d))$/;
const QUOTED = /^("[^"\\]*"|'[^']*')$/;
const REFERENCE = /^\$\{[A-Za-z]+:[\w./~-]+\}$/;
/** A token within braces: a bracket, a comma, a key with its colon, or a scalar. */
const TOKEN = /\s*(?:([[\]{},])|([A-Za-z_][\w-]*): |("[^"\\]*"|'[^']*'|[^\s[\]{},"'#][^[\]{},"'#]*))/y;

/** So that recursion ends: no fleet is deeper. */
const DEEPEST_INDENT = 40;
const MOST_BRACKETS = 100;

/** The data of a text, as the library reads it; undefined for a text that is not plain. */
export function readPlainYaml(text: string): unknown {
  // JavaScript trims more than YAML does, and YAML allows no control character.
  if (/[^\S \n]|[^\P{Cc}\n]/u.test(text)) return undefined;
  const lines: Line[] = [];
  for (const line of text.split('\n')) {
    const content = line.trimStart();
    if (content !== '' && !content.startsWith('#'))
      lines.push({ indent: line.length - content.length, text: content });
  }
  if (lines[0]?.indent !== 0) return undefined;
  try {
    const read = createReader(lines);
    const data = read.block(0);
    return read.isAtEnd() ? data : undefined;
  } catch (error) {
    if (error instanceof NotPlainError) return undefined;
    throw error;
  }
}

function createReader(lines: Line[]) {
  let at = 0;

  function block(indent: number): unknown {
    if (indent > DEEPEST_INDENT) throw new NotPlainError();
    return lines[at]?.text.startsWith('- ') ? list(indent) : mapping(indent);
  }

  function list(indent: number): unknown[] {
    const items: unknown[] = [];
    for (let line = lines[at]; line?.indent === indent && line.text.startsWith('- '); line = lines[at]) {
      const text = line.text.slice(2);
      if (KEY.test(text)) {
        lines[at] = { indent: indent + 2, text };
        items.push(mapping(indent + 2));
      } else {
        items.push(value(text));
        at++;
      }
    }
    return items;
  }

  function mapping(indent: number): Record<string, unknown> {
    const fields: Record<string, unknown> = {};
    for (let line = lines[at]; line?.indent === indent; line = lines[at]) {
      const [, key = '', text = ''] = KEY.exec(line.text) ?? [];
      at++;
      put(fields, key, text.trimEnd() === '' ? below(indent) : value(text));
    }
    if (Object.keys(fields).length === 0 || (lines[at]?.indent ?? 0) > indent) throw new NotPlainError();
    return fields;
  }

  /** The lines under a key: a list may stand as far to the left as the key. */
  function below(indent: number): unknown {
    const next = lines[at];
    if (!next || next.indent < indent) throw new NotPlainError();
    if (next.indent > indent) return block(next.indent);
    if (!next.text.startsWith('- ')) throw new NotPlainError();
    return list(indent);
  }

  return { block, isAtEnd: () => at === lines.length };
}

function put(fields: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '' || NO_TEXT.test(key) || key in fields) throw new NotPlainError();
  fields[key] = value;
}

function value(text: string): unknown {
  const plain = text.trimEnd();
  if (plain.startsWith('{') || plain.startsWith('[')) return flow(plain);
  return REFERENCE.test(plain) ? plain : scalar(plain);
}

function scalar(text: string): unknown {
  if (QUOTED.test(text)) return text.slice(1, -1);
  if (NUMBER.test(text)) return Number(text);
  const isText =
    FIGURES.test(text) || (PLAIN_VALUES.test(text) && !NO_TEXT.test(text) && !/:( |$)/.test(text));
  if (!isText) throw new NotPlainError();
  return text;
}

/** A mapping or list in braces, on one line. */
function flow(text: string): unknown {
  const tokens = new RegExp(TOKEN);
  if ((text.match(/[[{]/g) ?? []).length > MOST_BRACKETS) throw new NotPlainError();
  const next = (): string[] => {
    const match = tokens.exec(text);
    if (!match) throw new NotPlainError();
    return [match[1] ?? '', match[2] ?? '', match[3] ?? ''];
  };
  const one = ([mark = '', key = '', plain = '']: string[]): unknown => {
    if (mark === '{') return fields();
    if (mark === '[') return items();
    if (mark !== '' || key !== '') throw new NotPlainError();
    return scalar(plain.trimEnd());
  };
  const fields = (): unknown => {
    const found: Record<string, unknown> = {};
    for (let [mark, key = ''] = next(); mark !== '}'; [mark, key = ''] = next()) {
      put(found, key, one(next()));
      const [end] = next();
      if (end === '}') break;
      if (end !== ',') throw new NotPlainError();
    }
    return found;
  };
  const items = (): unknown => {
    const found: unknown[] = [];
    for (let token = next(); token[0] !== ']'; token = next()) {
      found.push(one(token));
      const [end] = next();
      if (end === ']') break;
      if (end !== ',') throw new NotPlainError();
    }
    return found;
  };
  const data = one(next());
  if (tokens.lastIndex !== text.length) throw new NotPlainError();
  return data;
}
