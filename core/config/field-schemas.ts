// Schemas of values that several sections share.

import { z } from 'zod';
import { durationOrNeverSchema, durationSchema } from '../duration.ts';
import { nearest } from '../text/suggestions.ts';
import { addressSchema } from './rule-fields.ts';

/** A host name or address, without user, port or path. */
export const hostSchema = z
  .string()
  .min(1)
  .refine((host) => hostProblem(host) === undefined, { error: ({ input }) => hostProblem(String(input)) });

function hostProblem(host: string): string | undefined {
  if (host.includes('://')) return 'this is a URL; write the host name alone';
  if (host.includes('@')) return 'the user does not belong here; write it as `user`';
  if (/^[^:]+:\d+$/.test(host)) return 'the port does not belong here; write it as `port`';
  if (/^\[.*\]$/.test(host)) return 'no brackets around an address; write it without';
  if (!/^[\p{L}\p{N}._:%-]+$/u.test(host))
    return 'this is no host name or address; write one, without spaces or path';
  return undefined;
}

export const portSchema = z.int().min(1).max(65_535);

export const positiveDurationSchema = durationSchema.refine((ms) => ms > 0, {
  error: 'this must be longer than 0s',
});

const SHORTEST_REPEAT_MS = 60_000;

/** How often reminders of firing alerts are sent; Infinity means never. */
export const repeatIntervalSchema = durationOrNeverSchema.refine((ms) => ms >= SHORTEST_REPEAT_MS, {
  error: ({ input }) =>
    input === 0
      ? '0s would repeat the message without a pause; write `never` to send no reminders'
      : 'reminders come once a minute at most; write `1m` or longer, or `never`',
});

const TIME = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?([Zz]|[+-]\d\d:?\d\d)$/;

/** A moment, ISO 8601 with its zone; ms after parsing. */
export const timeSchema = z
  .string()
  .refine((text) => timeProblem(text) === undefined, { error: ({ input }) => timeProblem(String(input)) })
  .transform(timeMs)
  .meta({ examples: ['2027-01-31T22:00:00+09:00'] });

/** NaN when the text is no time with a zone. */
function timeMs(text: string): number {
  if (!TIME.test(text)) return Number.NaN;
  return Date.parse(
    text
      .trim()
      .replace(' ', 'T')
      .replace(/\s/g, '')
      .replace(/([+-]\d\d):?(\d\d)$/, '$1:$2')
      .toUpperCase(),
  );
}

function timeProblem(text: string): string | undefined {
  if (TIME.test(text)) return Number.isNaN(timeMs(text)) ? 'there is no such day or time' : undefined;
  const zoned = TIME.test(`${text}Z`);
  if (zoned)
    return `the time zone is missing; write \`${text}Z\` for UTC, or its offset like \`${text}+09:00\``;
  return 'this is not a time; write it like `2027-01-31T22:00:00Z` or `2027-01-31T22:00:00+09:00`';
}

export const timeZoneSchema = z.string().refine(isTimeZone, {
  error: ({ input }) => {
    const meant = nearest(String(input), Intl.supportedValuesOf('timeZone'));
    const how = meant ? `did you mean \`${meant}\`?` : 'write an IANA name like `UTC` or `Asia/Seoul`';
    return `there is no such time zone; ${how}`;
  },
});

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const NO_LISTEN = 'the server cannot listen on this; write `127.0.0.1:9470`';

/** `host:port` to listen on. */
export const listenSchema = z.string({ error: () => NO_LISTEN }).transform((text, context) => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    context.addIssue({ code: 'custom', message: NO_LISTEN, input: text });
    return z.NEVER;
  }
  return { host: match[1] ?? (match[2] || '0.0.0.0'), port };
});

/** An http address; parsing drops slashes at its end. */
export const urlSchema = addressSchema(
  'an http or https address is expected; write it like `https://bartizan.example.net`',
).transform((url) => url.replace(/\/+$/, ''));
