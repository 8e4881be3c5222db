/** How many backslashes before a character may belong to an encoding: JSON in JSON in JSON has seven. */
const BACKSLASHES = '\\\\{0,8}';
/** HTML 5 names of ASCII characters: https://html.spec.whatwg.org/multipage/named-characters.html */
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
 * Source of a regular expression (flag `i`) that matches a value in any spelling: plain, percent-encoded (strictly, as a
 * browser does, twice), or escaped for HTML, JSON, PHP or JavaScript, independently for each character. It ignores case,
 * since host names and hexadecimal digits do.
 */
export function spellingsOf(value: string): string {
  const tokens = value.toWellFormed().match(/\\+|./gsu) ?? [];
  return tokens
    .map((token) => (token.startsWith('\\') ? spellingsOfRun(token.length) : spellingsOfCharacter(token)))
    .join('');
}

/**
 * The runs of a value that no encoding changes, in lower case, longest first. A text that lacks one of them cannot contain
 * the value.
 */
export function anchorsOf(value: string): string[] {
  // Matches before lowering the case, which would turn the Kelvin sign into a letter.
  const runs = new Set((value.match(/[A-Za-z0-9]+/g) ?? []).map((run) => run.toLowerCase()));
  return [...runs].sort((a, b) => b.length - a.length);
}

/** One expression for all backslashes of a run: one for each would backtrack for minutes on texts full of them. */
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
