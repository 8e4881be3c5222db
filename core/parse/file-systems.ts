import { type MountList, nameSome, parseMountList } from './mount-list.ts';
import { isName, MAX_MOUNTS, parseNumber, type Reading } from './reading.ts';

interface Row {
  device: string;
  mount: string;
  total: number | undefined;
  used: number | undefined;
  available: number | undefined;
  percent: number | undefined;
}

/** Longer lines do not occur: a path has 4096 bytes at most. */
const MAX_LINE = 8_192;
const MAX_PATH = 4_096;
/** Lines of one kind of df: a wrapped row, a header and blank lines around it for each mount. More are ignored. */
const MAX_LINES = 6 * MAX_MOUNTS;
/** Of `used / (used + available)`; a larger one comes from numbers that went round. */
const MAX_PERCENT = 1_000;

/**
 * Disk and inode usage, and whether a file system turned read-only, from what follows `@mounts` in the script's output:
 * the list of mounts, then outputs of `df -P -k` and `df -P -i`, as they come from GNU and busybox, behind `@blocks` and
 * `@inodes`, or from GNU's with both behind `@both`; once for all mounts or once for each. A wrapped line (device alone, its numbers on the next) is joined;
 * what cannot be understood is left out with a note.
 */
export function parseFileSystems(lines: readonly string[]): { readings: Reading[]; notes: string[] } {
  const sections = { list: [] as string[], blocks: [] as string[], inodes: [] as string[] };
  let section = 'list' as keyof typeof sections | 'both';
  for (const line of lines) {
    const marker = /^@(blocks|inodes|both)$/.exec(line)?.[1];
    if (marker !== undefined) section = marker as typeof section;
    else if (line.startsWith('@hangs ')) sections.list.push(line);
    else if (section !== 'both') sections[section].push(line);
    else {
      const [blocksLine, inodesLine] = splitBoth(line);
      sections.blocks.push(blocksLine);
      if (inodesLine !== undefined) sections.inodes.push(inodesLine);
    }
  }
  const list = parseMountList(sections.list);
  const blocks = withAskedNames(parseTable(sections.blocks), list);
  const inodes = withAskedNames(parseTable(sections.inodes), list);
  const readings: Reading[] = [];
  const withoutNumbers: string[] = [];
  const reported = new Set(blocks.rows.map(({ mount }) => mount));
  // That it turned read-only is known without df, which may not look there or hang.
  for (const [mount, device] of list.turned) {
    if (reported.has(mount) || !isName(device, MAX_DEVICE) || !isName(mount, MAX_PATH)) continue;
    readings.push({ metric: 'disk_read_only', labels: { mount, device }, value: 1 });
  }
  for (const row of blocks.rows) {
    const { device, mount, total, used } = row;
    const labels = { mount, device };
    if (list.asked)
      readings.push({ metric: 'disk_read_only', labels, value: list.turned.has(mount) ? 1 : 0 });
    if (total === undefined || used === undefined || row.available === undefined || total === 0) {
      withoutNumbers.push(mount);
      continue;
    }
    readings.push({ metric: 'disk_size', labels, value: total * 1024 });
    const value = usedPercent(row);
    if (value !== undefined) readings.push({ metric: 'disk_usage', labels, value });
    else if (used > 0) withoutNumbers.push(mount);
  }
  for (const { device, mount, total, used } of inodes.rows) {
    // No fixed number of inodes (btrfs, vfat): df says 0 or `-`.
    if (total === undefined || total === 0 || used === undefined || used > total) continue;
    readings.push({ metric: 'inode_usage', labels: { mount, device }, value: (100 * used) / total });
  }
  return {
    readings,
    notes: [...notesOf(list, blocks.missing, withoutNumbers, blocks.dropped + inodes.dropped)],
  };
}

/** A line of both as one of blocks and one of inodes, of which it has total and used in front. */
function splitBoth(line: string): [blocks: string, inodes?: string] {
  const [, total, used, rest] = /^ *(\d+|-) +(-?\d+|-) +(\S.*)$/s.exec(line) ?? [];
  if (rest === undefined) return [/^ *Inodes /.test(line) ? '' : line];
  const row = parseRow(rest);
  if (row === undefined || row === 'unreadable') return [rest];
  return [rest, `${row.device} ${total} ${used} 0 - ${row.mount}`];
}

function* notesOf(
  { asked, hanging, hangsSomewhere, notes }: MountList,
  missing: readonly string[],
  withoutNumbers: readonly string[],
  dropped: number,
): Generator<string> {
  if (asked === undefined) yield 'no list of mounts';
  else if (asked.length === 0) yield 'no file systems: none is a local disk';
  if (hanging.size > 0) yield `df hangs, so nothing is known of: ${nameSome([...hanging])}`;
  else if (hangsSomewhere) yield 'a df of an earlier round still hangs';
  const silent = missing.filter((name) => isName(name, MAX_PATH));
  const unprintable = missing.filter((name) => !isName(name, MAX_PATH));
  if (silent.length > 0) yield `df told nothing (no permission, or no time) of: ${nameSome(silent)}`;
  if (unprintable.length > 0) yield `not watched, as its name cannot be printed: ${nameSome(unprintable)}`;
  if (withoutNumbers.length > 0)
    yield `df told no numbers, or impossible ones, of: ${nameSome(withoutNumbers)}`;
  if (dropped > 0) yield `df: ${dropped} lines not understood`;
  yield* notes;
}

