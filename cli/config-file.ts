import { accessSync, constants, createReadStream } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { includedFiles, MOST_BYTES } from '../adapters/files/included-files.ts';
import { KINDS } from '../adapters/registry.ts';
import { createSecrets } from '../adapters/secrets/secrets.ts';
import { openStore } from '../adapters/stores/registry.ts';
import { resolvePath } from '../core/config/file-path.ts';
import type { ReadIncluded, SourceFile } from '../core/config/include.ts';
import { type ParseResult, parseConfig } from '../core/config/parse.ts';
import type { Problem } from '../core/config/problem.ts';
import type { Reference } from '../core/config/secret-text.ts';
import { ConfigError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import type { SampleStore, Secrets } from '../core/ports.ts';
import { systemClock } from '../local/clock.ts';
import { formatProblem } from './problem-report.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
};

/** Describes why a file cannot be read. */
export function unreadable(error: unknown): string {
  const { code = 'unknown error' } = error as { code?: string };
  return REASONS[code] ?? `it cannot be read (${code})`;
}

/** The files as they were read. */
export interface ConfigSource {
  text: string;
  /** Those of `clusters.include`, in order. */
  included: readonly SourceFile[];
}

/** Reads and checks a file, and those that it includes. @throws ConfigError when it cannot be read */
export async function readConfig(file: string): Promise<ParseResult & { source: ConfigSource }> {
  const baseDir = dirname(resolve(file));
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(await readBounded(file));
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    const { code } = cause as { code?: string };
    const reason = code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8' : unreadable(cause);
    const start = code === 'ENOENT' ? '; `bartizan init` writes one to start from' : '';
    throw new ConfigError(`${file}: ${reason}${start}`);
  }
  const home = homedir();
  const available = (reference: Reference) => isAvailable(reference, { baseDir, home });
  const source = { text, included: [] as readonly SourceFile[] };
  const read = includedFiles(dirname(file));
  const included: ReadIncluded = (patterns) => {
    const found = read(patterns);
    source.included = found.files;
    return found;
  };
  const nowMs = systemClock.nowMs();
  const result = parseConfig(text, { file, kinds: KINDS, baseDir, home, nowMs, available, included });
  return { ...result, source };
}

/** A pipe may never end. @throws ConfigError when there is too much, errors of the file system */
async function readBounded(file: string): Promise<Buffer> {
  // `end` is the last byte that is read.
  const chunks: Buffer[] = await createReadStream(file, { end: MOST_BYTES }).toArray();
  const bytes = Buffer.concat(chunks);
  if (bytes.length > MOST_BYTES)
    throw new ConfigError(
      `${file}: it has more than ${MOST_BYTES / 1024 ** 2} MiB; a configuration has a few, so check what wrote it`,
    );
  return bytes;
}

/** @throws ConfigError with all problems, when the file cannot be read or has an error */
export async function loadConfig(
  file: string,
): Promise<{ config: Config; warnings: Problem[]; source: ConfigSource }> {
  const result = await readConfig(file);
  if (result.ok) return result;
  const errors = result.problems.filter((problem) => problem.severity === 'error');
  const problemLines = errors.map((problem) => formatProblem(problem)).join('\n');
  throw new ConfigError(
    `${file} has ${errors.length} ${errors.length === 1 ? 'error' : 'errors'}\n${problemLines}`,
  );
}

/** Resolves the references of that file. */
export function secretsFor(file: string): Secrets {
  return createSecrets({ baseDir: dirname(resolve(file)) });
}

/** The configured store, for reading beside a running `up`. @throws ConfigError */
export function openStoreToRead(file: string, config: Config): Promise<SampleStore> {
  return openStore(config.store, { secrets: secretsFor(file), clock: systemClock, readOnly: true });
}

function isAvailable({ kind, name }: Reference, folders: { baseDir: string; home: string }): boolean {
  // The sources are read only when needed: `check` reads none, `check --connect` does.
  if (kind === 'ssm') return true;
  if (kind === 'env') return (process.env[name] ?? '') !== '';
  const { CREDENTIALS_DIRECTORY: credentials } = process.env;
  if (kind === 'credential' && !credentials) return false;
  const path = kind === 'credential' ? join(credentials as string, name) : resolvePath(name, folders);
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
