import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type BackupFiles, parseBackups } from '../../../core/parse/backup-output.ts';
import type { Script } from '../../ssh/command.ts';
import { ProbeError } from '../../ssh/failure.ts';
import type { Finding, NodeHandle } from '../probe.ts';
import { sentText } from '../sent-text.ts';
import { reading } from '../service-probe.ts';

const text = sentText(readFileSync(new URL('./backups.sh', import.meta.url), 'utf8'));
const VERSION = 1;

/** A check has no more patterns: its script would grow. */
export const MOST_PATTERNS = 8;
const LONGEST = 200;

/** What is wrong with a pattern that would become part of a script, or undefined. No character ends a quotation of a shell. */
export function patternProblem(pattern: string): string | undefined {
  if (!pattern.startsWith('/')) return 'write the whole path, from `/` on';
  if (pattern.length > LONGEST) return `a pattern has ${LONGEST} characters at most`;
  if (!/^[A-Za-z0-9._/@+:=*?-]*$/.test(pattern))
    return 'a pattern has letters, digits, `._/@+:=-`, and `*` and `?` for others';
  if (/\/(\.|\.\.)?(\/|$)/.test(pattern)) return 'write it without `//`, `.`, `..` and a `/` at its end';
  if (/[*?].*\//.test(pattern)) return '`*` and `?` stand for names of files alone, behind the last `/`';
  return undefined;
}

const scripts = new Map<string, Script>();

/** The script of a check with these patterns, in their order. */
export function backupScript(patterns: readonly string[]): Script {
  const key = patterns.map(quotedParts).join(' ');
  const known = scripts.get(key);
  if (known) return known;
  const source = text.replace(/^set -- .*$/m, () => `set -- ${key}`);
  const sha256 = createHash('sha256').update(source).digest('hex');
  const script = {
    name: `backups-${sha256.slice(0, 8)}@${VERSION}`,
    text: source,
    sha256,
    end: '@bartizan end',
  };
  scripts.set(key, script);
  return script;
}

/** @throws Error for a pattern that the schema refuses: no other may reach a script */
function quotedParts(pattern: string): string {
  const problem = patternProblem(pattern);
  if (problem !== undefined) throw new Error(`${JSON.stringify(pattern)} in a script: ${problem}`);
  const slash = pattern.lastIndexOf('/');
  return `'${pattern.slice(0, slash) || '/'}' '${pattern.slice(slash + 1)}'`;
}

/** For each pattern the time in seconds from which the age of its newest file counts. */
export type BackupTimes = Readonly<Record<string, number>>;

/**
 * Reads how old the newest file of each pattern is. Where there is none the age goes on from the last one that was there, else
 * from the first check: what was never made gets old as well.
 */
export async function observeBackups(
  node: NodeHandle,
  patterns: readonly string[],
  before: BackupTimes,
): Promise<Omit<Finding, 'kept'> & { times: BackupTimes }> {
  try {
    const parse = (output: string) => parseBackups(output, patterns.length);
    const { parsed, login } = await node.run(backupScript(patterns), parse);
    const nowSeconds = parsed.clockMs / 1000;
    const times: Record<string, number> = {};
    const notes: string[] = [];
    for (const [i, pattern] of patterns.entries()) {
      const files = parsed.patterns[i] as BackupFiles;
      const known = before[pattern];
      const isNone = files.state === 'missing' || (files.state === 'listed' && files.count === 0);
      const newest = files.newestAt ?? (isNone ? (known ?? nowSeconds) : undefined);
      const note = noteOn(pattern, files);
      if (note !== undefined) notes.push(note);
      if (newest !== undefined || known !== undefined) times[pattern] = newest ?? (known as number);
    }
    const readings = Object.entries(times)
      .filter(([pattern]) => isKnown(parsed.patterns[patterns.indexOf(pattern)]))
      .map(([file, time]) => reading('etcd_backup_age', Math.max(0, nowSeconds - time), { file }));
    const isPartial = !parsed.patterns.every(isKnown);
    return { readings, notes, times, isPartial, ...(!login && { login: 'unknown' as const }) };
  } catch (error) {
    if (!(error instanceof ProbeError)) throw error;
    return { readings: [], notes: [`the age of backups is unknown: ${error.message}`], times: before, error };
  }
}

function isKnown(files: BackupFiles | undefined): boolean {
  return files?.state === 'listed' || files?.state === 'missing';
}

function noteOn(pattern: string, { state, count }: BackupFiles): string | undefined {
  const folder = pattern.slice(0, pattern.lastIndexOf('/')) || '/';
  if (state === 'closed') return `the age of backups is unknown: our user may not list ${folder}`;
  if (state === 'failed') return `the age of backups is unknown: ${folder} could not be listed within 3 s`;
  if (state === 'listed' && count > 0) return undefined;
  const missing =
    state === 'missing'
      ? `there is no folder ${folder}, or it is closed to our user`
      : `no file matches ${pattern}`;
  return `${missing}: the age of backups counts from the last one, or from the first check`;
}
