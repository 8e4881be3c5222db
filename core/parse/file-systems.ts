import { isName, MAX_MOUNTS, parseNumber, type Reading } from './reading.ts';

interface Row {
  device: string;
  mount: string;
  total: number | undefined;
  used: number | undefined;
  available: number | undefined;
}

/** Longer lines do not occur: a path has 4096 bytes at most. */
const MAX_LINE = 8_192;

/**
 * Disk and inode usage from the outputs of `df -P -k` and `df -P -i`, as they come from GNU and busybox. A wrapped
 * line (device alone, its numbers on the next) is joined; what cannot be understood is left out with a note.
 */
export function parseFileSystems(
  blockLines: readonly string[],
  inodeLines: readonly string[],
): { readings: Reading[]; notes: string[] } {
  const blocks = parseTable(blockLines);
  const readings: Reading[] = [];
  let left = 0;
  for (const { device, mount, total, used, available } of blocks.rows) {
    if (total === undefined || used === undefined || available === undefined || total === 0) {
      left++;
      continue;
    }
    const labels = { mount, device };
    readings.push({ metric: 'disk_size', labels, value: total * 1024 });
    if (used + available > 0) {
      readings.push({ metric: 'disk_usage', labels, value: (100 * used) / (used + available) });
    }
  }
  const inodes = parseTable(inodeLines);
  for (const { device, mount, total, used } of inodes.rows) {
    // No fixed number of inodes (btrfs, vfat): df says 0 or `-`.
    if (total === undefined || total === 0 || used === undefined || used > total) continue;
    readings.push({ metric: 'inode_usage', labels: { mount, device }, value: (100 * used) / total });
  }
  const dropped = blocks.dropped + inodes.dropped;
  const notes = [];
  if (left > 0) notes.push(`df: ${left} file systems without numbers`);
  if (dropped > 0) notes.push(`df: ${dropped} lines not understood`);
  return { readings, notes };
}

function parseTable(lines: readonly string[]): { rows: Row[]; dropped: number } {
  const rows = new Map<string, Row>();
  let dropped = 0;
  /** A line without numbers: a device whose numbers may follow on the next. */
  let alone: string | undefined;
  for (const line of lines) {
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

/**
 * `device total used available percent mount`, where device and mount may hold spaces: the first four columns that
 * are numbers decide. Linear in the line's length, whatever a node sends.
 */
function parseRow(line: string): Row | 'unreadable' | undefined {
  if (line.length > MAX_LINE) return 'unreadable';
  const words = [...line.matchAll(/\S+/g)].map((match) => ({ text: match[0], start: match.index }));
  const at = words.findIndex(
    (word, i) =>
      i > 0 &&
      isColumn(word.text) &&
      isColumn(words[i + 1]?.text) &&
      isColumn(words[i + 2]?.text) &&
      /^(\d+%|-)$/.test(words[i + 3]?.text ?? '') &&
      words[i + 4]?.text.startsWith('/'),
  );
  const first = words[at];
  const last = words[at + 4];
  if (at < 1 || first === undefined || last === undefined) return undefined;
  const device = line.slice(words[0]?.start, first.start).trim();
  const mount = line.slice(last.start);
  if (!isName(device, 512) || !isName(mount, 4_096)) return 'unreadable';
  const [total, used, available] = [0, 1, 2].map((i) => parseColumn(words[at + i]?.text));
  return { device, mount, total, used, available };
}

function isColumn(text: string | undefined): boolean {
  return text !== undefined && /^(-?\d+|-)$/.test(text);
}

/** Negative is what an unprivileged user has left once the reserve of root is in use: nothing. */
function parseColumn(text: string | undefined): number | undefined {
  return text !== undefined && /^-\d+$/.test(text) ? 0 : parseNumber(text);
}
