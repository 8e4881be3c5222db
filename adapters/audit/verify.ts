import { hash as digest } from 'node:crypto';
import {
  type Anchor,
  type ChainHead,
  type ChainLine,
  GENESIS,
  isMark,
  parseChainLine,
  removalMarkOf,
} from './chain.ts';
import type { RawLine } from './raw-lines.ts';

/** Where a chain was begun anew, as state has it. */
export interface KnownStart {
  /** The first line. */
  first: ChainHead;
}

export interface ChainProblem {
  /**
   * `changed`: a line lacks its own hash. `missing`: lines are not there. `misplaced`: a line that was inserted, moved or
   * repeated. `replaced`: lines are whole, and others than before.
   */
  kind: 'changed' | 'missing' | 'misplaced' | 'replaced' | 'unreadable';
  file: string;
  /** From 1; 0 for the file as a whole. */
  line: number;
  detail: string;
}

export interface ChainVerdict {
  ok: boolean;
  /** First sequence; 0 without lines. */
  first: number;
  /** Lines about accesses and actions; those about the audit itself are not counted. */
  entries: number;
  /** Unfinished lines that a crash left, each with its mark. */
  repaired: number;
  /** Bytes after the last line feed: of a line that is being written, or that a crash left. */
  unfinished: number;
  head: ChainHead;
  /** Lines after the anchor: only the next anchor proves that none of them was removed. */
  unanchored: number;
  /** The newest removal of old lines that the chain records. */
  removed?: { first: number; last: number; reason: string; at: string };
  problems: readonly ChainProblem[];
  /** Problems beyond those listed. */
  moreProblems: number;
}

const MOST_PROBLEMS = 20;
/** Bytes of unfinished lines that are kept in order to compare them with their mark. */
const MOST_TORN_BYTES = 1024 * 1024;

/**
 * Verifies the lines of one chain, in their order, and goes on after a problem. Without an anchor nobody sees that the newest
 * lines, or all of them, were exchanged; without `starts` the record of a new beginning in the file is believed.
 */
