import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { listRotatedFiles } from './rotated-files.ts';

/**
 * A line of the audit is a JSON object that ends with the field `hash`: the SHA-256 of the text before that field.
 * `previous` is the hash of the line before, so that changing, removing or inserting a line changes all later hashes.
 */
export interface ChainHead {
  sequence: number;
  hash: string;
}

/** Before the first line. */
export const GENESIS: ChainHead = { sequence: 0, hash: '0'.repeat(64) };

const NEWLINE = Buffer.from('\n');
const HASH_FIELD = ',"hash":"';

/** Makes a line, without the line feed, and the head after it. */
export function chainLine(
  head: ChainHead,
  fields: Record<string, unknown>,
): { line: string; head: ChainHead } {
  const sequence = head.sequence + 1;
  const body = JSON.stringify({ sequence, previous: head.hash, ...fields }).slice(0, -1);
  const hash = sha256(body);
  return { line: `${body}${HASH_FIELD}${hash}"}`, head: { sequence, hash } };
}

/** Parses a line and checks its own hash; the caller checks that it follows the line before. */
export function parseChainLine(
  line: string,
): (Record<string, unknown> & ChainHead & { previous: string }) | undefined {
  const at = line.lastIndexOf(HASH_FIELD);
  try {
    const fields = JSON.parse(line);
    const right = at > 0 && fields.hash === sha256(line.slice(0, at)) && typeof fields.sequence === 'number';
    return right ? fields : undefined;
  } catch {
    return undefined;
  }
}

/** Marks the bytes before it as an unfinished line that a crash left. */
export function tornMarker(fragment: Buffer) {
  return { event: 'torn-line', bytes: fragment.length, sha256: sha256(fragment) };
}

export type AuditVerdict =
  | {
      ok: true;
      /** First sequence: 1, unless older files were removed. */
      first: number;
      entries: number;
      repaired: number;
      head: ChainHead;
    }
  | { ok: false; file: string; line: number; problem: string };

/**
 * Verifies the whole chain over all rotated files that are left; it starts with the oldest one. An unfinished line is valid
 * only if the next line marks it.
 */
export async function verifyAudit(file: string): Promise<AuditVerdict> {
  let head: ChainHead | undefined;
  let [first, entries, repaired] = [0, 0, 0];
  for (const each of [...(await listRotatedFiles(file)), file]) {
    const verdict = await verifyFile(each, head);
    if (!verdict.ok) return verdict;
    head = verdict.head;
    first ||= verdict.first;
    entries += verdict.entries;
    repaired += verdict.repaired;
  }
  return { ok: true, first, entries, repaired, head: head ?? GENESIS };
}

async function verifyFile(file: string, before: ChainHead | undefined): Promise<AuditVerdict> {
  let head = before;
  let [first, entries, repaired, number] = [0, 0, 0, 0];
  let torn: { bytes: Buffer; line: number } | undefined;
  // latin1 keeps every byte, so that a fragment can be hashed unchanged.
  const input = createReadStream(file, 'latin1');
  for await (const raw of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number++;
    const bytes = Buffer.from(raw, 'latin1');
    const fields = parseChainLine(bytes.toString('utf8'));
    if (fields === undefined) {
      torn = {
        bytes: torn ? Buffer.concat([torn.bytes, NEWLINE, bytes]) : bytes,
        line: torn?.line ?? number,
      };
      continue;
    }
    if (torn) {
      const marker = tornMarker(torn.bytes);
      if (fields.event !== marker.event || fields.sha256 !== marker.sha256) break;
      repaired++;
      entries--;
      torn = undefined;
    }
    // Trusts the oldest file that is left about the line before it, but not a line that claims to be the very first.
    first ||= fields.sequence;
    head ??= fields.sequence === 1 ? GENESIS : { sequence: fields.sequence - 1, hash: fields.previous };
    const wrong = (problem: string) => ({ ok: false, file, line: number, problem }) as const;
    if (fields.sequence !== head.sequence + 1)
      return wrong(`sequence ${fields.sequence} follows ${head.sequence}`);
    if (fields.previous !== head.hash) return wrong('does not follow the line before');
    head = { sequence: fields.sequence, hash: fields.hash };
    entries++;
  }
  if (torn)
    return { ok: false, file, line: torn.line, problem: 'changed, or not finished and not marked so' };
  return { ok: true, first, entries, repaired, head: head ?? GENESIS };
}

function sha256(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex');
}
