import { readFile, realpath } from 'node:fs/promises';

/**
 * Whether a file is a Secret or credential that the platform mounted for us: in memory, and read-only. Kubernetes
 * (`fsGroup` makes it 0440), Docker and systemd mount them so; systemd without root names the folder instead (`credentials`,
 * from $CREDENTIALS_DIRECTORY; systemd.exec(5), LoadCredential).
 */
export async function isMountedSecret(
  path: string,
  credentials: string | undefined,
  mounts?: string,
): Promise<boolean> {
  const real = await realpath(path);
  if (credentials !== undefined && isInside(real, credentials)) return true;
  const mount = mountOf(real, mounts ?? (await readMounts()));
  return mount?.readOnly === true && ['tmpfs', 'ramfs'].includes(mount.type);
}

/** The mounts as this process sees them; empty where the system lists none. */
export const readMounts = (): Promise<string> => readFile('/proc/self/mountinfo', 'utf8').catch(() => '');

/** The mount of a path: the one with the longest mount point, and the last of several at the same point, which hides the others (proc(5)). */
export function mountOf(path: string, mounts: string): { type: string; readOnly: boolean } | undefined {
  let found: { point: string; type: string; readOnly: boolean } | undefined;
  for (const line of mounts.split('\n')) {
    const [fields = '', behind = ''] = line.split(' - ');
    const [, , , , written = '', options = ''] = fields.split(' ');
    const [type = '', , superOptions = ''] = behind.split(' ');
    // The kernel writes blanks in octal.
    const point = written.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    if (point === '' || !isInside(path, point) || point.length < (found?.point.length ?? 0)) continue;
    const readOnly = [options, superOptions].some((list) => list.split(',').includes('ro'));
    found = { point, type, readOnly };
  }
  return found;
}

function isInside(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}