/**
 * Rows under the names that were asked for. Some df call a mount by another of its paths, or show `?` for what cannot be
 * printed: where as many rows are left over as names, they belong to each other in this order.
 */
function withAskedNames(
  { rows, dropped }: { rows: Row[]; dropped: number },
  { asked, hanging }: MountList,
): { rows: Row[]; missing: string[]; dropped: number } {
  if (asked === undefined) return { rows, missing: [], dropped };
  const names = new Set(asked);
  const reported = new Set(rows.map(({ mount }) => mount));
  const missing = asked.filter((name) => !reported.has(name) && !hanging.has(name));
  const others = rows.filter(({ mount }) => !names.has(mount));
  if (missing.length === 0) return { rows, missing, dropped };
  if (others.length !== missing.length) {
    const known = rows.filter(({ mount }) => names.has(mount));
    return { rows: known, missing, dropped: dropped + others.length };
  }
  const nameOf = new Map(others.map(({ mount }, i) => [mount, missing[i] as string]));
  const renamed = rows.map((row) => ({ ...row, mount: nameOf.get(row.mount) ?? row.mount }));
  const fit = renamed.filter(({ mount }) => isName(mount, MAX_PATH));
  return { rows: fit, missing: missing.filter((name) => !isName(name, MAX_PATH)), dropped };
}

/**
 * In use, of what an unprivileged user can have. Where more is in use than there is for such a user, what is available
 * is less than nothing: busybox prints that as a huge number, and a percentage above 100.
 */
function usedPercent({ total = 0, used = 0, available = 0, percent }: Row): number | undefined {
  if (percent !== undefined && percent > 100 && percent <= MAX_PERCENT) return 100;
  if (used > total || available > total) return percent !== undefined && percent <= 100 ? percent : undefined;
  return used + available > 0 ? (100 * used) / (used + available) : undefined;
}

function parseTable(lines: readonly string[]): { rows: Row[]; dropped: number } {
  const rows = new Map<string, Row>();
  let dropped = Math.max(0, lines.length - MAX_LINES);
  /** A line without numbers: a device whose numbers may follow on the next. */
  let alone: string | undefined;
  for (const line of lines.slice(0, MAX_LINES)) {
    if (line.trim() === '' || line.startsWith('Filesystem ')) continue;
    const wrapped = alone !== undefined && /^\s/.test(line);
    if (alone !== undefined && !wrapped) dropped++;
    const row = parseRow(wrapped ? `${alone} ${line}` : line);
    alone = row || wrapped ? undefined : line.trim();
    if (row === 'unreadable' || (row && rows.size >= MAX_MOUNTS) || (wrapped && !row)) dropped++;
    else if (row && !rows.has(row.mount)) rows.set(row.mount, row);
  }
  return { rows: [...rows.values()], dropped: dropped + (alone === undefined ? 0 : 1) };
}

/** Total, used, available and percent, in front of a path. A device has 512 characters at most: nothing is looked for far behind. */
const COLUMNS = /\s(-?\d+|-)\s+(-?\d+|-)\s+(-?\d+|-)\s+(-?\d+%|-)\s+(?=\/)/;
const MAX_DEVICE = 512;
const MAX_COLUMNS = 1_024;

/**
 * `device total used available percent mount`, where device and mount may hold spaces: the first four columns that
 * are numbers decide. Bounded, whatever a node sends.
 */
function parseRow(line: string): Row | 'unreadable' | undefined {
  if (line.length > MAX_LINE) return 'unreadable';
  const found = COLUMNS.exec(line.slice(0, MAX_DEVICE + MAX_COLUMNS));
  const device = line.slice(0, found?.index).trim();
  if (!found || device === '') return undefined;
  const [columns, total, used, available, percent] = found;
  const mount = line.slice(found.index + columns.length);
  if (!isName(device, MAX_DEVICE) || !isName(mount, MAX_PATH)) return 'unreadable';
  return {
    device,
    mount,
    total: parseColumn(total),
    used: parseColumn(used),
    available: parseColumn(available),
    percent: parseColumn(percent?.replace('%', '')),
  };
}

/** Negative is what an unprivileged user has left once the reserve of root is in use: nothing. */
function parseColumn(text: string | undefined): number | undefined {
  return text !== undefined && /^-\d+$/.test(text) ? 0 : parseNumber(text);
}
