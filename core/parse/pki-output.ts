import { findFrame, isName, parseNumber } from './reading.ts';

/** A certificate of a file: base64 of its DER, and the label `file` that its samples have. */
export interface FileCertificate {
  file: string;
  base64: string;
}

/** Names of one kind: as many as the script printed, and how many there are. */
export interface Named {
  names: string[];
  count: number;
}

export interface PkiOutput {
  certificates: FileCertificate[];
  /** Files and folders that our user cannot read. */
  unreadable: Named;
  /** Paths of the check where nothing is. */
  missing: Named;
  /** Why something is lacking as a whole, as the end of a sentence; undefined: the script got through. */
  cutShort: string | undefined;
  /** What was left out, for people. */
  notes: string[];
}

/** The script prints no more; a node that sends more makes us no more work. */
const MAX_CERTIFICATES = 500;
const MAX_BASE64 = 22_000;
const MAX_PATH = 1_024;
/** Exit codes of a command that `timeout` ended: GNU's, and 128 + SIGTERM. */
const LATE: readonly unknown[] = [124, 143];
const NOT_FOUND = 127;

const REASONS = [
  ['large', 'larger than 256 KiB'],
  ['linked', 'links to folders'],
  ['other', 'no regular files'],
  ['odd', 'a control character in the name'],
  ['many', 'beyond the first 4,096 files'],
  ['earlier', 'earlier versions of a certificate that has a link to its current one'],
] as const;

/**
 * Reads what the script `pki 1` printed. Undefined if the output as a whole is not there: no script ran, or it was cut off.
 */
export function parsePki(output: string): PkiOutput | undefined {
  const frame = findFrame(output, 'pki 1');
  const read = /^@read (\d{1,3})$/.exec(frame?.findLast((line) => line.startsWith('@read ')) ?? '');
  if (!frame || !read) return undefined;
  const counts = new Map<string, number>();
  const names = new Map<string, string[]>();
  let listed = 0;
  for (const line of frame) {
    const [, reason = '', rest = ''] = /^@([a-z]+) ?(.*)$/.exec(line) ?? [];
    if (reason === 'count') {
      const [, what = '', count] = /^@([a-z]+) (\d+)$/.exec(rest) ?? [];
      counts.set(what, parseNumber(count) ?? 0);
    } else if (reason === 'listed') listed = parseNumber(rest) ?? 0;
    else if (isName(rest, MAX_PATH)) {
      const known = names.get(reason);
      if (known) known.push(rest);
      else names.set(reason, [rest]);
    }
  }
  const named = (reason: string): Named => {
    const known = (names.get(reason) ?? []).sort();
    return { names: known, count: Math.max(known.length, counts.get(reason) ?? 0) };
  };
  const { certificates, notes } = readCertificates(frame);
  for (const [reason, text] of REASONS) {
    const left = named(reason);
    if (left.count > 0) notes.push(`left out, ${text}: ${listText(left)}`);
  }
  const errors = named('error');
  if (errors.count > 0) notes.push(`could not be listed: ${listText(errors)}`);
  return {
    certificates,
    unreadable: named('closed'),
    missing: named('missing'),
    cutShort: cutShort('find', listed) ?? cutShort('awk', Number(read[1])),
    notes,
  };
}

/** find ends with 1 where it could not read a folder. */
function cutShort(command: 'find' | 'awk', code: number): string | undefined {
  if (code === 0 || (command === 'find' && code === 1)) return undefined;
  if (code === NOT_FOUND) return `there is no ${command} on the node`;
  return LATE.includes(code)
    ? `${command} was ended, as it took too long: a file system that hangs?`
    : `${command} ended with code ${code}`;
}

function readCertificates(frame: readonly string[]): Pick<PkiOutput, 'certificates' | 'notes'> {
  const certificates: FileCertificate[] = [];
  const bodies: string[] = [];
  const broken: string[] = [];
  const beyond: string[] = [];
  let unnamed = 0;
  let dropped = 0;
  let path: string | undefined;
  let seen = new Map<string, number>();
  for (const line of frame) {
    const space = line.indexOf(' ');
    if (space < 0) continue;
    const [kind, rest] = [line.slice(0, space), line.slice(space + 1)];
    if (kind === 'file') {
      path = isName(rest, MAX_PATH) ? rest : undefined;
      seen = new Map();
      if (path === undefined) unnamed++;
    } else if (path !== undefined && kind === 'broken') broken.push(path);
    else if (path !== undefined && kind === 'beyond') beyond.push(path);
    else if (kind === 'pem' || kind === 'user' || kind === 'cluster') {
      const known = /^=\d{1,4}$/.test(rest);
      const base64 = known ? bodies[Number(rest.slice(1)) - 1] : rest;
      if (!known) bodies.push(rest);
      const nth = (seen.get(kind) ?? 0) + 1;
      seen.set(kind, nth);
      if (path === undefined) continue;
      if (base64 === undefined || base64.length > MAX_BASE64 || certificates.length >= MAX_CERTIFICATES)
        dropped++;
      else certificates.push({ file: labelOf(path, kind, nth), base64 });
    }
  }
  const notes: string[] = [];
  const note = (what: string, list: string[]) => {
    if (list.length > 0) notes.push(`${what}: ${listText({ names: list.sort(), count: list.length })}`);
  };
  note('a certificate that is damaged or not whole', broken);
  note('more certificates than the script prints', beyond);
  if (unnamed > 0) notes.push(`${unnamed} files whose name is no text`);
  if (dropped > 0) notes.push(`${dropped} certificates too many, or without an end`);
  return { certificates, notes };
}

/** The path alone is the first certificate of a PEM file. A kubeconfig has those of users and of authorities. */
function labelOf(path: string, kind: 'pem' | 'user' | 'cluster', nth: number): string {
  if (kind === 'pem') return nth === 1 ? path : `${path}#${nth}`;
  return `${path}#${kind}${nth === 1 ? '' : nth}`;
}

const MOST_NAMES = 32;

/** All names of a note that the script printed. The note is where an operator looks them up. */
export function listText({ names, count }: Named): string {
  const shown = names.slice(0, MOST_NAMES);
  if (shown.length === 0) return String(count);
  const more = count - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
