/** The longest wait that we accept from a service. */
const LONGEST_MS = 24 * 3_600_000;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const LONG_DAY = '(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)';
const MONTH = `(?<month>${MONTHS.join('|')})`;
const TIME = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)';
/** The three formats of RFC 9110 (5.6.7): IMF-fixdate, RFC 850, asctime. */
const DATES = [
  new RegExp(`^${DAY}, (?<day>\\d\\d) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  new RegExp(`^${LONG_DAY}, (?<day>\\d\\d)-${MONTH}-(?<year>\\d\\d) ${TIME} GMT$`),
  new RegExp(`^${DAY} ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`),
];

/**
 * Parses `Retry-After` (RFC 9110, 10.2.3): seconds, also with a fraction, or an HTTP date. Returns ms from now, between 0
 * and a day; undefined for anything else, since a guess is worse than our own backoff.
 */
export function retryAfterOf(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return bounded(Number(text) * 1000);
  const atMs = dateOf(text, nowMs);
  return atMs === undefined ? undefined : bounded(atMs - nowMs);
}

/** The same for a number of seconds in a response body. */
export function retryAfterSeconds(seconds: unknown): number | undefined {
  const isWait = typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0;
  return isWait ? bounded(seconds * 1000) : undefined;
}

function bounded(ms: number): number {
  return Math.min(LONGEST_MS, Math.max(0, Math.round(ms)));
}

function dateOf(text: string, nowMs: number): number | undefined {
  const found = DATES.map((pattern) => pattern.exec(text)?.groups).find((groups) => groups !== undefined);
  if (!found) return undefined;
  const [day, hour, minute, second] = ['day', 'hour', 'minute', 'second'].map((name) => Number(found[name]));
  const month = MONTHS.indexOf(found.month ?? '');
  if (day === undefined || hour === undefined || minute === undefined || second === undefined)
    return undefined;
  const atMs = Date.UTC(yearOf(found.year ?? '', nowMs), month, day, hour, minute, second);
  // A leap second is valid; the 31st of February is not.
  const isTime = hour < 24 && minute < 60 && second <= 60 && new Date(atMs).getUTCMonth() === month;
  return isTime || second === 60 ? atMs : undefined;
}

/** A two-digit year that seems more than fifty years ahead means the past (RFC 9110, 5.6.7). */
function yearOf(text: string, nowMs: number): number {
  if (text.length === 4) return Number(text);
  const thisYear = new Date(nowMs).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + Number(text);
  return year > thisYear + 50 ? year - 100 : year;
}
