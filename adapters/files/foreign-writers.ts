import type { Stats } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { modeText } from './key-file.ts';
import { mountOf, readMounts } from './secret-mount.ts';

/** A file or folder that somebody besides its owner, us and root can write. */
export interface ForeignWriter {
  path: string;
  /** `everybody (mode 0777)`, `group ops (mode 0775)`, `user 1001, who owns it` */
  who: string;
  advice: string;
}

const STICKY = 0o1000;
/** Users of another namespace appear as this uid (`overflowuid`); we cannot tell who they are. */
const UNMAPPED = 65_534;

/**
 * Finds out who else can write a file or folder, or replace it: through its own mode, or through any folder above it or
 * above the target of a link. In a sticky folder above it, such as /tmp, only the owner can replace it. For a path that does
 * not exist yet the existing folders count. What is mounted read-only does not count: a kubelet mounts the folder of a
 * ConfigMap with mode 0777. It does not read ACLs.
 */
export async function foreignWriters(
  path: string,
  accounts?: Accounts,
  givenMounts?: string,
): Promise<ForeignWriter[]> {
  const mounts = givenMounts ?? (await readMounts());
  const groups = groupsOf(accounts ?? (await readAccounts()));
  const own = await stat(path).catch(() => undefined);
  const owners = new Set([0, UNMAPPED, process.geteuid?.() ?? 0, ...(own ? [own.uid] : [])]);
  const found: ForeignWriter[] = [];
  for (const each of await pathsOf(path)) {
    const stats = await stat(each).catch(() => undefined);
    if (!stats || mountOf(each, mounts)?.readOnly) continue;
    const above = each !== path && (stats.mode & STICKY) !== 0;
    const writer = above ? ownerOf(each, stats, owners) : writerOf(each, stats, owners, groups);
    if (writer) found.push(writer);
  }
  return found;
}

/** The path, the target of its link, and all folders above both, each once. */
async function pathsOf(path: string): Promise<string[]> {
  const folder = await realpath(dirname(path)).catch(() => dirname(path));
  const real = await realpath(path).catch(() => undefined);
  const above = [join(folder, basename(path)), ...(real === undefined ? [] : [real])].flatMap((each) => {
    const folders: string[] = [];
    for (let at = each; dirname(at) !== at; at = dirname(at)) folders.push(dirname(at));
    return folders;
  });
  return [...new Set([path, ...above])];
}

function writerOf(
  path: string,
  stats: Stats,
  owners: ReadonlySet<number>,
  groups: Groups,
): ForeignWriter | undefined {
  const { mode, gid, uid } = stats;
  if ((mode & 0o002) !== 0)
    return { path, who: `everybody (mode ${modeText(mode)})`, advice: `run \`chmod o-w ${path}\`` };
  if ((mode & 0o020) !== 0 && groups.hasOthers(gid, uid))
    return {
      path,
      who: `group ${groups.nameOf(gid)} (mode ${modeText(mode)})`,
      advice: `run \`chmod g-w ${path}\``,
    };
  return ownerOf(path, stats, owners);
}

function ownerOf(path: string, { uid }: Stats, owners: ReadonlySet<number>): ForeignWriter | undefined {
  if (owners.has(uid)) return undefined;
  return {
    path,
    who: `user ${uid}, who owns it`,
    advice: `give it to the user that runs \`up\`, or to root`,
  };
}

interface Groups {
  nameOf(gid: number): string;
  /** Whether a group has members besides root, the owner and us. Many systems give each user a group of their own. */
  hasOthers(gid: number, owner: number): boolean;
}

/** Contents of /etc/group and /etc/passwd. */
export interface Accounts {
  group: string;
  passwd: string;
}

async function readAccounts(): Promise<Accounts> {
  const [group, passwd] = await Promise.all(
    ['/etc/group', '/etc/passwd'].map((file) => readFile(file, 'utf8').catch(() => '')),
  );
  return { group: group ?? '', passwd: passwd ?? '' };
}

/** A group that is in neither file, such as a pod's `fsGroup`, has no other members. */
function groupsOf(accounts: Accounts): Groups {
  const fieldsOf = (text: string) => text.split('\n').map((line) => line.split(':'));
  const [groups, users] = [fieldsOf(accounts.group), fieldsOf(accounts.passwd)];
  const uidOf = new Map(users.map(([name = '', , uid]) => [name, Number(uid)]));
  const groupOf = (gid: number) => groups.find((fields) => fields[2] === String(gid));
  return {
    nameOf: (gid) => groupOf(gid)?.[0] ?? String(gid),
    hasOthers(gid, owner) {
      const named = (groupOf(gid)?.[3] ?? '').split(',').filter((name) => name !== '');
      const primary = users.filter((fields) => fields[3] === String(gid)).map((fields) => Number(fields[2]));
      const trusted = [0, owner, process.geteuid?.() ?? 0];
      return [...named.map((name) => uidOf.get(name)), ...primary].some(
        (uid) => uid === undefined || !trusted.includes(uid),
      );
    },
  };
}
