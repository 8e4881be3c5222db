import { RetryableError } from '../../core/errors.ts';
import { bytesOf, linesOf, type RawLine } from './raw-lines.ts';
import { openIfThere, readChain } from './read-chain.ts';
import { listRotatedFiles } from './rotated-files.ts';

/** A line as somebody searches it: its fields are as they were written, and checked by nobody. */
export interface AuditRecord {
  /** As in the file. */
  line: string;
  fields: Readonly<Record<string, unknown>>;
  sequence: number;
  /** When the access began, and when it ended. */
  atMs: number;
  endMs: number;
}

export interface AuditQuery {
  /** Only accesses that touch this time. */
  fromMs: number;
  toMs: number;
  matches: (record: AuditRecord) => boolean;
}

export interface FoundRecords {
  /** Oldest first. */
  records: AuditRecord[];
  /** Lines that could not be read. */
  unreadable: number;
  /** Whether older matches were left out. */
  isCut: boolean;
}

/** Lines are written in the order in which accesses end, but those of one moment in any. */
const SLACK_MS = 3_600_000;
/** So many files in a row that begin too early end a search: of a clock that was set back one may begin so, before later ones. */
const EARLY_FILES = 2;

/** Finds the newest matching lines of an audit. Reads the newest file first, and keeps no more than `limit` lines. */
export async function findNewest(file: string, query: AuditQuery, limit: number): Promise<FoundRecords> {
  let records: AuditRecord[] = [];
  let unreadable = 0;
  let isCut = false;
  /** Files with later lines were read already, under the name that they had before they were rotated. */
  let before = Number.POSITIVE_INFINITY;
  let early = 0;
  const newest = await openIfThere(file);
  const rotated = (await listRotatedFiles(file)).reverse();
  for (const one of [undefined, ...rotated]) {
    if (one && one.last >= before) continue;
    const handle = one ? await openIfThere(one.path) : newest;
    if (!handle) continue;
    const found = createNewest(limit - records.length);
    let first: AuditRecord | undefined;
    try {
      for await (const lines of linesOf(bytesOf(handle, one?.packed === true))) {
        for (const raw of lines) {
          const record = recordOf(raw);
          first ??= record;
          // The last line may be one that is being written.
          if (record === undefined) unreadable += raw.isEnded ? 1 : 0;
          else if (isWithin(record, query) && query.matches(record)) found.add(record);
        }
      }
    } catch {
      unreadable++;
    }
    const [kept, wasCut] = found.all();
    records = [...kept, ...records];
    isCut ||= wasCut;
    before = Math.min(before, first?.sequence ?? before);
    if (records.length >= limit) {
      const older = rotated.some(({ last }) => last < before);
      return { records, unreadable, isCut: isCut || older };
    }
    early = isEarly(first, query.fromMs) ? early + 1 : 0;
    if (early === EARLY_FILES) break;
  }
  return { records, unreadable, isCut };
}

/** Yields all matching lines of an audit, oldest first; needs memory for one chunk. @throws errors of a file */
export async function* findAll(file: string, query: AuditQuery): AsyncGenerator<AuditRecord[]> {
  const from = await firstSequenceSince(file, query.fromMs);
  for await (const piece of readChain(file, from)) {
    if (piece.type === 'unreadable')
      throw new RetryableError(`${piece.file} cannot be read (${piece.detail})`);
    if (piece.type === 'end') continue;
    const records = piece.lines.map(recordOf).filter((record) => record !== undefined);
    yield records.filter((record) => isWithin(record, query) && query.matches(record));
  }
}

/** The first line of the oldest file that may have lines of that time; 0 for all files. */
async function firstSequenceSince(file: string, fromMs: number): Promise<number> {
  const files = [{ path: file, packed: false }, ...(await listRotatedFiles(file)).reverse()];
  let early = 0;
  for (const { path, packed } of files) {
    const first = await firstRecord(path, packed);
    early = isEarly(first, fromMs) ? early + 1 : 0;
    if (first && early === EARLY_FILES) return first.sequence;
  }
  return 0;
}

function isEarly(first: AuditRecord | undefined, fromMs: number): boolean {
  return first !== undefined && first.endMs < fromMs - SLACK_MS;
}

/** The first line of a file that can be read. */
export async function firstRecord(path: string, packed: boolean): Promise<AuditRecord | undefined> {
  const handle = await openIfThere(path);
  if (!handle) return undefined;
  try {
    for await (const lines of linesOf(bytesOf(handle, packed))) {
      for (const raw of lines) {
        const record = recordOf(raw);
        if (record) return record;
      }
    }
  } catch {
    // What is not gzip has no line either.
  }
  return undefined;
}

export function recordOf({ bytes, isCut }: RawLine): AuditRecord | undefined {
  return isCut ? undefined : recordOfLine(bytes.toString('utf8'));
}

export function recordOfLine(line: string): AuditRecord | undefined {
  try {
    const fields = JSON.parse(line) as Record<string, unknown>;
    const atMs = typeof fields.at === 'string' ? Date.parse(fields.at) : Number(fields.atMs);
    if (typeof fields.sequence !== 'number' || !Number.isFinite(atMs)) return undefined;
    const tookMs = typeof fields.durationMs === 'number' ? Math.max(0, fields.durationMs) : 0;
    return { line, fields, sequence: fields.sequence, atMs, endMs: atMs + tookMs };
  } catch {
    return undefined;
  }
}

function isWithin({ atMs, endMs }: AuditRecord, { fromMs, toMs }: AuditQuery): boolean {
  return endMs >= fromMs && atMs <= toMs;
}

/** Keeps the last `limit` records that are added. */
function createNewest(limit: number) {
  let kept: AuditRecord[] = [];
  let isCut = false;
  const trim = () => {
    isCut ||= kept.length > limit;
    kept = limit === 0 ? [] : kept.slice(-limit);
  };
  return {
    add(record: AuditRecord): void {
      kept.push(record);
      if (kept.length >= 2 * limit + 1_000) trim();
    },
    all(): [AuditRecord[], boolean] {
      trim();
      return [kept, isCut];
    },
  };
}
