// Programs that only the benchmark needs, and how to install the missing ones.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../program-path.ts';

export interface Tool {
  file: string;
  missing: string | undefined;
}

/** The version with which docs/figures.md was measured. */
const RUSSH = 'russh@0.1.38 rxjs@7';

/** Builds the Go client into `tools`; at the first build Go fetches the one module that it needs. */
export function buildGo(tools: string): Tool {
  const file = join(tools, 'go-ssh');
  const get = 'install Go 1.26 or later; the first build fetches golang.org/x/crypto';
  if (!findProgram('go')) return { file, missing: get };
  const cwd = fileURLToPath(new URL('go-ssh', import.meta.url));
  const { status, stderr } = spawnSync('go', ['build', '-o', file, '.'], { cwd, encoding: 'utf8' });
  return { file, missing: status === 0 ? undefined : `${get} (${stderr.trim().split('\n')[0]})` };
}

/** The npm package, which is not a dependency of the project. */
export function russhModule(tools: string): Tool {
  const file = join(tools, 'node_modules/russh/lib/index.js');
  return {
    file,
    missing: existsSync(file) ? undefined : `npm install --prefix ${relative(process.cwd(), tools)} ${RUSSH}`,
  };
}
