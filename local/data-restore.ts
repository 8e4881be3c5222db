import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DATABASES } from '../adapters/sqlite/integrity.ts';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { openSqliteStore } from '../adapters/stores/sqlite/store.ts';
import { ConfigError } from '../core/errors.ts';
import type { Logger } from '../core/ports.ts';
import { beginEpoch } from '../core/stages/epoch.ts';
import { type Manifest, readArchive } from './archive.ts';
import { explainFiles, syncFolder } from './backup-files.ts';
import { lockData } from './lock.ts';

// A restore has three steps, and the name of its folder says which. Until the backup was unpacked and checked nothing is
// changed. From then on whoever locks the folder next, `up` or another restore, completes one that was killed.
const UNPACKING = '.restore-unpacking';
const CHECKED = '.restore-checked-';
const MOVING = '.restore-moving-';
/** Where a restore leaves what was there before. */
const BEFORE = 'before-restore-';
/** What a restore moves aside. The folder may also have files of the operator, such as the configuration. */
const DATA = /^((state|samples)\.db(\..*|-wal|-shm)?|audit\..*|set-aside\.json|known_hosts|charts|cli)$/;

export interface DataRestore {
  manifest: Manifest;
  /** The folder in the data folder with what was there before; undefined when there was nothing. */
  aside: string | undefined;
}

/**
 * Puts the content of a backup into a data folder that nobody uses. What is there before is moved aside, never deleted, and
 * only with `replace`. @throws ConfigError when the folder is in use or not empty, or the backup is damaged, cut off or newer
 * than this program; then nothing is changed
 */
export async function restoreData(
  dir: string,
  file: string,
  options: { nowMs: () => number; replace: boolean },
): Promise<DataRestore> {
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    if (!found?.isFile()) throw new ConfigError(`${file} ${found ? 'is no file' : 'does not exist'}`);
    const lock = lockData(dir);
    const unpacking = join(dir, UNPACKING);
    try {
      completeRestore(dir);
      const before = dataIn(dir);
      if (before.length > 0 && !options.replace) {
        const names = `${before.slice(0, 3).join(', ')}${before.length > 3 ? ', …' : ''}`;
        throw new ConfigError(
          `store.path: ${dir} has data (${names}); --force moves what is there into a folder of its own and restores`,
        );
      }
      rmSync(unpacking, { recursive: true, force: true });
      const manifest = unpack(file, unpacking);
      await openSqliteDatabases(unpacking, manifest, options.nowMs());
      giveToOwner(dir, unpacking);
      renameSync(unpacking, join(dir, `${CHECKED}${freeStamp(dir, options.nowMs())}`));
      syncFolder(dir);
      return { manifest, aside: completeRestore(dir)?.aside };
    } finally {
      rmSync(unpacking, { recursive: true, force: true });
      lock.release();
    }
  } catch (error) {
    throw explainFiles(error, join(dir, UNPACKING));
  }
}

/** As `completeRestore`, and says so. */
export function continueRestore(dir: string, logger: Logger): void {
  const restored = completeRestore(dir);
  if (restored) logger.warn('a restore was cut off; it is complete now', { dir, before: restored.aside });
}

/** Completes a restore that was killed after its backup was checked, if there is one. The caller has the lock of the folder. */
export function completeRestore(dir: string): { aside: string | undefined } | undefined {
  const checked = readdirSync(dir).find((name) => name.startsWith(CHECKED));
  if (checked !== undefined) {
    const stamp = checked.slice(CHECKED.length);
    const before = join(dir, `${BEFORE}${stamp}`);
    for (const name of dataIn(dir)) {
      mkdirSync(before, { recursive: true, mode: 0o700 });
      giveTo(statSync(dir), before);
      renameSync(join(dir, name), join(before, name));
    }
    syncFolder(dir);
    renameSync(join(dir, checked), join(dir, `${MOVING}${stamp}`));
    syncFolder(dir);
  }
  const moving = readdirSync(dir).find((name) => name.startsWith(MOVING));
  if (moving === undefined) return undefined;
  for (const name of readdirSync(join(dir, moving))) renameSync(join(dir, moving, name), join(dir, name));
  syncFolder(dir);
  rmdirSync(join(dir, moving));
  const aside = `${BEFORE}${moving.slice(MOVING.length)}`;
  return { aside: existsSync(join(dir, aside)) ? aside : undefined };
}

function dataIn(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => DATA.test(name))
    .sort();
}

function unpack(file: string, folder: string): Manifest {
  mkdirSync(folder, { mode: 0o700 });
  return readArchive(file, (name) => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const out = openSync(path, 'wx', 0o600);
    return {
      write: (bytes) => writeFileSync(out, bytes),
      end() {
        fsyncSync(out);
        closeSync(out);
      },
    };
  });
}

/**
 * Brings the databases up to date before anything is changed, and begins an epoch: `up` notices by itself only that a state is
 * minutes old. @throws ConfigError for those of a newer program
 */
async function openSqliteDatabases(path: string, { files }: Manifest, nowMs: number): Promise<void> {
  if (DATABASES.state in files) {
    const state = openSqliteState({ path });
    await beginEpoch(state, nowMs).finally(() => state.close());
  }
  if (DATABASES.samples in files) await openSqliteStore({ path }).close();
}

/** Root restores for the user whose folder it is. */
function giveTo({ uid, gid }: { uid: number; gid: number }, path: string): void {
  if (process.getuid?.() === 0) chownSync(path, uid, gid);
}

function giveToOwner(dir: string, folder: string): void {
  const owner = statSync(dir);
  const give = (path: string) => {
    giveTo(owner, path);
    if (!statSync(path).isDirectory()) return;
    for (const name of readdirSync(path)) give(join(path, name));
  };
  give(folder);
  // As `trust` writes it.
  if (existsSync(join(folder, 'known_hosts'))) chmodSync(join(folder, 'known_hosts'), 0o644);
}

function freeStamp(dir: string, nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  return existsSync(join(dir, `${BEFORE}${stamp}`)) ? freeStamp(dir, nowMs + 1_000) : stamp;
}
