import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isChartName } from '../adapters/charts/chart-name.ts';
import { DATABASES } from '../adapters/sqlite/integrity.ts';

/** The databases come from SQLite, not from their files, which change while `up` runs. */
const DATABASE_FILES: readonly string[] = Object.values(DATABASES);
const AUDIT_FOLDERS = ['', 'cli/', 'cli/actions/'];
const AUDIT_FILE = /^audit(\.\d{12})?\.jsonl(\.gz)?$/;
const AUDIT_ASIDE = /^audit\.aside-\d{8}T\d{6}Z(-\d{1,3})?$/;
const CHARTS = 'charts/';
const PLAIN_FILES: readonly string[] = ['known_hosts', 'set-aside.json'];

/**
 * Whether a backup may have a file of this name, relative to the data folder. Locks, sockets, unfinished files and databases
 * that were put aside are no data; no other name leaves an archive, whoever made it.
 */
export function isDataFile(name: string): boolean {
  if (PLAIN_FILES.includes(name) || DATABASE_FILES.includes(name)) return true;
  return name.startsWith(CHARTS) ? isChartName(name.slice(CHARTS.length)) : isAuditFile(name);
}

export function isAuditFile(name: string): boolean {
  return AUDIT_FOLDERS.some((folder) => {
    if (!name.startsWith(folder)) return false;
    const [first = '', second, ...rest] = name.slice(folder.length).split('/');
    if (second === undefined) return AUDIT_FILE.test(first);
    return rest.length === 0 && AUDIT_ASIDE.test(first) && AUDIT_FILE.test(second);
  });
}

/** The files of a data folder beside its databases, in order. Links are none: what they lead to is not ours. */
export function listDataFiles(dir: string): string[] {
  const found = (folder: string): string[] =>
    entriesOf(join(dir, folder)).flatMap((entry) => {
      const name = `${folder}${entry.name}`;
      if (entry.isFile()) return isDataFile(name) ? [name] : [];
      const isKept = [CHARTS, ...AUDIT_FOLDERS].includes(`${name}/`) || AUDIT_ASIDE.test(entry.name);
      return entry.isDirectory() && isKept ? found(`${name}/`) : [];
    });
  return found('')
    .filter((name) => !DATABASE_FILES.includes(name))
    .sort();
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
