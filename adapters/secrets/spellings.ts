/** How many backslashes in front of a character are taken for those of an encoding: JSON in JSON in JSON has seven. */
const BACKSLASHES = '\\\\{0,8}';
/** Names of HTML 5 for characters of ASCII, https://html.spec.whatwg.org/multipage/named-characters.html */
const NAMED: Readonly<Record<string, string>> = {
  '&': 'amp',
  '<': 'lt',
  '>': 'gt',
  '"': 'quot',
  "'": 'apos',
  '\t': 'tab',
  '\n': 'newline',
  '!': 'excl',
  '#': 'num',
  $: 'dollar',
  '%': 'percnt',
  '(': 'lpar',
  ')': 'rpar',
  '*': '(?:ast|midast)',
  '+': 'plus',
  ',': 'comma',
  '-': '(?:hyphen|dash)',
  '.': 'period',
  '/': 'sol',
  ':': 'colon',
  ';': 'semi',
  '=': 'equals',
  '?': 'quest',
  '@': 'commat',
  '[': '(?:lsqb|lbrack)',
  ']': '(?:rsqb|rbrack)',
  '^': 'hat',
  _: '(?:lowbar|underbar)',
  '`': '(?:grave|diacriticalgrave)',
  '{': '(?:lcub|lbrace)',
  '|': '(?:verbar|vert|verticalline)',
  '}': '(?:rcub|rbrace)',
};
const LETTER_ESCAPES: Readonly<Record<string, string>> = { '\n': 'n', '\r': 'r', '\t': 't' };

/**
 * Source of a regular expression (flag `i`) for a value however a text may spell it: plain, percent-encoded (strictly, as
 * a browser does, twice), as HTML, JSON, PHP and JavaScript escape it, each character in its own way. Without regard to
 * case, as host names and hexadecimal digits have none.
 */
export function spellingsOf(value: string): string {
  const parts = value.toWellFormed().match(/\\+|./gsu) ?? [];
  return parts
    .map((part) => (part.startsWith('\\') ? spellingsOfRun(part.length) : spellingsOfCharacter(part)))
    .join('');
}

/**
 * The runs of a value that no encoding alters, in lower case, longest first: what does not hold them all need not be
 * searched for the value.
 */
export function anchorsOf(value: string): string[] {
  // Matched before the case is lost: the sign of Kelvin would become a letter.
  const runs = new Set((value.match(/[A-Za-z0-9]+/g) ?? []).map((run) => run.toLowerCase()));
  return [...runs].sort((a, b) => b.length - a.length);
}

/** Backslashes together: were each to take those of an encoding for itself, texts full of them would take minutes. */
function spellingsOfRun(length: number): string {
  return `(?:%(?:25)*5c|&(?:amp;)*(?:#0*92|#x0*5c|bsol);|\\\\{1,8}(?:u005c|x5c)|\\\\){${length},${8 * length}}`;
}

function spellingsOfCharacter(character: string): string {
  if (/[A-Za-z0-9]/.test(character)) return character;
  const plain = character.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  const code = character.codePointAt(0) ?? 0;
  const bytes = [...Buffer.from(character)].map((byte) => `%(?:25)*${hex(byte, 2)}`).join('');
  const units = [...Array(character.length).keys()].map((i) => `u${hex(character.charCodeAt(i), 4)}`);
  const spellings = [
    bytes,
    `&(?:amp;)*#(?:0*${code}|x0*${code.toString(16)});`,
    ...(NAMED[character] ? [`&(?:amp;)*${NAMED[character]};`] : []),
    units.map((unit) => `\\\\{1,8}${unit}`).join(''),
    ...(code < 256 ? [`\\\\{1,8}x${hex(code, 2)}`] : []),
    ...(LETTER_ESCAPES[character] ? [`\\\\{1,8}${LETTER_ESCAPES[character]}`] : []),
    ...(character === ' ' ? ['\\+'] : []),
    `${BACKSLASHES}${plain}`,
  ];
  return `(?:${spellings.join('|')})`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}
