import { cutExcerpt, knownTerms, type Mark } from './excerpt.ts';
import { type JsonSchema, vocabulary } from './fields.ts';
import type { Inspection } from './inspect.ts';
import { type Finding, formatPath, type Problem } from './problem.ts';
import { rangeOf, type YamlDocument } from './yaml-document.ts';
import type { SyntaxFinding } from './yaml-errors.ts';

export interface Diagnostics {
  syntax(finding: SyntaxFinding): Problem;
  /** Behind `brokenAt` the document is a guess: nothing is said of that, nor of values that nobody knows. */
  findings(findings: readonly Finding[], inspection: Inspection, brokenAt: number | undefined): Problem[];
}

/** Gives findings their location and excerpt. */
export function createDiagnostics(
  document: YamlDocument,
  context: { text: string; file: string; schema: JsonSchema },
): Diagnostics {
  const { locate, locationOf, unknown } = document;
  const { text, file, schema } = context;
  return {
    syntax({ offset, message, suggestion }) {
      const terms = knownTerms(text, offset, vocabulary(schema));
      const excerpt = cutExcerpt(text, { start: offset, end: offset + 1 }, terms);
      return { severity: 'error', file, ...locationOf(offset), path: '', message, suggestion, excerpt };
    },

    findings(findings, { marks, quiet }, brokenAt) {
      const whole = rangeOf(document.root);
      const silent = [...quiet, ...unknown];
      const marksOf = byLine(marks, locationOf);
      return findings.flatMap((finding): Problem[] => {
        const { severity, path, message, first, absence } = finding;
        const { range, written } = locate(path, finding.at);
        if (brokenAt !== undefined && (absence || range.end > brokenAt)) return [];
        if (silent.some(({ start, end }) => start <= range.start && range.end <= end)) return [];
        const location = locationOf(range.start);
        const line = first && locationOf(locate(first, 'value').range.start).line;
        const suggestion =
          line === undefined ? finding.suggestion : `the first is in line ${line}; ${finding.suggestion}`;
        // The whole file has no line to show.
        const isWhole = range.start === whole.start && range.end === whole.end;
        const excerpt = isWhole ? undefined : cutExcerpt(text, range, marksOf.get(location.line) ?? []);
        return [
          {
            severity,
            file,
            ...location,
            path: formatPath(written),
            message,
            ...(suggestion && { suggestion }),
            ...(excerpt && { excerpt }),
          },
        ];
      });
    },
  };
}

function byLine(marks: readonly Mark[], locationOf: YamlDocument['locationOf']): Map<number, Mark[]> {
  const lines = new Map<number, Mark[]>();
  for (const mark of marks) {
    const last = locationOf(mark.end).line;
    for (let { line } = locationOf(mark.start); line <= last; line++) {
      const there = lines.get(line);
      if (there) there.push(mark);
      else lines.set(line, [mark]);
    }
  }
  return lines;
}
