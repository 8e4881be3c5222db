import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { credentialProblem } from '../adapters/probes/credentials.ts';
import { PROBES } from '../adapters/probes/registry.ts';
import { referencesIn, resolveOptions } from '../adapters/secrets/option-references.ts';
import { resolvePath } from '../core/config/file-path.ts';
import type { Problem } from '../core/config/problem.ts';
import { findReferences } from '../core/config/secret-text.ts';
import type { Config } from '../core/model/config.ts';
import { readOptions } from '../core/registry.ts';
import { readPair } from '../local/server-tls.ts';
import { secretsFor } from './config-file.ts';
import { locationOf, problemAt, readHead } from './file-check.ts';

const MAX_CONFIG_BYTES = 1024 ** 2;

/**
 * Reads the certificates, keys and tokens of checks and of the server that are on this machine, and reports those that cannot be used. What
 * is not here is left out: another machine may have it.
 */
export async function checkCredentials(file: string, { checks, server }: Config): Promise<Problem[]> {
  const text = (await readHead(file, MAX_CONFIG_BYTES)) ?? '';
  const secrets = secretsFor(file);
  const problems: Problem[] = [];
  const { tls } = server;
  if (tls && (await areHere([tls.cert, tls.key], file)))
    await readPair(tls, secrets).catch(({ message }: Error) =>
      problems.push(problemAt({ file, severity: 'error', ...locationOf(tls.cert, text), message })),
    );
  for (const { name, probe, options } of checks) {
    const kind = PROBES.find(({ type }) => type === probe);
    const read = kind && readOptions(kind, options);
    if (!kind || !read || !(await areHere(referencesIn(kind.options, options), file))) continue;
    const resolved = await resolveOptions(kind.options, read, secrets).catch(() => undefined);
    const problem = resolved && credentialProblem(resolved);
    if (!problem) continue;
    const { field, message, advice } = problem;
    const [reference = ''] = referencesIn(kind.options, { [field]: read[field] });
    problems.push(
      problemAt({
        ...{ file, severity: 'error', ...locationOf(reference, text) },
        ...{ message: `check \`${name}\`, \`${field}\`: ${message}`, suggestion: advice },
      }),
    );
  }
  return problems;
}

/** Whether all can be read here without asking a service, and without emptying a pipe. */
async function areHere(references: readonly string[], file: string): Promise<boolean> {
  const folders = { baseDir: dirname(resolve(file)), home: homedir() };
  for (const { kind, name } of references.flatMap(findReferences)) {
    if (kind === 'env') continue;
    if (kind !== 'file') return false;
    if (!(await stat(resolvePath(name, folders)).catch(() => undefined))?.isFile()) return false;
  }
  return references.length > 0;
}
