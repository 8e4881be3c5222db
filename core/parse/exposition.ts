// The text formats in which services show their metrics: https://prometheus.io/docs/instrumenting/exposition_formats/ and
// OpenMetrics.
import { parseExposedNumber } from './exposed-number.ts';
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
const PART_BYTES = 128 * 1024;

/** What the lines before have left for those that follow. */
interface Progress {
  exposition: Exposition;
  wanted: ReadonlySet<string>;
  seen: Set<string>;
  /** Where the name of the last line is if nobody wants it. Most of a text are long families of such lines. */
  unwanted: { start: number; length: number };
}

/**
 * Reads the samples of the wanted names, in time linear in the text. Timestamps and exemplars are not kept: a round has a
 * time of its own. Returns control after each part of the text, so that the caller can give others a turn.
 * @param text UTF-8. Only lines that may be wanted become strings
 * @param isCut whether the text goes on: then the line at its end is incomplete
 */
export function* readExposition(
  text: Buffer,
  wanted: ReadonlySet<string>,
  isCut = false,
): Generator<void, Exposition, void> {
  const exposition: Exposition = { samples: [], lines: 0, invalid: 0, duplicates: 0, dropped: 0 };
  const progress: Progress = { exposition, wanted, seen: new Set(), unwanted: { start: 0, length: 0 } };
  let partEnd = PART_BYTES;
  for (let start = 0; start < text.length; ) {
    let end = text.indexOf(LINE_FEED, start);
    if (end < 0) {
      if (isCut) break;
      end = text.length;
    }
    if (isUnwanted(text, start, end, progress.unwanted)) exposition.lines++;
    else if (!readLine(text, start, end, progress)) break;
    start = end + 1;
    if (start > partEnd) {
      yield;
      partEnd = start + PART_BYTES;
    }
  }
  return exposition;
}

/** All of it in one turn: for texts that are known to be short. */
export function parseExposition(text: string, wanted: ReadonlySet<string>, isCut = false): Exposition {
  const parts = readExposition(Buffer.from(text), wanted, isCut);
  let part = parts.next();
  while (!part.done) part = parts.next();
  return part.value;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
/** Ends an OpenMetrics text. */
const END_MARK = '# EOF';
const SPACE = 32;
const HASH = 35;
const BRACE = 123;
const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;

/** Whether a line is of the same family as the last one, which nobody wants. */
function isUnwanted(text: Buffer, start: number, end: number, name: Progress['unwanted']): boolean {
  const after = start + name.length;
  if (name.length === 0 || after >= end) return false;
  if (text[after] !== BRACE && text[after] !== SPACE) return false;
  for (let i = name.length - 1; i >= 0; i--) if (text[start + i] !== text[name.start + i]) return false;
  return true;
}

/** False: the text ends here. */
function readLine(text: Buffer, start: number, lineEnd: number, progress: Progress): boolean {
  const end = lineEnd > start && text[lineEnd - 1] === CARRIAGE_RETURN ? lineEnd - 1 : lineEnd;
  // Half of the lines are comments, and only a short one can be the mark.
  if (text[start] === HASH && end - start !== END_MARK.length) return true;
  const line = text.toString('utf8', start, end);
  if (line === END_MARK) return false;
  const begin = skipBlanks(line, 0, line.length);
  if (begin === line.length || line.charCodeAt(begin) === HASH) return true;
  const unwanted = readSampleLine(line, begin, progress);
  // Blanks and names are ASCII, so that a character is a byte.
  if (unwanted !== undefined) progress.unwanted = { start: start + begin, length: unwanted.length };
  return true;
}

/** Returns the name, if nobody wants it. */
function readSampleLine(
  line: string,
  start: number,
  { exposition, wanted, seen }: Progress,
): string | undefined {
  let name: string | undefined;
  let at = start;
  // Otherwise the name is a quoted text among the labels.
  if (line.charCodeAt(start) !== BRACE) {
    NAME.lastIndex = start;
    if (!NAME.test(line)) {
      exposition.invalid++;
      return undefined;
    }
    at = NAME.lastIndex;
    name = line.slice(start, at);
    if (line.charCodeAt(at) !== BRACE && skipBlanks(line, at, line.length) === at) {
      exposition.invalid++;
      return undefined;
    }
    if (!wanted.has(name)) {
      exposition.lines++;
      return name;
    }
  }
  const sample = line.length - start > LONGEST_LINE ? undefined : readSample(line, at, line.length, name);
  if (sample === undefined) exposition.invalid++;
  else {
    exposition.lines++;
    if (wanted.has(sample.name)) addSample(sample, exposition, seen);
  }
  return undefined;
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
