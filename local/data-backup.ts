import { copyFileSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { verifyDataFolder } from '../adapters/audit/data-folder.ts';
import { explainSqliteError, isBusyError, isCorruption } from '../adapters/sqlite/errors.ts';
import { checkIntegrity, DATABASES, type DatabaseName } from '../adapters/sqlite/integrity.ts';
import { isPresent } from '../adapters/sqlite/presence.ts';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { ConfigError } from '../core/errors.ts';
import { createArchive, type Manifest, readArchive } from './archive.ts';
import { explainFiles, syncFolder, unlessGone } from './backup-files.ts';
import { checkTarget } from './backup-target.ts';
import { isAuditFile, listDataFiles } from './data-files.ts';
import { lockFolder } from './lock.ts';

/** Pages that SQLite copies in one step: 8 MiB. */
const PAGES_PER_STEP = 2_048;
const BUSY_TIMEOUT_MS = 5_000;
/** Beside the file. Whatever is in it was left by a backup that was killed. */
const WORK_FOLDER = '.bartizan-backup.part';
/** State and audit are copied again when the audit was rotated or shortened between the two. */
const AUDIT_TRIES = 3;

export interface DataBackup {
  manifest: Manifest;
  bytes: number;
  /** Faults of the data folder that the backup has, too. */
  warnings: string[];
}

/**
 * Writes the data of a folder into one file, also while `up` writes them. Each database is as of one moment; the state comes
 * first, so that audit and samples have at least what the state knows of. The file appears when it is whole and was read
 * back. @throws ConfigError | RetryableError when there is no backup
 */
export async function backUpData(
  dir: string,
  file: string,
  options: { program: string; nowMs: () => number; replace: boolean },
): Promise<DataBackup> {
  const target = checkTarget(dir, file, options.replace);
  const work = join(dirname(target), WORK_FOLDER);
  const lock = lockWork(work);
  try {
    for (const name of readdirSync(work))
      if (!name.startsWith('lock.db')) rmSync(join(work, name), { recursive: true });
    const copies = join(work, 'copies');
    mkdirSync(copies, { mode: 0o700 });
    const takenAtMs = options.nowMs();
    const { hasState, warnings } = await copyStateAndAudit(dir, copies);
    const hasSamples = await copyDatabase(dir, copies, 'samples');
    if (!hasState && !hasSamples && listDataFiles(dir).length === 0) {
      throw new ConfigError(`store.path: there are no data in ${dir} yet; \`bartizan up\` writes them`);
    }
    const part = join(work, 'archive');
    const archive = createArchive(part, takenAtMs);
    try {
      if (hasState) archive.add(DATABASES.state, join(copies, DATABASES.state));
      if (hasSamples) archive.add(DATABASES.samples, join(copies, DATABASES.samples));
      for (const name of listDataFiles(copies)) archive.add(name, join(copies, name));
      for (const name of listDataFiles(dir))
        if (!isAuditFile(name)) unlessGone(() => archive.add(name, join(dir, name)));
      archive.finish({ program: options.program, takenAtMs });
    } finally {
      archive.close();
    }
    const manifest = readArchive(part);
    const { size } = statSync(part);
    renameSync(part, target);
    syncFolder(dirname(target));
    return { manifest, bytes: size, warnings };
  } catch (error) {
    throw explainFiles(error, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
    lock.release();
  }
}

/** Takes the folder for this process. What is in it is removed, so it must be ours: in `/tmp` anybody may place a link there. */
function lockWork(work: string): { release(): void } {
  try {
    mkdirSync(work, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw explainFiles(error, work);
    const found = lstatSync(work);
    if (!found.isDirectory() || found.uid !== process.geteuid?.())
      throw new ConfigError(`${work} is not a folder of this user: remove it, or choose another place`);
  }
  try {
    return lockFolder(work);
  } catch (error) {
    if (!isBusyError((error as Error).cause)) throw explainFiles(error, work);
    throw new ConfigError(`another backup writes into ${dirname(work)}; wait for it`, { cause: error });
  }
}

/** Returns whether the folder has that database. @throws ConfigError when it is damaged */
async function copyDatabase(dir: string, copies: string, name: DatabaseName): Promise<boolean> {
  const source = join(dir, DATABASES[name]);
  const copy = join(copies, DATABASES[name]);
  if (!isPresent(source)) return false;
  try {
    const db = new DatabaseSync(source, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    try {
      // With a moment of its own, the copy does not begin anew with each write of `up`.
      db.exec('BEGIN');
      db.prepare('SELECT count(*) FROM sqlite_schema').get();
      await backup(db, copy, { rate: PAGES_PER_STEP });
    } finally {
      db.close();
    }
  } catch (error) {
    // What is read may be damaged or locked; what is written may have no space.
    throw explainSqliteError(error, isCorruption(error) || isBusyError(error) ? source : copy);
  }
  const condition = checkIntegrity(copies, name);
  for (const suffix of ['-wal', '-shm']) rmSync(`${copy}${suffix}`, { force: true });
  if (condition.state === 'fine') return true;
  const detail = condition.state === 'damaged' ? condition.detail : 'the copy is not there';
  throw new ConfigError(
    `${source} is damaged (${detail}), so there is no backup; see \`bartizan data check\` and keep the last one`,
  );
}

/** Copies both until the audit holds beside the state. Returns the faults that stay: `up` has them, too. */
async function copyStateAndAudit(
  dir: string,
  copies: string,
): Promise<{ hasState: boolean; warnings: string[] }> {
  for (let tried = 1; ; tried++) {
    const hasState = await copyDatabase(dir, copies, 'state');
    for (const name of listDataFiles(dir).filter(isAuditFile)) {
      mkdirSync(dirname(join(copies, name)), { recursive: true, mode: 0o700 });
      unlessGone(() => copyFileSync(join(dir, name), join(copies, name)));
    }
    const broken = await brokenAudits(copies, hasState);
    if (broken.length === 0 || tried === AUDIT_TRIES) {
      const warnings = broken.map(
        (name) =>
          `${join(dir, name)} does not hold, and is in the backup as it is; see \`bartizan audit verify\``,
      );
      return { hasState, warnings };
    }
    for (const name of readdirSync(copies)) rmSync(join(copies, name), { recursive: true });
  }
}

/** Names of the audits that do not hold. */
async function brokenAudits(copies: string, hasState: boolean): Promise<string[]> {
  const state = hasState ? openSqliteState({ path: copies, readOnly: true }) : undefined;
  try {
    const reports = await verifyDataFolder(copies, state);
    return reports.filter((report) => report.state === 'broken').map(({ file }) => relative(copies, file));
  } finally {
    await state?.close();
  }
}
