import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const CACHE = join(import.meta.dirname, '../node_modules/.cache');

const run = promisify(execFile);

/**
 * The path of Python with what a requirements file lists, each by version and hash; the first call installs it, in about a
 * minute. A folder gets its name only when it is complete.
 */
export async function installPython(name: string, requirements: string): Promise<string> {
  const pinned = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const home = join(CACHE, `${name}-${pinned}`);
  const python = join(home, 'bin/python');
  if (existsSync(python)) return python;
  await mkdir(CACHE, { recursive: true });
  const draft = await mkdtemp(join(CACHE, `${name}-draft-`));
  await run('python3', ['-m', 'venv', draft]);
  const install = ['-m', 'pip', 'install', '-q', '--require-hashes', '-r', requirements];
  await run(join(draft, 'bin/python'), install);
  try {
    await rename(draft, home);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (!existsSync(python)) throw error; // If the rename fails, another process was faster.
  }
  return python;
}
