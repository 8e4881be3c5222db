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

/** What the lines before have left for those that follow. */
interface Progress {
  exposition: Exposition;
  wanted: ReadonlySet<string>;
  seen: Set<string>;
  /** Name of the last line if nobody wants it. Most of a text are long families of such lines. */
  unwanted: string;
}

/**
 * Reads the samples of the wanted names, in time linear in the text. Timestamps and exemplars are not kept: a round has a
 * time of its own. Returns control after each piece of the text, so that the caller can give others a turn.
 * @param pieces the text, cut anywhere; a piece of 64 K characters is some milliseconds of work
 * @param isCut whether the text goes on: then the line at its end is incomplete
 */
export function* readExposition(
  pieces: Iterable<string>,
  wanted: ReadonlySet<string>,
  isCut = false,
): Generator<void, Exposition, void> {
  const exposition: Exposition = { samples: [], lines: 0, invalid: 0, duplicates: 0, dropped: 0 };
  const progress: Progress = { exposition, wanted, seen: new Set(), unwanted: '' };
  /** A line whose end is in a later piece. */
  let begun = '';
  for (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf('\n'); end >= 0; end = piece.indexOf('\n', start)) {
      const goesOn =
        begun === ''
          ? readLine(piece, start, end, progress)
          : readWholeLine(begun + piece.slice(start, end), progress);
      if (!goesOn) return exposition;
      begun = '';
      start = end + 1;
    }
    begun += piece.slice(start);
    yield;
  }
  if (!isCut) readWholeLine(begun, progress);
  return exposition;
}

/** All of it in one turn: for texts that are known to be short. */
export function parseExposition(text: string, wanted: ReadonlySet<string>, isCut = false): Exposition {
  const parts = readExposition([text], wanted, isCut);
  let part = parts.next();
  while (!part.done) part = parts.next();
  return part.value;
}

const CARRIAGE_RETURN = 13;
const SPACE = 32;
const HASH = 35;
const BRACE = 123;
const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;

/** `# EOF` ends an OpenMetrics text. */
function isEndMark(text: string, start: number, end: number): boolean {
  return end - start === 5 && text.charCodeAt(start) === HASH && text.startsWith('# EOF', start);
}

function readWholeLine(line: string, progress: Progress): boolean {
  return readLine(line, 0, line.length, progress);
}

/** False: the text ends here. */
function readLine(text: string, start: number, lineEnd: number, progress: Progress): boolean {
  const { exposition, unwanted } = progress;
  if (unwanted !== '' && text.startsWith(unwanted, start)) {
    const next = text.charCodeAt(start + unwanted.length);
    if (next === BRACE || next === SPACE) {
      exposition.lines++;
      return true;
    }
  }
  const hasReturn = lineEnd > start && text.charCodeAt(lineEnd - 1) === CARRIAGE_RETURN;
  const end = hasReturn ? lineEnd - 1 : lineEnd;
  if (isEndMark(text, start, end)) return false;
  const begin = skipBlanks(text, start, end);
  const first = text.charCodeAt(begin);
  if (begin < end && first !== HASH) readSampleLine(text, begin, end, progress);
  return true;
}

function readSampleLine(text: string, start: number, end: number, progress: Progress): void {
  const { exposition, wanted, seen } = progress;
  let name: string | undefined;
  let at = start;
  // Otherwise the name is a quoted text among the labels.
  if (text.charCodeAt(start) !== BRACE) {
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
      progress.unwanted = name;
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
