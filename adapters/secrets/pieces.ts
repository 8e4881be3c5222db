/** Shorter values are left alone: replacing them would garble texts that have nothing to do with them. */
export const MIN_LENGTH = 6;
/** A name of a host of that length with letters and digits in it is a token: `eo3b7f2c9d.m.pipedream.net`. */
const MIN_HOST_TOKEN = 10;
/** Words in addresses of chat services, the same for all customers; masked, they would garble our own sentences. */
const VENDOR_WORDS = new Set([
  ...['services', 'service', 'webhook', 'webhooks', 'webhookb2', 'workflows', 'triggers', 'trigger'],
  ...['incoming', 'incomingwebhook', 'integrations', 'message', 'messages', 'notify', 'manual', 'invoke'],
  ...['alerts', 'alerting', 'bartizan', 'channels', 'localhost'],
]);
const SEPARATORS = /[/?&=#:@,;|\\]+/;

/**
 * What a secret is made of, each a secret by itself: the whole; of an address its path and query, together and apart,
 * their segments, login, and a token in the host's name; of a key its lines. As written, and without percent-encoding.
 */
export function piecesOf(value: string): string[] {
  const text = value.trim();
  const parts = isAddress(text) ? addressParts(text) : /\s/.test(text) ? [] : segmentsOf(text);
  const pieces = [value, text, ...linesOf(value), ...parts];
  const decoded = pieces.flatMap((piece) => (/[%+]/.test(piece) ? [decode(piece), decodeForm(piece)] : []));
  return [...new Set([...pieces, ...decoded])].filter((piece) => piece.length >= MIN_LENGTH);
}

function isAddress(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) && URL.canParse(text);
}

/** The host stays readable: messages of errors name it. */
function addressParts(text: string): string[] {
  const { href, hostname, pathname, search, hash, username, password } = new URL(text);
  const written = text.replace(/^[^/]+:\/\/[^/?#]*/, '');
  const behind = [written, `${pathname}${search}${hash}`, `${pathname}${search}`, pathname, search, hash];
  const bare = behind.map((part) => part.replace(/^[/?#]+|\/$/g, ''));
  // Frameworks show a value alone, separators within it and all.
  const query = search.slice(1).split(/[&;]/);
  const values = query.map((pair) => pair.slice(pair.indexOf('=') + 1));
  const login = username === '' ? [] : [`${username}:${password}`, username, password];
  const hostTokens = hostname
    .split('.')
    .filter((label) => label.length >= MIN_HOST_TOKEN && /\d/.test(label) && /[a-z]/i.test(label));
  const named = [...bare, ...behind.flatMap(segmentsOf)].filter(
    (part) => !VENDOR_WORDS.has(part.toLowerCase()),
  );
  return [
    href,
    ...behind.filter((part) => !VENDOR_WORDS.has(part.replaceAll('/', '').toLowerCase())),
    ...named,
    ...values.filter((part) => !VENDOR_WORDS.has(part.toLowerCase())),
    ...login,
    ...hostTokens,
  ];
}

function segmentsOf(text: string): string[] {
  return text.split(SEPARATORS).filter((segment) => !VENDOR_WORDS.has(segment.toLowerCase()));
}

/** Of a key, parsers quote single lines. Its frame is no secret. */
function linesOf(value: string): string[] {
  const lines = value.split(/\r?\n/).map((line) => line.trim());
  return lines.length < 2 ? [] : lines.filter((line) => !line.startsWith('-----'));
}

/** Forms and queries write a blank as a plus. */
function decodeForm(text: string): string {
  return decode(text.replaceAll('+', ' '));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
