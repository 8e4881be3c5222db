import { hash as digest } from 'node:crypto';

/**
 * A line of the audit is a JSON object that ends with the field `hash`: the SHA-256 of the text before that field.
 * `previous` is the hash of the line before, so that changing, removing or inserting a line changes all later hashes.
 */
export interface ChainHead {
  sequence: number;
  hash: string;
}

/** A head that state keeps, from the time when it was the newest. */
export interface Anchor extends ChainHead {
  atMs: number;
}

export type ChainLine = Record<string, unknown> & ChainHead & { previous: string };

/** Before the first line. */
export const GENESIS: ChainHead = { sequence: 0, hash: '0'.repeat(64) };

const HASH_FIELD = ',"hash":"';

/** Makes a line, without the line feed, and the head after it. */
export function chainLine(head: ChainHead, fields: object): { line: string; head: ChainHead } {
  const sequence = head.sequence + 1;
  const body = JSON.stringify({ sequence, previous: head.hash, ...fields }).slice(0, -1);
  const hash = sha256(body);
  return { line: `${body}${HASH_FIELD}${hash}"}`, head: { sequence, hash } };
}

/** Parses a line and checks its own hash; the caller checks that it follows the line before. */
export function parseChainLine(line: string): ChainLine | undefined {
  const at = line.lastIndexOf(HASH_FIELD);
  try {
    const fields = JSON.parse(line);
    const right =
      at > 0 && fields.hash === sha256(line.slice(0, at)) && Number.isSafeInteger(fields.sequence);
    return right ? fields : undefined;
  } catch {
    return undefined;
  }
}

/** Lines about the audit itself. */
export type AuditMark = TornMark | StartMark | RemovalMark;

/** The bytes before it are an unfinished line that a crash left. */
export interface TornMark {
  event: 'torn-line';
  bytes: number;
  sha256: string;
}

/** The file did not fit its anchor: the chain begins anew, after the anchor. */
export interface StartMark {
  event: 'chain-started';
  reason: string;
  /** Folder beside the file that has the lines before; absent where there were none. */
  keptIn?: string;
}

/** The oldest lines were removed after their retention. */
export interface RemovalMark {
  event: 'lines-removed';
  reason: 'age' | 'size';
  /** Sequences. */
  first: number;
  last: number;
  /** The hash of the last removed line. */
  lastHash: string;
}

export function tornMark(fragment: Buffer): TornMark {
  return { event: 'torn-line', bytes: fragment.length, sha256: sha256(fragment) };
}

export function isRemoval(mark: AuditMark): mark is RemovalMark {
  return mark.event === 'lines-removed';
}

export function removalMarkOf(fields: Record<string, unknown>): RemovalMark | undefined {
  return fields.event === 'lines-removed' ? (fields as unknown as RemovalMark) : undefined;
}

const MARKS: ReadonlySet<unknown> = new Set<AuditMark['event']>([
  'torn-line',
  'chain-started',
  'lines-removed',
]);

/** Whether a line is about the audit itself. */
export function isMark({ event }: Record<string, unknown>): boolean {
  return MARKS.has(event);
}

function sha256(text: string | Buffer): string {
  return digest('sha256', text, 'hex');
}
