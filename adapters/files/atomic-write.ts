import { randomBytes } from 'node:crypto';
import { access, constants, mkdir, open, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ConfigError } from '../../core/errors.ts';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write it, or not into its folder',
  EPERM: 'the system does not let us replace it',
  EROFS: 'it lies on a file system that is mounted read-only; write it where that comes from',
  EBUSY: 'it is mounted by itself and cannot be replaced; mount its folder in place of the file',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'its folder is a file',
  EEXIST: 'its folder is a file',
};

/**
 * Replaces the content of a file in one step: readers see the old content or the new, also after a crash. Keeps mode and
 * owner, and writes the target of a symbolic link. A new file has `mode`, by default 0644, less the umask. Returns false,
 * without writing, if `unchanged` resolves to false just before the rename. @throws ConfigError that names the file
 */
export async function replaceFile(
  path: string,
  content: Buffer,
  { unchanged = async () => true, mode = 0o644 }: { unchanged?: () => Promise<boolean>; mode?: number } = {},
): Promise<boolean> {
  let temporary: string | undefined;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const target = await targetOf(path);
    const before = await stat(target).catch(ignoreMissing);
    // A rename checks the permissions of the folder only, not of the file.
    if (before) await access(target, constants.W_OK);
    // A random name: somebody could place a link at a predictable one, and we would follow it.
    const name = `${target}.${randomBytes(6).toString('hex')}.new`;
    const file = await open(name, 'wx', mode);
    temporary = name;
    try {
      if (before) {
        await file.chown(before.uid, before.gid).catch((cause: unknown) => {
          const owner = `user ${before.uid}, group ${before.gid}`;
          throw new ConfigError(
            `${path}: it belongs to ${owner}, which we cannot keep; run this as that user`,
            {
              cause,
            },
          );
        });
        await file.chmod(before.mode & 0o7777);
      }
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    if (!(await unchanged())) return false;
    await rename(name, target);
    temporary = undefined;
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const reason = REASONS[code ?? ''];
    if (reason === undefined) throw cause;
    throw new ConfigError(`${path}: ${reason}`, { cause });
  } finally {
    if (temporary !== undefined) await rm(temporary, { force: true });
  }
}

/** The target of a link, also if the target does not exist yet. */
async function targetOf(path: string): Promise<string> {
  const real = await realpath(path).catch(ignoreMissing);
  if (real !== undefined) return real;
  const folder = await realpath(dirname(path));
  const link = await readlink(path).catch(ignoreMissing);
  return link === undefined ? path : resolve(folder, link);
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
