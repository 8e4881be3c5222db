// Gives findings their line, column and excerpt.

import { isMap, isSeq } from 'yaml';
import { cutExcerpt, HIDDEN, knownTerms, type Mark } from './excerpt.ts';
import { fieldFor, holdsScalar, itemAt, type JsonSchema, propertyAt, valueAt, vocabulary } from './fields.ts';
import type { Inspection } from './inspect.ts';
import { type Finding, formatPath, type Path, type Problem } from './problem.ts';
import { type Range, rangeOf, type YamlDocument, type YamlNode } from './yaml-document.ts';
import type { SyntaxFinding } from './yaml-errors.ts';

export interface Diagnostics {
  syntax(finding: SyntaxFinding): Problem;
  /**
   * Leaves out findings about unknown values, and those behind `brokenAt`, where the document is a guess. `firstAt` says where the
   * earlier element of a finding is, which may be in another file.
   */
  findings(
    findings: readonly Finding[],
    inspection: Inspection,
    options: { brokenAt: number | undefined; firstAt(first: Path): string },
  ): Problem[];
  lineOf(path: Path, inspection: Inspection): number;
}

export function createDiagnostics(
  document: YamlDocument,
  context: { text: string; file: string; schema: JsonSchema },
): Diagnostics {
  const { locationOf, unknown } = document;
  const { text, file, schema } = context;
  return {
    syntax({ offset, message, suggestion }) {
      const terms = knownTerms(text, offset, vocabulary(schema));
      const excerpt = cutExcerpt(text, { start: offset, end: offset + 1 }, terms);
      return { severity: 'error', file, ...locationOf(offset), path: '', message, suggestion, excerpt };
    },

    findings(findings, { keys, quiet }, { brokenAt, firstAt }) {
      const locate = (path: Path, at: Finding['at']) => locatePath(document, keys, path, at);
      const quietRanges = quiet.map((path) => locate(path, 'value').range);
      const silent = [...quietRanges, ...unknown];
      const isSilent = ({ start, end }: Range) => silent.some((one) => one.start <= start && end <= one.end);
      const located = findings
        .map((finding) => ({ finding, ...locate(finding.path, finding.at) }))
        .filter(({ range }) => {
          const isGuess = brokenAt !== undefined && range.end > brokenAt;
          return !isGuess && !isSilent(range);
        })
        .map((one) => ({ ...one, location: locationOf(one.range.start) }));
      const lines = new Set(located.map(({ location }) => location.line));
      const marks = marksByLine(document, schema, keys, lines);
      for (const range of quietRanges) addMark(marks, { ...range, shown: false }, locationOf);

      const whole = rangeOf(document.root);
      return located.map(({ finding, range, written, location }): Problem => {
        const { severity, message, first } = finding;
        const suggestion = first
          ? `the first is ${firstAt(first)}; ${finding.suggestion}`
          : finding.suggestion;
        // A finding about the whole file has no line.
        const isWhole = range.start === whole.start && range.end === whole.end;
        const excerpt = isWhole ? undefined : cutExcerpt(text, range, marks.get(location.line) ?? []);
        return {
          severity,
          file,
          ...location,
          path: formatPath(written),
          message,
          ...(suggestion && { suggestion }),
          ...(excerpt && { excerpt }),
        };
      });
    },

    lineOf(path, { keys }) {
      return locationOf(locatePath(document, keys, path, 'value').range.start).line;
    },
  };
}

/** Finds the range of a path, or of the nearest value above it that exists, and the path as the file writes it. */
function locatePath(
  { root, data, follow, entriesOf }: YamlDocument,
  keys: Inspection['keys'],
  path: Path,
  at: Finding['at'],
): { range: Range; written: Path } {
  let node: YamlNode = root;
  let value = data;
  let range = rangeOf(root);
  const written = path.map((part, depth) => {
    const parent = follow(node);
    const key = keys.get(value)?.get(String(part));
    const entry = isMap(parent) ? entriesOf(parent).get(key?.written ?? String(part)) : undefined;
    node = isSeq(parent) && typeof part === 'number' ? (parent.items[part] as YamlNode) : entry?.value;
    value = valueAt(value, part);
    if (!entry && node === undefined) return part;
    const own = rangeOf(follow(node) ?? node);
    // A missing value has only the location of its key.
    const isKey = entry && (own.start === own.end || (at === 'key' && depth === path.length - 1));
    range = isKey ? entry.key : own;
    return key?.isHidden ? HIDDEN : (key?.written ?? part);
  });
  return { range, written };
}

type MarksByLine = Map<number, Mark[]>;

/** What an excerpt may show of some lines: known keys, and values that are not secret. */
function marksByLine(
  { root, data, follow, entriesOf, locationOf, hasAliases }: YamlDocument,
  schema: JsonSchema,
  keys: Inspection['keys'],
  wanted: ReadonlySet<number>,
): MarksByLine {
  const marks: MarksByLine = new Map([...wanted].map((line) => [line, []]));
  const lines = [...wanted].sort((a, b) => a - b);
  const [first = 0, last = 0] = [lines[0], lines.at(-1)];
  // An alias may make a secret of a value that stands far from it.
  const isWanted = ({ start, end }: Range) =>
    hasAliases || (locationOf(end).line >= first && locationOf(start).line <= last);

  function walk(written: YamlNode, value: unknown, schemaHere: JsonSchema): void {
    const node = follow(written) ?? written;
    const range = rangeOf(node);
    if (!isWanted(range)) return;
    const field = fieldFor(schemaHere, (key) => valueAt(value, key));
    const mark = (at: Range, shown: boolean) => addMark(marks, { ...at, shown }, locationOf);
    if (field.writeOnly) mark(range, false);
    if (isSeq(node)) {
      node.items.forEach((item, i) => {
        const inner = itemAt(field, i);
        if (inner) walk(item as YamlNode, valueAt(value, i), inner);
      });
    } else if (isMap(node)) {
      const notes = [...(keys.get(value) ?? [])];
      for (const [name, entry] of entriesOf(node)) {
        const [meant, key] = notes.find(([, { written: as }]) => as === name) ?? [name];
        const inner = propertyAt(field, meant);
        if (!key?.isHidden && (inner || field.properties)) mark(entry.key, true);
        if (inner) walk(entry.value, valueAt(value, meant), inner);
      }
    } else if (isShown(value, field)) mark(range, true);
  }

  walk(root, data, schema);
  return marks;
}

function isShown(value: unknown, field: JsonSchema): boolean {
  const item = itemAt(field, 0);
  const isExpected = holdsScalar(field) || (holdsScalar(item) && !item?.writeOnly);
  const isKey = typeof value === 'string' && value.includes('PRIVATE KEY');
  return !field.writeOnly && isExpected && !isKey;
}

function addMark(marks: MarksByLine, mark: Mark, locationOf: YamlDocument['locationOf']): void {
  const last = locationOf(mark.end).line;
  for (let { line } = locationOf(mark.start); line <= last; line++) marks.get(line)?.push(mark);
}
