// Runs code as a user without access to our files, also when the tests run as root.
import { chmodSync, statSync } from 'node:fs';

/** Debian's `nobody`. */
const NOBODY = 65_534;

/** Runs `run` as a user whom `mode` keeps from `path`; restores both afterwards. */
export async function asUnprivilegedUser<T>(
  path: string,
  mode: number,
  run: () => T | Promise<T>,
): Promise<T> {
  const before = statSync(path).mode & 0o7777;
  chmodSync(path, mode);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    return await run();
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(path, before);
  }
}
