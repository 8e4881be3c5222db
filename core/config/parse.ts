import type { Config } from '../model/config.ts';
import type { AdapterKinds } from '../registry.ts';
import { assembleConfig } from './assemble.ts';
import { type OpenFile, openIncluded, openMain } from './config-files.ts';
import { configJsonSchema } from './config-schema.ts';
import { crossCheck, missingValues } from './cross-checks.ts';
import { readDraft } from './draft.ts';
import { isData, type JsonSchema } from './fields.ts';
import { includeFindings, includePatterns, type ReadIncluded } from './include.ts';
import { errorAt, type Finding, formatPath, type Path, type Problem } from './problem.ts';
import type { Reference } from './secret-text.ts';

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
  /** Reads the files that `clusters.include` names. Without it that is an error. */
  included?: ReadIncluded;
}

export type ParseResult =
  | { ok: true; config: Config; warnings: Problem[] }
  | { ok: false; problems: Problem[] };

/**
 * Reads a configuration: YAML, schema, cross-checks, then locations. It returns all problems at once, file by file, in the order of
 * each file. No problem holds a secret. The function never throws.
 */
export function parseConfig(source: string, options: ParseOptions): ParseResult {
  const { file, kinds } = options;
  const schema = configJsonSchema(kinds);
  const main = openMain({ file, text: source }, schema);
  if (!main.hasContent)
    return { ok: false, problems: main.syntax.length > 0 ? main.syntax : [emptyFile(file)] };

  const joined = joinFiles(main, schema, options.included);
  const { data, opened } = joined;
  const inspected = opened.flatMap(({ inspection, toWhole }) =>
    inspection.findings.map((finding) => ({ ...finding, path: toWhole(finding.path) })),
  );
  const references = opened.flatMap(({ inspection, toWhole }) =>
    inspection.references.map((one) => ({ ...one, path: toWhole(one.path) })),
  );
  const { draft, findings: invalid } = readDraft(data, kinds, schema);
  const knowsAll = isComplete(joined);
  const findings = [
    ...joined.whole,
    ...inspected,
    ...unexplained(invalid, inspected),
    ...(isData(data) ? crossCheck(draft, options) : []),
    ...(isData(data) ? missingValues(references, options) : []),
  ].filter(({ absence }) => !absence || knowsAll);
  const problems = located(joined, findings);
  if (problems.some(({ severity }) => severity === 'error')) return { ok: false, problems };
  return { ok: true, config: assembleConfig(draft, options), warnings: problems };
}

interface Joined {
  /** The data of all files as one. */
  data: unknown;
  opened: readonly OpenFile[];
  /** The file of each included cluster. */
  owners: readonly OpenFile[];
  /** Findings about patterns, and about files as a whole; the latter at paths of their file. */
  whole: readonly Finding[];
  own: readonly { of: OpenFile; finding: Finding }[];
}

function joinFiles(main: OpenFile, schema: JsonSchema, included: ReadIncluded | undefined): Joined {
  const { data } = main;
  const alone = { data, opened: [main], owners: [], whole: [], own: [] };
  const patterns = includePatterns(data);
  if (!patterns || !isData(data)) return alone;
  if (!included) {
    return { ...alone, whole: [errorAt(['clusters', 'include'], 'other files cannot be read here', BUNDLE)] };
  }
  const { files, problems } = included(patterns);
  const { opened, clusters, owners, findings } = openIncluded(files, schema);
  const whole = includeFindings(data, patterns, problems);
  const isKnown = clusters.length > 0 || isComplete({ opened, whole, own: findings });
  // Without this an unreadable file would also be an empty list of clusters.
  const joined = isKnown ? { ...data, clusters } : data;
  return { data: joined, opened: [main, ...opened], owners, whole, own: findings };
}

/** Whether all files were read to their end. Else nobody knows what is missing in them. */
function isComplete({ opened, whole, own }: Pick<Joined, 'opened' | 'whole' | 'own'>): boolean {
  const isRead = ({ hasContent, brokenAt }: OpenFile) => hasContent && brokenAt === undefined;
  return whole.length === 0 && own.length === 0 && opened.every(isRead);
}

const BUNDLE = '`bartizan bundle` writes all files as one';

function emptyFile(file: string): Problem {
  const suggestion = '`bartizan init` writes one to start from';
  return { severity: 'error', file, line: 1, column: 1, path: '', message: 'the file is empty', suggestion };
}

function emptyInclude(file: string): Problem {
  return { ...emptyFile(file), suggestion: 'write a cluster into it, `[]` for none, or remove it' };
}

/** Gives each finding to the file that it is about. */
function located({ opened, owners, own }: Joined, findings: readonly Finding[]): Problem[] {
  const [main] = opened;
  const fileOf = ([section, index]: Path) =>
    section === 'clusters' && typeof index === 'number' ? (owners[index] ?? main) : main;
  const byFile = Map.groupBy(findings, ({ path }) => fileOf(path));
  const ownByFile = Map.groupBy(own, ({ of }) => of);
  return opened.flatMap((source) => {
    const { diagnostics, inspection, brokenAt, file } = source;
    const firstAt = (path: Path) => {
      const other = fileOf(path) ?? source;
      const line = other.diagnostics.lineOf(other.toOwn(path), other.inspection);
      return other === source ? `in line ${line}` : `in ${other.file}:${line}`;
    };
    const here = [
      ...(byFile.get(source) ?? []).map((finding) => ({ ...finding, path: source.toOwn(finding.path) })),
      ...(ownByFile.get(source) ?? []).map(({ finding }) => finding),
    ];
    const empty = source.hasContent || source.syntax.length > 0 ? [] : [emptyInclude(file)];
    const problems = diagnostics.findings(here, inspection, { brokenAt, firstAt });
    return inOrder([...source.syntax, ...empty, ...problems]);
  });
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
