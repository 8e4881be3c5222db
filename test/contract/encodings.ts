/**
 * The ways in which services, proxies and libraries repeat a text in their answers, written without our own decoder.
 */
const HTML: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const MUSTACHE: Readonly<Record<string, string>> = {
  ...HTML,
  '/': '&#x2F;',
  '=': '&#x3D;',
  '`': '&#x60;',
};

const html = (text: string, table = HTML) => text.replace(/[&<>"'/=`]/g, (found) => table[found] ?? found);
const strict = (text: string) =>
  encodeURIComponent(text).replace(
    /[!'()*~]/g,
    (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  );
const ascii = (text: string) =>
  text.replace(/[^\x20-\x7e]/g, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
const json = (text: string) => JSON.stringify(text).slice(1, -1);
const php = (text: string) => ascii(json(text).replaceAll('/', '\\/'));

export const ENCODINGS: Readonly<Record<string, (text: string) => string>> = {
  'as it is': (text) => text,
  'as a browser encodes a path': (text) => encodeURI(text),
  'as JavaScript encodes a value': (text) => encodeURIComponent(text),
  'as RFC 3986 asks': strict,
  'in small hexadecimal digits': (text) => strict(text).replace(/%../g, (code) => code.toLowerCase()),
  'as a form': (text) => new URLSearchParams({ v: text }).toString().slice(2),
  'percent-encoded twice': (text) => strict(strict(text)),
  'as HTML (escape-html, as Express does)': (text) => html(encodeURI(text)),
  'as HTML of the text': (text) => html(text),
  'as HTML (Mustache)': (text) => html(text, MUSTACHE),
  'as HTML (PHP)': (text) => html(text).replaceAll('&#39;', '&#039;'),
  'as HTML twice': (text) => html(html(text)),
  'as JSON': json,
  'as JSON in JSON': (text) => json(json(text)),
  'as JSON of PHP': php,
  'as JSON of PHP in JSON': (text) => json(php(text)),
  'as JSON of Go': (text) =>
    json(text).replace(/[<>&]/g, (found) => `\\u00${found.charCodeAt(0).toString(16)}`),
  'with the slashes of PHP': (text) => text.replace(/[\\'"]/g, '\\$&'),
  'as a host name': (text) => text.toLowerCase(),
  'in base64': (text) => Buffer.from(`x:${text}`).toString('base64'),
};

/** The parts of an address with which somebody could send: its path and query, and each long segment of them. */
export function fragmentsOf(secret: string): string[] {
  const behind = secret.replace(/^[a-z]+:\/\/[^/]*/, '');
  const [path = '', query = ''] = behind.split('?');
  const segments = behind.split(/[/?&=:]/).filter((fragment) => /\d|[A-Z]/.test(fragment));
  return [...new Set([secret, behind, path, query, ...segments])].filter((fragment) => fragment.length >= 6);
}
