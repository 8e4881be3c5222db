import type { Config } from '../model/config.ts';
import type { AdapterKinds } from '../registry.ts';
import { assembleConfig } from './assemble.ts';
import { configJsonSchema } from './config-schema.ts';
import { crossCheck, missingValues } from './cross-checks.ts';
import { createDiagnostics } from './diagnostics.ts';
import { readDraft } from './draft.ts';
import { isData } from './fields.ts';
import { inspect } from './inspect.ts';
import { type Finding, formatPath, type Problem } from './problem.ts';
import type { Reference } from './secret-text.ts';
import { readYaml } from './yaml-document.ts';
import type { SyntaxFinding } from './yaml-errors.ts';

export interface ParseOptions {
  /** Name of the file, for problems. */
  file: string;
  kinds: AdapterKinds;
  /** Absolute folder that relative paths start from. */
  baseDir: string;
  /** Folder that `~` means. */
  home?: string;
  /** The current time; without it no silence counts as over. */
  nowMs?: number;
  /** Whether a reference has a value on this machine. If not, that is a warning: another machine may have it. */
  available?: (reference: Reference) => boolean;
}

export type ParseResult =
  | { ok: true; config: Config; warnings: Problem[] }
  | { ok: false; problems: Problem[] };

/**
 * Reads a configuration: YAML, schema, cross-checks, then locations. It returns all problems at once, in the order of the file.
 * No problem holds a secret. The function never throws.
 */
export function parseConfig(source: string, options: ParseOptions): ParseResult {
  const text = source.replace(/^\ufeff/, '');
  const { file, kinds } = options;
  const schema = configJsonSchema(kinds);
  const document = readYaml(text);
  const diagnostics = createDiagnostics(document, { text, file, schema });
  const broken = document.findings.find((finding) => finding.structural);
  const syntax = document.findings.map((finding) =>
    diagnostics.syntax(finding === broken ? asLast(finding) : finding),
  );
  if (!document.root) return { ok: false, problems: syntax.length > 0 ? syntax : [emptyFile(file)] };

  const { data } = document;
  const inspection = inspect(data, schema);
  const { draft, findings: invalid } = readDraft(data, kinds, schema);
  const findings = [
    ...inspection.findings,
    ...unexplained(invalid, inspection.findings),
    ...(isData(data) ? crossCheck(draft, options) : []),
    ...(isData(data) ? missingValues(inspection.references, options) : []),
  ];
  const located = diagnostics.findings(findings, inspection, broken?.offset);
  const problems = inOrder([...syntax, ...located]);
  if (problems.some(({ severity }) => severity === 'error')) return { ok: false, problems };
  return { ok: true, config: assembleConfig(draft, options), warnings: problems };
}

function asLast(finding: SyntaxFinding): SyntaxFinding {
  return { ...finding, suggestion: `${finding.suggestion}; the rest of the file is not checked` };
}

function emptyFile(file: string): Problem {
  const suggestion = '`bartizan init` writes one to start from';
  return { severity: 'error', file, line: 1, column: 1, path: '', message: 'the file is empty', suggestion };
}

/** A misplaced reference has a finding already; this drops a second one that calls it a malformed host or number. */
function unexplained(findings: readonly Finding[], inspected: readonly Finding[]): Finding[] {
  const reported = new Set(inspected.filter(({ at }) => at === 'value').map(({ path }) => formatPath(path)));
  return findings.filter(({ path }) => !reported.has(formatPath(path)));
}

/** Drops duplicates: aliases repeat a value, and its problem has one location. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems
    .filter(({ line, column, message }) => {
      const key = `${line}:${column}:${message}`;
      return !seen.has(key) && seen.add(key);
    })
    .sort((a, b) => a.line - b.line || a.column - b.column);
}
