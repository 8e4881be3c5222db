import type { ChannelType } from './document.ts';
import type { Random } from './random.ts';

/** The behaviour of a service for a while. */
export const MOODS = [
  'accept',
  'refuse', // 4xx that no retry changes
  'auth', // 401, 403: the operator must act
  'redirect', // 3xx
  'fail', // 5xx
  'limit', // 429, with a Retry-After of any kind
  'lie', // 2xx, but nobody sees the message
  'unclear', // 2xx, people see the message, but the answer does not confirm it
  'hang', // accepts the request and never answers
  'break off', // people see the message, but the connection breaks before the answer
  'unreachable', // no connection
] as const;
export type Mood = (typeof MOODS)[number];

export interface Answer {
  mood: Mood;
  /** Whether people see the message. */
  shown: boolean;
  afterMs: number;
  /** The error of the socket, instead of an answer. */
  error?: string;
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** How long the service asks the sender to wait. */
  askedMs?: number;
  /** The body ends half-way. */
  cut?: boolean;
}

const HTML = '<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in</body></html>';
const RETRY_AFTER = [
  '1',
  '30',
  '2.5',
  '40.5',
  '57',
  '133',
  '7200',
  '86400',
  '1000000000',
  'soon',
  '-5',
  'HTTP-date',
] as const;

/** The answer of a service of that type. `nowMs` is the time of its clock, for dates. */
export function answerOf(mood: Mood, type: ChannelType, random: Random, nowMs: number): Answer {
  const afterMs = random.int(20, 1_500);
  const base = { mood, afterMs, shown: false };
  switch (mood) {
    case 'accept':
      return { ...base, shown: true, ...accepted(type, random) };
    case 'refuse':
      return { ...base, status: random.pick([400, 404, 405, 410, 422]), body: refusalOf(type) };
    case 'auth':
      return { ...base, status: random.pick([401, 403]), body: 'no' };
    case 'redirect':
      return {
        ...base,
        status: random.pick([301, 302, 307]),
        headers: { location: 'https://elsewhere.test/x' },
      };
    case 'fail':
      return { ...base, status: random.pick([500, 502, 503, 504]), body: HTML };
    case 'limit':
      return { ...base, status: 429, ...limit(type, random, nowMs) };
    case 'lie':
      return { ...base, ...lie(type, random) };
    case 'unclear':
      return {
        ...base,
        shown: true,
        ...random.pick([
          { status: 200, body: '' },
          { status: 204, body: '' },
          { status: 200, body: '{}' },
          { status: 200, body: 'null' },
        ]),
      };
    case 'hang':
      return { ...base, shown: random.chance(0.3), afterMs: 15_000, error: 'ETIMEDOUT' };
    case 'break off':
      return random.chance(0.5)
        ? { ...base, shown: true, error: 'ECONNRESET' }
        : { ...base, shown: true, ...accepted(type, random), cut: true };
    case 'unreachable':
      return { ...base, error: random.pick(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH']) };
  }
}

function accepted(type: ChannelType, random: Random): Pick<Answer, 'status' | 'body' | 'headers'> {
  const number = random.int(1, 1e9);
  const json = { 'content-type': 'application/json' };
  switch (type) {
    case 'webhook':
      return random.pick([
        { status: 200, body: 'thanks' },
        { status: 202, body: '' },
        { status: 204, body: '' },
      ]);
    case 'slack-webhook':
    case 'mattermost-webhook':
      return { status: 200, headers: { 'content-type': 'text/plain' }, body: 'ok' };
    case 'slack':
      return {
        status: 200,
        headers: json,
        body: JSON.stringify({ ok: true, channel: 'C0123456789', ts: `${number}.1` }),
      };
    case 'mattermost':
      return { status: 201, headers: json, body: JSON.stringify({ id: `post${number}`, channel_id: 'w8' }) };
    case 'telegram':
      return {
        status: 200,
        headers: json,
        body: JSON.stringify({ ok: true, result: { message_id: number } }),
      };
  }
}

function refusalOf(type: ChannelType): string {
  if (type === 'telegram') return JSON.stringify({ ok: false, error_code: 400, description: 'Bad Request' });
  return type === 'slack-webhook' ? 'no_service' : 'no';
}

function limit(
  type: ChannelType,
  random: Random,
  nowMs: number,
): Pick<Answer, 'headers' | 'body' | 'askedMs'> {
  const answer = random.pick(RETRY_AFTER);
  const isDate = answer === 'HTTP-date';
  const text = isDate ? new Date(nowMs + random.int(5_000, 700_000)).toUTCString() : answer;
  const waitMs = isDate ? Date.parse(text) - nowMs : Number(text) * 1_000;
  const asked = waitMs > 0 ? { askedMs: waitMs } : {};
  if (type === 'telegram') {
    const parameters = isDate || !(waitMs > 0) ? {} : { retry_after: waitMs / 1_000 };
    return {
      ...(!isDate && asked),
      body: JSON.stringify({ ok: false, error_code: 429, description: 'Too Many Requests', parameters }),
    };
  }
  return { ...asked, headers: { 'retry-after': text }, body: 'slow down' };
}

/** A 2xx of something in front of the service, or of the service itself, that does not confirm the message. */
function lie(type: ChannelType, random: Random): Pick<Answer, 'status' | 'body' | 'headers'> {
  const page = { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: HTML };
  switch (type) {
    case 'webhook':
      // Every 2xx of a webhook confirms the message, so it cannot lie.
      return { status: 503, body: HTML };
    case 'mattermost':
      return page;
    case 'slack':
      return random.pick([page, { status: 200, body: JSON.stringify({ ok: false, error: 'fatal_error' }) }]);
    default:
      return random.pick([page, { status: 200, body: JSON.stringify({ ok: false, description: 'later' }) }]);
  }
}
