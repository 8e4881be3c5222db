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
import type { SyntaxFinding } from './yaml-errors.ts';
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
  const { file, kinds } = options;
  const schema = configJsonSchema(kinds);
  const yaml = readYaml(text);
  const { tree } = yaml;
  const placer = createPlacer({ text, file, schema, placeOf: yaml.placeOf });
  const broken = yaml.findings.find((finding) => finding.structural);
  const syntax = yaml.findings.map((finding) =>
    placer.syntax(finding === broken ? asLast(finding) : finding),
  );
  if (!tree) return { ok: false, problems: syntax.length > 0 ? syntax : [emptyFile(file)] };

  const inspection = inspect(tree, schema);
  const read: Finding[] = [];
  const draft = readDraft(dataOf(tree), kinds, (path) => fieldAt(schema, tree, path), read);
  const findings = [...inspection.findings, ...unexplained(read, inspection.findings)];
  if (tree.kind === 'map') {
    findings.push(...judgeDraft(draft, options), ...missingValues(inspection.references, options));
  }
  const { marks } = inspection;
  const quiet = [...inspection.quiet, ...yaml.unknown];
  const placed = placer.findings(findings, { tree, marks, quiet, brokenAt: broken?.offset });
  const problems = inOrder([...syntax, ...placed]);
  if (problems.some(({ severity }) => severity === 'error')) return { ok: false, problems };
  return { ok: true, config: assembleConfig(draft, options), warnings: problems };
}

function asLast(finding: SyntaxFinding): SyntaxFinding {
  return { ...finding, suggestion: `${finding.suggestion}; what follows is not checked` };
}

function emptyFile(file: string): Problem {
  const suggestion = '`bartizan init` writes one to start from';
  return { severity: 'error', file, line: 1, column: 1, path: '', message: 'the file is empty', suggestion };
}

/** A reference out of place is told as such, and not again as a malformed host or number. */
function unexplained(findings: readonly Finding[], inspected: readonly Finding[]): Finding[] {
  const told = new Set(inspected.filter(({ at }) => at === 'value').map(({ path }) => formatPath(path)));
  return findings.filter(({ path }) => !told.has(formatPath(path)));
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
