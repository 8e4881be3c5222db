// The text formats in which services show their metrics: https://prometheus.io/docs/instrumenting/exposition_formats/ and
// OpenMetrics.
import { readLabels, skipBlanks } from './exposition-labels.ts';

export interface ExposedSample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

export interface Exposition {
  /** Those of the wanted names, in the order of the text. A service decides how many there are: `MOST_SAMPLES` at most. */
  samples: ExposedSample[];
  /** Lines with a sample of any name. */
  lines: number;
  /** Lines that are neither samples nor comments, or whose wanted sample nobody understands. */
  invalid: number;
  /** Samples of a wanted series that was there before in the same text: the first one counts. */
  duplicates: number;
  /** Wanted samples beyond the limit. */
  dropped: number;
}

/** Series of wanted names. Ten times the buckets of a large histogram with labels. */
export const MOST_SAMPLES = 10_000;
/** A longer line is invalid. Labels of a real one are some hundred characters. */
const LONGEST_LINE = 16_384;
/** Some milliseconds of work. */
const PART_LENGTH = 128 * 1024;

/**
 * Reads the samples of the wanted names, in time linear in the text. Timestamps and exemplars are not kept: a round has a
 * time of its own. Returns control after each part of the text, so that the caller can give others a turn.
 * @param isCut whether the text goes on: then the line at its end is incomplete
 */
export function* readExposition(
  text: string,
  wanted: ReadonlySet<string>,
  isCut = false,
): Generator<void, Exposition, void> {
  const exposition: Exposition = { samples: [], lines: 0, invalid: 0, duplicates: 0, dropped: 0 };
  const seen = new Set<string>();
  let partEnd = PART_LENGTH;
  for (let start = 0; start < text.length; ) {
    let end = text.indexOf('\n', start);
    if (end < 0) {
      if (isCut) break;
      end = text.length;
    }
    const next = end + 1;
    if (text.charCodeAt(end - 1) === CARRIAGE_RETURN && end > start) end--;
    if (isEndMark(text, start, end)) break;
    readLine(text, start, end, wanted, exposition, seen);
    start = next;
    if (start > partEnd) {
      yield;
      partEnd = start + PART_LENGTH;
    }
  }
  return exposition;
}

/** All of it in one turn: for texts that are known to be short. */
export function parseExposition(text: string, wanted: ReadonlySet<string>, isCut = false): Exposition {
  const parts = readExposition(text, wanted, isCut);
  let part = parts.next();
  while (!part.done) part = parts.next();
  return part.value;
}

const CARRIAGE_RETURN = 13;
const HASH = 35;
const BRACE = 123;
const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;

/** `# EOF` ends an OpenMetrics text. */
function isEndMark(text: string, start: number, end: number): boolean {
  return end - start === 5 && text.charCodeAt(start) === HASH && text.startsWith('# EOF', start);
}

function readLine(
  text: string,
  lineStart: number,
  end: number,
  wanted: ReadonlySet<string>,
  exposition: Exposition,
  seen: Set<string>,
): void {
  const start = skipBlanks(text, lineStart, end);
  const first = text.charCodeAt(start);
  if (start >= end || first === HASH) return;
  let name: string | undefined;
  let at = start;
  // Otherwise the name is a quoted text among the labels.
  if (first !== BRACE) {
    NAME.lastIndex = start;
    if (!NAME.test(text) || NAME.lastIndex > end) {
      exposition.invalid++;
      return;
    }
    at = NAME.lastIndex;
    name = text.slice(start, at);
    const after = text.charCodeAt(at);
    if (after !== BRACE && skipBlanks(text, at, end) === at) {
      exposition.invalid++;
      return;
    }
    if (!wanted.has(name)) {
      exposition.lines++;
      return;
    }
  }
  const sample = end - start > LONGEST_LINE ? undefined : readSample(text, at, end, name);
  if (sample === undefined) exposition.invalid++;
  else {
    exposition.lines++;
    if (wanted.has(sample.name)) addSample(sample, exposition, seen);
  }
}

function addSample(sample: ExposedSample, exposition: Exposition, seen: Set<string>): void {
  const key = seriesKey(sample);
  if (seen.has(key)) exposition.duplicates++;
  else if (exposition.samples.length >= MOST_SAMPLES) exposition.dropped++;
  else {
    seen.add(key);
    exposition.samples.push(sample);
  }
}

/** Labels are a set: their order makes no other series. An empty label is none. */
function seriesKey({ name, labels }: ExposedSample): string {
  const pairs = Object.entries(labels).filter(([, value]) => value !== '');
  if (pairs.length > 1) pairs.sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([name, pairs]);
}

function readSample(
  text: string,
  afterName: number,
  end: number,
  written: string | undefined,
): ExposedSample | undefined {
  let at = skipBlanks(text, afterName, end);
  let name = written;
  let labels: Readonly<Record<string, string>> = {};
  if (text.charCodeAt(at) === BRACE) {
    const list = readLabels(text, at + 1, end);
    if (list === undefined || (list.name !== undefined) === (name !== undefined)) return undefined;
    name ??= list.name;
    ({ labels, end: at } = list);
  }
  const [value, ...rest] = text
    .slice(at, end)
    .trim()
    .split(/[ \t]+/);
  const number = parseExposedNumber(value ?? '');
  if (name === undefined || number === undefined || !isRest(rest)) return undefined;
  return { name, labels, value: number };
}

/** A timestamp, an exemplar, both or nothing. */
function isRest([first, second]: readonly string[]): boolean {
  if (first === undefined || first === '#') return true;
  return /^[+-]?\d+(\.\d+)?$/.test(first) && (second === undefined || second === '#');
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const INFINITE = /^([+-]?)inf(inity)?$/i;

/** A number as Go writes and reads it, without its hexadecimal forms. */
export function parseExposedNumber(text: string): number | undefined {
  if (DECIMAL.test(text)) return Number(text);
  const infinite = INFINITE.exec(text);
  if (infinite) return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return /^[+-]?nan$/i.test(text) ? Number.NaN : undefined;
}
