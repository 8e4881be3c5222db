import type { AdapterKinds } from '../registry.ts';
import { assembleConfig } from './assemble.ts';
import { readDraft } from './draft.ts';
import { fieldAt } from './fields.ts';
import { inspect } from './inspect.ts';
import { configJsonSchema } from './json-schema.ts';
import { judgeDraft, missingValues } from './judge.ts';
import { createPlacer } from './place.ts';
import { type Finding, formatPath, type Problem } from './problem.ts';
import type { Reference } from './secret-text.ts';
import type { Config } from './types.ts';
import { readYaml } from './yaml-file.ts';
import { dataOf } from './yaml-tree.ts';

export interface ParseOptions {
  /** Name of the file in problems. */
  file: string;
  kinds: AdapterKinds;
  /** Absolute folder that relative paths start from. */
  baseDir: string;
  /** What `~` stands for. */
  home?: string;
  /** Now, to tell silences that are over. */
  nowMs?: number;
  /** Whether a reference has a value today. That it has none is a warning: another machine may have it. */
  available?: (reference: Reference) => boolean;
}

export type ParseResult =
  | { ok: true; config: Config; warnings: Problem[] }
  | { ok: false; problems: Problem[] };

/**
 * Reads a configuration. All that is wrong is told at once, in order of place; nothing told holds a secret, and
 * nothing is thrown, whatever the text is.
 */
export function parseConfig(source: string, options: ParseOptions): ParseResult {
  const text = source.replace(/^\ufeff/, '');
  const { file, kinds, baseDir, home } = options;
  const schema = configJsonSchema(kinds);
  const { tree, findings: syntax, placeOf } = readYaml(text);
  const placer = createPlacer({ text, file, schema, placeOf });
  const broken = syntax.find((finding) => finding.structural);
  const problems = syntax.map((finding) =>
    placer.syntax(
      finding === broken
        ? { ...finding, suggestion: `${finding.suggestion}; what follows is not checked` }
        : finding,
    ),
  );
  if (!tree) {
    const suggestion = '`bartizan init` writes one to start from';
    const empty: Problem = {
      severity: 'error',
      file,
      line: 1,
      column: 1,
      path: '',
      message: 'the file is empty',
      suggestion,
    };
    return { ok: false, problems: problems.length > 0 ? problems : [empty] };
  }
  const inspection = inspect(tree, schema);
  const read: Finding[] = [];
  const draft = readDraft(dataOf(tree), kinds, (path) => fieldAt(schema, tree, path), read);
  // A reference out of place is told once, not again as a malformed host or number.
  const misplaced = new Set(
    inspection.findings.filter(({ at }) => at === 'value').map(({ path }) => formatPath(path)),
  );
  const valueless = new Set(syntax.filter((finding) => finding.valueless).map(({ offset }) => offset));
  const findings = [...inspection.findings, ...read.filter(({ path }) => !misplaced.has(formatPath(path)))];
  if (!broken && tree.kind === 'map') {
    findings.push(...judgeDraft(draft, options), ...missingValues(inspection.references, options));
  }
  problems.push(
    ...placer.findings(findings, { tree, marks: inspection.marks, brokenAt: broken?.offset, valueless }),
  );
  const told = inOrder(problems);
  if (told.some((problem) => problem.severity === 'error')) return { ok: false, problems: told };
  return { ok: true, config: assembleConfig(draft, { baseDir, home }), warnings: told };
}

/** By place, once each: what an alias repeats is told where it is written. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems
    .filter(({ line, column, message }) => {
      const key = `${line}:${column}:${message}`;
      return !seen.has(key) && seen.add(key);
    })
    .sort((a, b) => a.line - b.line || a.column - b.column);
}
