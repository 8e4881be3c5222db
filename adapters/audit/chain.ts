import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { listParts } from './parts.ts';

/**
 * One line of the audit is a JSON object that ends with the field `hash`: the SHA-256 of the line's text in front of
 * it. The line's `previous` is the hash of the line before, so that none can be changed, removed or put in between
 * without all later ones changing.
 */
export interface ChainHead {
  sequence: number;
  hash: string;
}

/** Before the first line. */
export const GENESIS: ChainHead = { sequence: 0, hash: '0'.repeat(64) };

const NEWLINE = Buffer.from('\n');
const HASH_FIELD = ',"hash":"';

/** A line, without its end, and the head after it. */
export function chainLine(
  head: ChainHead,
  fields: Record<string, unknown>,
): { line: string; head: ChainHead } {
  const sequence = head.sequence + 1;
  const body = JSON.stringify({ sequence, previous: head.hash, ...fields }).slice(0, -1);
  const hash = sha256(body);
  return { line: `${body}${HASH_FIELD}${hash}"}`, head: { sequence, hash } };
}

/** A line's fields, if its own hash is right; whether it follows another is the caller's question. */
export function readLine(
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

/** Marks what stands before it as left unfinished by a crash: usually the part of a line. */
export function tornMarker(fragment: Buffer) {
  return { event: 'torn-line', bytes: fragment.length, sha256: sha256(fragment) };
}

export type AuditVerdict =
  | {
      ok: true;
      /** Sequence it begins with: 1, or older lines were taken away. */
      first: number;
      entries: number;
      repaired: number;
      head: ChainHead;
    }
  | { ok: false; file: string; line: number; problem: string };

/**
 * Reads the whole chain again, over all parts that are there; where older ones were taken away it begins with the oldest
 * that is left. What a crash left unfinished is right only if the line after it says so.
 */
export async function verifyAudit(file: string): Promise<AuditVerdict> {
  let head: ChainHead | undefined;
  let [first, entries, repaired] = [0, 0, 0];
  for (const part of [...(await listParts(file)), file]) {
    const verdict = await verifyPart(part, head);
    if (!verdict.ok) return verdict;
    head = verdict.head;
    first ||= verdict.first;
    entries += verdict.entries;
    repaired += verdict.repaired;
  }
  return { ok: true, first, entries, repaired, head: head ?? GENESIS };
}

async function verifyPart(file: string, before: ChainHead | undefined): Promise<AuditVerdict> {
  let head = before;
  let [first, entries, repaired, number] = [0, 0, 0, 0];
  let torn: { bytes: Buffer; line: number } | undefined;
  // latin1 keeps every byte, so that a fragment can be hashed as it is.
  const input = createReadStream(file, 'latin1');
  for await (const raw of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number++;
    const bytes = Buffer.from(raw, 'latin1');
    const fields = readLine(bytes.toString('utf8'));
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
    // The oldest part that is left is taken at its word for what was before it; the very first line is not.
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