export function createChainVerifier(options: {
  anchor?: Anchor;
  starts?: readonly KnownStart[];
  /** Only the newest files are read. */
  isPartial?: boolean;
}) {
  const { anchor, starts, isPartial = false } = options;
  const problems: (ChainProblem & { through?: number })[] = [];
  let moreProblems = 0;
  let head: ChainHead | undefined;
  let first: ChainLine | undefined;
  let firstAt: Pick<ChainProblem, 'file' | 'line'> = { file: '', line: 0 };
  let [entries, repaired, unfinished] = [0, 0, 0];
  let torn: { pieces: Buffer[]; bytes: number; isEnded: boolean; file: string; line: number } | undefined;
  let removed: ChainVerdict['removed'];
  const removals: { last: number; lastHash: string; at: Pick<ChainProblem, 'file' | 'line'> }[] = [];
  /** The first line says that the chain began anew, and state does not. */
  let isUnknownStart = false;
  /** Whether the anchored line was there, and right. */
  let anchored: 'unseen' | 'right' | 'wrong' = 'unseen';

  /** `through`: the last missing line. */
  function report(problem: ChainProblem & { through?: number }): void {
    if (problems.length < MOST_PROBLEMS) problems.push(problem);
    else moreProblems++;
  }

  function addTorn({ bytes, number, isEnded, isCut }: RawLine, file: string): void {
    torn ??= { pieces: [], bytes: 0, isEnded, file, line: number };
    if (torn.pieces.length > 0) torn.pieces.push(Buffer.from('\n'));
    torn.pieces.push(Buffer.from(bytes));
    torn.bytes += bytes.length + 1;
    torn.isEnded = isEnded;
    if (torn.bytes > MOST_TORN_BYTES || isCut) {
      reportTorn('changed, or not a line of the audit');
      torn = undefined;
    }
  }

  function reportTorn(detail: string): void {
    if (torn) report({ kind: 'changed', file: torn.file, line: torn.line, detail });
  }

  /** Whether the chain may begin with this line. */
  function checkFirst(line: ChainLine): void {
    const before = { sequence: line.sequence - 1, hash: line.previous };
    head = before;
    if (before.sequence === 0 && before.hash === GENESIS.hash) return;
    if (line.event === 'chain-started') {
      const isKnown = starts?.some(
        (start) => start.first.sequence === line.sequence && start.first.hash === line.hash,
      );
      isUnknownStart = isKnown === false;
    }
  }

  function take(line: ChainLine, raw: RawLine, file: string): void {
    const at = { file, line: raw.number };
    if (first === undefined) {
      first = line;
      firstAt = at;
      checkFirst(line);
    }
    const last = head as ChainHead;
    const { sequence } = line;
    if (sequence > last.sequence + 1) {
      const [from, to] = [last.sequence + 1, sequence - 1];
      report({ ...at, kind: 'missing', detail: `${range(from, to)} before it`, through: to });
    } else if (sequence <= last.sequence) {
      const detail = `line ${sequence} comes after line ${last.sequence}`;
      report({ ...at, kind: 'misplaced', detail });
    } else if (line.previous !== last.hash) {
      report({ ...at, kind: 'replaced', detail: `line ${sequence} does not follow the line before it` });
    }
    // A line that was repeated or moved does not change what comes next.
    if (sequence > last.sequence) head = { sequence, hash: line.hash };
    if (!isMark(line)) entries++;
    const mark = removalMarkOf(line);
    if (mark) {
      removals.push({ last: mark.last, lastHash: mark.lastHash, at });
      removed = { first: mark.first, last: mark.last, reason: mark.reason, at: String(line.at) };
    }
    if (sequence === anchor?.sequence && anchored === 'unseen') {
      anchored = line.hash === anchor.hash ? 'right' : 'wrong';
      if (anchored === 'wrong') report({ ...at, kind: 'replaced', detail: otherThanAnchor(anchor) });
    }
  }

  /** The chain was begun anew after the anchor, and no later one was kept since. */
  function continues(before: ChainHead): boolean {
    return (
      first?.event === 'chain-started' &&
      first.sequence === before.sequence + 1 &&
      first.previous === before.hash
    );
  }

  function anchorProblem(before: Anchor, end: ChainHead, file: string): ChainProblem {
    const had = `line ${before.sequence} was there at ${new Date(before.atMs).toISOString()}`;
    if (first && first.sequence > before.sequence)
      return { ...firstAt, kind: 'replaced', detail: `it begins with line ${first.sequence}, but ${had}` };
    const ends = first ? `it ends with line ${end.sequence}` : 'it is missing or empty';
    return { kind: 'missing', file, line: 0, detail: `${ends}, but ${had}` };
  }

  return {
    /** Takes the lines of one chunk of a file. */
    add(chunk: readonly RawLine[], file: string): void {
      for (const raw of chunk) {
        const line = raw.isCut ? undefined : parseChainLine(raw.bytes.toString('utf8'));
        if (line === undefined) {
          addTorn(raw, file);
          continue;
        }
        if (torn) {
          if (line.event === 'torn-line' && line.sha256 === sha256(Buffer.concat(torn.pieces))) repaired++;
          else reportTorn('changed, or not finished and not marked so');
          torn = undefined;
        }
        take(line, raw, file);
      }
    },
    /** The file ends. A line without an end is one that is being written, if no file follows. */
    endFile({ isNewest }: { isNewest: boolean }): void {
      if (!torn) return;
      if (isNewest && !torn.isEnded && torn.pieces.length === 1) unfinished = torn.bytes - 1;
      else reportTorn('changed, or not finished and not marked so');
      torn = undefined;
    },
    unreadable(file: string, detail: string): void {
      torn = undefined;
      report({ kind: 'unreadable', file, line: 0, detail });
    },
    /** `removedThrough`: what state knows of removals; without it their records in the file are believed. */
    finish(file: string, removedThrough?: number): ChainVerdict {
      const isKnown = ({ last }: { last: number }) => last <= (removedThrough ?? Number.POSITIVE_INFINITY);
      const known = removals.filter(isKnown);
      const unknown = removals.find((removal) => !isKnown(removal));
      if (first && isUnknownStart && first.sequence > (removedThrough ?? 0) + 1) {
        const detail = 'the chain begins anew here, and state has no record of that';
        report({ ...firstAt, kind: 'replaced', detail });
      }
      if (first !== undefined && first.event !== 'chain-started' && !isPartial) {
        const before = first.sequence - 1;
        const { previous } = first;
        const isRecorded = known.some(
          ({ last, lastHash }) => last > before || (last === before && lastHash === previous),
        );
        if (before > 0 && !isRecorded)
          report({ ...firstAt, kind: 'missing', detail: `${range(1, before)}, and no line records why` });
      }
      // Old lines may be removed while they are read.
      const removedTo = Math.max(0, ...known.map(({ last }) => last));
      const found = problems.filter(({ through }) => through === undefined || through > removedTo);
      const end = head ?? GENESIS;
      if (anchor && anchored === 'unseen' && !continues(anchor)) found.push(anchorProblem(anchor, end, file));
      if (unknown) {
        const detail = `it says that lines up to ${unknown.last} were removed, and state has no record of that`;
        found.push({ ...unknown.at, kind: 'replaced', detail });
      }
      return {
        ok: found.length === 0,
        first: first?.sequence ?? 0,
        entries,
        repaired,
        unfinished,
        head: end,
        unanchored: Math.max(0, end.sequence - (anchor?.sequence ?? 0)),
        ...(removed && { removed }),
        problems: found.map(({ through: _, ...problem }) => problem),
        moreProblems,
      };
    },
  };
}

function otherThanAnchor({ sequence, atMs }: Anchor): string {
  return `line ${sequence} is another one than at ${new Date(atMs).toISOString()}`;
}

function range(from: number, to: number): string {
  return from === to ? `line ${from} is missing` : `lines ${from} to ${to} are missing`;
}

function sha256(bytes: Buffer): string {
  return digest('sha256', bytes, 'hex');
}
