/** Shorter values are not masked: they would match in unrelated texts. */
export const MIN_LENGTH = 6;
/** A host label of this length with letters and digits is a token: `eo3b7f2c9d.m.pipedream.net`. */
const MIN_HOST_TOKEN = 10;
/** Words in addresses of chat services, equal for all customers. Masking them would garble our own sentences. */
const VENDOR_TERMS = new Set([
  ...['services', 'service', 'webhook', 'webhooks', 'webhookb2', 'workflows', 'triggers', 'trigger'],
  ...['incoming', 'incomingwebhook', 'integrations', 'message', 'messages', 'notify', 'manual', 'invoke'],
  ...['alerts', 'alerting', 'bartizan', 'channels', 'localhost'],
]);
const SEPARATORS = /[/?&=#:@,;|\\]+/;

/**
 * Splits a secret into pieces that are secrets by themselves: the whole; for an address its path and query, together and
 * apart, their segments, the login, and tokens in the host name; for a key its lines. Each as written, and decoded from
 * percent-encoding.
 */
export function piecesOf(value: string): string[] {
  const text = value.trim();
  const inner = isAddress(text) ? addressPieces(text) : /\s/.test(text) ? [] : segmentsOf(text);
  const pieces = [value, text, ...linesOf(value), ...inner];
  const decoded = pieces.flatMap((piece) => (/[%+]/.test(piece) ? [decode(piece), decodeForm(piece)] : []));
  return [...new Set([...pieces, ...decoded])].filter((piece) => piece.length >= MIN_LENGTH);
}

function isAddress(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) && URL.canParse(text);
}

/** Leaves the host readable, since error messages name it. */
function addressPieces(text: string): string[] {
  const { href, hostname, pathname, search, hash, username, password } = new URL(text);
  const written = text.replace(/^[^/]+:\/\/[^/?#]*/, '');
  const behind = [written, `${pathname}${search}${hash}`, `${pathname}${search}`, pathname, search, hash];
  const bare = behind.map((piece) => piece.replace(/^[/?#]+|\/$/g, ''));
  // Frameworks print a value of the query alone, with the separators in it.
  const query = search.slice(1).split(/[&;]/);
  const values = query.map((pair) => pair.slice(pair.indexOf('=') + 1));
  const login = [`${username}:${password}`, username, password];
  const hostTokens = hostname
    .split('.')
    .filter((label) => label.length >= MIN_HOST_TOKEN && /\d/.test(label) && /[a-z]/i.test(label));
  const named = [...bare, ...behind.flatMap(segmentsOf)].filter(
    (piece) => !VENDOR_TERMS.has(piece.toLowerCase()),
  );
  return [
    href,
    ...behind.filter((piece) => !VENDOR_TERMS.has(piece.replaceAll('/', '').toLowerCase())),
    ...named,
    ...values.filter((piece) => !VENDOR_TERMS.has(piece.toLowerCase())),
    ...login,
    ...hostTokens,
  ];
}

function segmentsOf(text: string): string[] {
  return text.split(SEPARATORS).filter((segment) => !VENDOR_TERMS.has(segment.toLowerCase()));
}

/** Parsers quote single lines of a key. The BEGIN and END lines are no secret. */
function linesOf(value: string): string[] {
  const lines = value.split(/\r?\n/).map((line) => line.trim());
  return lines.length < 2 ? [] : lines.filter((line) => !line.startsWith('-----'));
}

/** Forms and queries encode a blank as a plus. */
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
