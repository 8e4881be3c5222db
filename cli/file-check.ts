import { open, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type ForeignWriter, foreignWriters } from '../adapters/files/foreign-writers.ts';
import { checkKeyFile, isPrivateKey, modeText } from '../adapters/files/key-file.ts';
import { isMountedSecret } from '../adapters/files/secret-mount.ts';
import { resolvePath } from '../core/config/file-path.ts';
import type { SourceFile } from '../core/config/include.ts';
import type { Problem } from '../core/config/problem.ts';
import { findReferences } from '../core/config/secret-text.ts';
import type { Config } from '../core/model/config.ts';

/** A private key is smaller, and its first line has its kind. */
const HEAD_BYTES = 4_096;
/** A reference after this offset is reported without its line. */
const MAX_CONFIG_BYTES = 1024 ** 2;
/** The files of a data folder, and what somebody could do who can write them. */
const DATA_FILES: Readonly<Record<string, string>> = {
  known_hosts: 'it decides which hosts we trust',
  'state.db': 'it contains the state of alerts',
  'samples.db': 'rules evaluate its samples',
  'audit.jsonl': 'it records where we logged in',
};

interface SecretFile {
  /** `${file:key}`, as in the configuration. */
  reference: string;
  path: string;
  isKey: boolean;
  /** We log in with it. */
  isLogin: boolean;
}

/**
 * Finds out who else can read the secrets of a configuration, or write the file, its keys, the data folder or a file in
 * that folder. A private key that others can read is an error, everything else a warning, also a file that is to be a
 * private key and is none. Files that we cannot inspect are left out.
 */
export async function checkFiles(
  file: string,
  config: Config,
  included: readonly SourceFile[] = [],
): Promise<Problem[]> {
  const text = (await readHead(file, MAX_CONFIG_BYTES)) ?? '';
  const sources = [{ file, text }, ...included];
  const secrets = await secretFiles(config, dirname(resolve(file)));
  const problems: Problem[] = [];
  for (const secret of secrets) problems.push(...(await readersProblem(secret, sources)));
  const keys = secrets.filter(({ isKey }) => isKey).map(({ path }) => path);
  const data = config.store.path;
  const named = new Set<string>();
  for (const [path, why] of [
    [data, 'it contains known_hosts and the state of alerts'],
    ...Object.entries(DATA_FILES).map(([name, why]) => [join(data, name), why] as const),
    [resolve(file), 'it decides where we log in and whom we alert'],
    ...included.map((one) => [resolve(one.file), 'it decides where we log in'] as const),
    ...keys.map((path) => [path, 'we log in with this key'] as const),
    ...(config.signatures
      ? ([[config.signatures.file, 'nodes refuse scripts without its signatures']] as const)
      : []),
  ] as const) {
    if (path !== data && (await stat(path).catch(() => undefined)) === undefined) continue;
    for (const writer of await foreignWriters(path)) {
      if (named.has(writer.path)) continue;
      named.add(writer.path);
      problems.push(writersProblem(file, writer, path, why));
    }
  }
  return problems;
}

function writersProblem(file: string, writer: ForeignWriter, path: string, why: string): Problem {
  const { who, advice } = writer;
  const holds = writer.path === path ? why : `${path} can be replaced there: ${why}`;
  return problemAt({
    file,
    message: `${writer.path} can be written by ${who}; ${holds}`,
    suggestion: advice,
  });
}

async function readersProblem(secret: SecretFile, sources: readonly SourceFile[]): Promise<Problem[]> {
  const { reference, path, isKey, isLogin } = secret;
  const { file, text } = sources.find((source) => source.text.includes(reference)) ??
    sources[0] ?? { file: '', text: '' };
  const location = { file, ...locationOf(reference, text) };
  const at = `${reference}${reference.includes(path) ? '' : ` (${path})`}`;
  if (isKey) {
    const access = await checkKeyFile(path, process.env.CREDENTIALS_DIRECTORY);
    if (!access) return [];
    const { problem, mode, advice } = access;
    const message =
      problem === 'others'
        ? `${at}: others than its owner may use this private key (mode ${mode}); it is refused`
        : `${at}: the group of the file may use this private key (mode ${mode})`;
    const severity = problem === 'others' ? 'error' : 'warning';
    return [problemAt({ ...location, severity, message, suggestion: advice })];
  }
  if (isLogin) {
    const message = `${at}: this is no private key`;
    const suggestion = path.endsWith('.pub') ? 'name the file without `.pub`' : '`up` does not start with it';
    return [problemAt({ ...location, message, suggestion })];
  }
  const { mode } = await stat(path);
  // The files of a container: Kubernetes mounts them with mode 0644 for the container alone.
  if ((mode & 0o007) === 0 || (await isMountedSecret(path, process.env.CREDENTIALS_DIRECTORY))) return [];
  const message = `${at}: others than its owner may read this secret (mode ${modeText(mode)})`;
  return [problemAt({ ...location, message, suggestion: `run \`chmod o= ${path}\`` })];
}

/** The files in references, each once. Certificates are not secret. */
async function secretFiles(config: Config, baseDir: string): Promise<SecretFile[]> {
  const found = new Map<string, SecretFile>();
  const logins = [...config.bastions, ...config.clusters].flatMap(({ privateKey }) => privateKey ?? []);
  for (const { kind, name, text: reference } of stringsOf(config).flatMap(findReferences)) {
    const path = resolvePath(name, { baseDir, home: homedir() });
    if (kind !== 'file' || found.has(path)) continue;
    const head = await readHead(path, HEAD_BYTES);
    if (head === undefined) continue;
    const isKey = isPrivateKey(head);
    const isLogin = logins.includes(reference);
    if (isKey || isLogin || !head.includes('-----BEGIN '))
      found.set(path, { reference, path, isKey, isLogin });
  }
  return [...found.values()];
}

function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsOf) : [];
}

/** Undefined for an unreadable file, or a pipe, because reading a secret from a pipe would consume it. */
export async function readHead(path: string, bytes: number): Promise<string | undefined> {
  if (!(await stat(path).catch(() => undefined))?.isFile()) return undefined;
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return undefined;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer.subarray(0, bytesRead).toString('utf8');
  } finally {
    await file.close();
  }
}

/** The first location of a reference. */
export function locationOf(reference: string, text: string): { line: number; column: number } {
  const before = text.slice(0, Math.max(0, text.indexOf(reference))).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

export function problemAt(problem: Partial<Problem> & Pick<Problem, 'file' | 'message'>): Problem {
  return { severity: 'warning', line: 1, column: 1, path: '', ...problem };
}
