import { cutExcerpt, knownWords, type Mark } from './excerpt.ts';
import { type JsonSchema, vocabulary } from './fields.ts';
import { type Finding, formatPath, type Problem } from './problem.ts';
import type { SyntaxFinding } from './yaml-errors.ts';
import { locate, type Range, type Tree } from './yaml-tree.ts';

export interface Placer {
  syntax(finding: SyntaxFinding): Problem;
  /** Behind `brokenAt` the tree is a guess: nothing is told of that, nor of what lies in a `quiet` range. */
  findings(
    findings: readonly Finding[],
    file: {
      tree: Tree;
      marks: readonly Mark[];
      brokenAt: number | undefined;
      quiet: readonly Range[];
    },
  ): Problem[];
}

/** Gives findings their line, column and excerpt. */
export function createPlacer(context: {
  text: string;
  file: string;
  schema: JsonSchema;
  placeOf: (offset: number) => { line: number; column: number };
}): Placer {
  const { text, file, schema, placeOf } = context;
  const words = vocabulary(schema);
  return {
    syntax({ offset, message, suggestion }) {
      const excerpt = cutExcerpt(text, { start: offset, end: offset + 1 }, knownWords(text, offset, words));
      return { severity: 'error', file, ...placeOf(offset), path: '', message, suggestion, excerpt };
    },

    findings(findings, { tree, marks, brokenAt, quiet }) {
      const marksOf = byLine(marks, placeOf);
      return findings.flatMap((finding): Problem[] => {
        const { severity, path, message, first, absence } = finding;
        const { range, written } = locate(tree, path, finding.at);
        if (brokenAt !== undefined && (absence || range.end > brokenAt)) return [];
        if (quiet.some((one) => one.start <= range.start && range.end <= one.end)) return [];
        const at = placeOf(range.start);
        const line = first && placeOf(locate(tree, first, 'value').range.start).line;
        const suggestion =
          line === undefined ? finding.suggestion : `the first is in line ${line}; ${finding.suggestion}`;
        // The whole file has no line to show.
        const excerpt = range === tree ? undefined : cutExcerpt(text, range, marksOf.get(at.line) ?? []);
        return [
          {
            severity,
            file,
            ...at,
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

function byLine(marks: readonly Mark[], placeOf: (offset: number) => { line: number }): Map<number, Mark[]> {
  const lines = new Map<number, Mark[]>();
  for (const mark of marks) {
    const last = placeOf(mark.end).line;
    for (let line = placeOf(mark.start).line; line <= last; line++) {
      const there = lines.get(line);
      if (there) there.push(mark);
      else lines.set(line, [mark]);
    }
  }
  return lines;
}
