import { z } from 'zod';
import { ConfigError } from './errors.ts';
import { likelyByteSize, likelyDurationMs } from './text/likely-values.ts';
import { quoted } from './text/suggestions.ts';

const DURATION = /^(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/;
const DURATION_UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

/** A hundred years: what is added to a time of today stays a time. */
const LONGEST_MS = 36_500 * 86_400_000;

const BYTE_SIZE = /^(\d+)(B|KiB|MiB|GiB|TiB)$/;
const BYTE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** `90s`, `1h30m`, `7d`, `500ms` in milliseconds. @throws ConfigError that says how durations are written */
export function parseDuration(text: string): number {
  const ms = durationMs(text);
  if (ms === undefined) throw new ConfigError(durationHelp(text));
  return ms;
}

/** Milliseconds as they are written in a configuration: `1h30m`, `0s`, Infinity as `never`. What `parseDuration` reads back. */
export function formatDuration(ms: number): string {
  if (ms === Infinity) return 'never';
  if (ms < 0) return `-${formatDuration(-ms)}`;
  let rest = Math.round(ms);
  let text = '';
  for (const [unit, size] of DURATION_UNITS) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text || '0s';
}

/** A duration in the configuration; milliseconds after parsing. Defaults are given as text, by `.prefault('5m')`. */
export const durationSchema = z
  .string({ error: (issue) => durationHelp(issue.input) })
  .regex(DURATION, { error: (issue) => durationHelp(issue.input) })
  .refine(isNotTooLong, { error: (issue) => durationHelp(issue.input) })
  .transform((text) => durationMs(text) ?? 0);

/** The same, or `never`, which is Infinity. */
export const durationOrNeverSchema = z
  .string({ error: (issue) => durationOrNeverHelp(issue.input) })
  .regex(new RegExp(`^never$|${DURATION.source}`), {
    error: (issue) => durationOrNeverHelp(issue.input),
  })
  .refine(isNotTooLong, { error: (issue) => durationHelp(issue.input) })
  .transform((text) => (text === 'never' ? Infinity : (durationMs(text) ?? 0)));

/** A byte size in the configuration (`512MiB`); bytes after parsing. */
export const byteSizeSchema = z
  .string({ error: (issue) => byteSizeHelp(issue.input) })
  .regex(BYTE_SIZE, { error: (issue) => byteSizeHelp(issue.input) })
  .transform((text) => {
    const [, count = '0', unit = 'B'] = BYTE_SIZE.exec(text) ?? [];
    return Number(count) * (BYTE_UNITS[unit] ?? 1);
  });

/** What is no duration at all is said already. */
function isNotTooLong(text: string): boolean {
  return !DURATION.test(text) || durationMs(text) !== undefined;
}

function durationMs(text: string): number | undefined {
  const counts = DURATION.exec(text)?.slice(1);
  const ms = counts?.reduce((sum, count, i) => sum + Number(count ?? 0) * (DURATION_UNITS[i]?.[1] ?? 0), 0);
  return ms === undefined || ms > LONGEST_MS ? undefined : ms;
}

function durationHelp(input: unknown): string {
  if (input === undefined) return 'a duration is missing, like `90s`, `5m` or `1h30m`';
  if (DURATION.test(String(input))) return `${quoted(String(input))} is longer than a hundred years (36500d)`;
  const meant = likelyDuration(String(input));
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return `${quoted(String(input))} is not a duration: write it like \`90s\`, \`5m\`, \`1h30m\` or \`7d\`${hint}`;
}

function durationOrNeverHelp(input: unknown): string {
  if (/^(none|off|no|false|0|inf(inity)?|null)$/i.test(String(input))) {
    return `${quoted(String(input))} is not a duration; did you mean \`never\`?`;
  }
  return durationHelp(input);
}

/** `5` may be minutes or seconds; `7 days`, `10min`, `5M` and `1.5h` have their unit, and other ways to say it. */
function likelyDuration(text: string): string | undefined {
  const [count] = /^\d{1,9}$/.exec(text.trim()) ?? [];
  if (count !== undefined) return Number(count) === 0 ? '`0s`' : `\`${count}m\` or \`${count}s\``;
  const ms = likelyDurationMs(text);
  return ms === undefined || ms > LONGEST_MS ? undefined : `\`${formatDuration(ms)}\``;
}

function byteSizeHelp(input: unknown): string {
  if (input === undefined) return 'a byte size is missing, like `512MiB`';
  const meant = likelyByteSize(String(input));
  const hint = meant === undefined ? '' : `; did you mean \`${meant}\`?`;
  return `${quoted(String(input))} is not a byte size: write it like \`64KiB\`, \`512MiB\` or \`2GiB\`${hint}`;
}
