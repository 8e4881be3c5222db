import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  type Anchor,
  type ChainHead,
  chainLine,
  GENESIS,
  parseChainLine,
  type StartMark,
  tornMark,
} from './chain.ts';
import { bytesOf, linesOf, type RawLine } from './raw-lines.ts';
import { verifyAudit } from './read-chain.ts';
import { asideFolder, listRotatedFiles, moveInto, type RotatedFile } from './rotated-files.ts';
import { firstRecord } from './search.ts';

/** What state keeps of a chain, beside its files. */
export interface ChainKeeper {
  /** The head that state had last. @throws errors of state */
  anchor(): Promise<Anchor | undefined>;
  /** Called before the files are moved. @throws errors of state; then nothing is moved */
  recordStart(start: ChainStart): Promise<void>;
  /** Every new beginning that state has. @throws errors of state */
  starts(): Promise<readonly ChainStart[]>;
  /** The last line that may have been removed after its retention. @throws errors of state */
  removedThrough(): Promise<number>;
  /** Called before the mark of a removal is written. @throws errors of state; then nothing is removed */
  recordRemoval(last: number): Promise<void>;
}

/** A new beginning of a chain whose files did not fit. */
export interface ChainStart {
  atMs: number;
  reason: string;
  /** Folder that the files before were moved to; absent where there were none. */
  keptIn?: string;
  /** What state had of the chain before. */
  anchor?: Anchor;
  /** The first line of the new one. */
  first: ChainHead;
}

export interface OpenChain {
  handle: FileHandle;
  /** What the file has, as far as we read or wrote it. */
  size: number;
  /** The time of its first line; absent without one. */
  startedAtMs?: number;
  head: ChainHead;
}

const NEWLINE = 10;
/** How much of the end of a file is read to find its last line, which has some 500 bytes. */
const TAIL_BYTES = 64 * 1024;
/** The most that a crash can leave of the first line of a file. */
const FIRST_LINE_BYTES = 4 * 1024;

/**
 * Opens the newest file of an audit for appending. Marks an unfinished line that a crash left. Where the files lack the anchored
 * line, or the end is no line of ours, it puts all files aside and begins the chain anew, after the anchor.
 */
export async function openChain(options: {
  file: string;
  writer: string;
  nowMs: () => number;
  /** A head that is newer than the anchor in state. */
  newest: Anchor | undefined;
  keeper: ChainKeeper | undefined;
}): Promise<OpenChain> {
  const { file, writer, nowMs, keeper } = options;
  const anchor = laterOf(options.newest, await keeper?.anchor());
  let handle = await open(file, 'a+', 0o600);
  try {
    const end = await endOfChain(file, handle);
    const reason = typeof end === 'string' ? end : await findMisfit(file, end.head, anchor, keeper);
    if (typeof end !== 'string' && reason === undefined) {
      // A state that is newer than the chain takes its beginning as it is.
      if (anchor === undefined) await keeper?.recordRemoval(await linesBefore(file));
      return await describe(handle, await finishLastLine(handle, end, writer, nowMs()));
    }
    await handle.close();
    const start = await putAside(reason ?? '');
    handle = await open(file, 'a+', 0o600);
    await writeDurably(handle, `${start.line}\n`);
    return await describe(handle, start.head);
  } catch (error) {
    await handle.close().catch(() => {});
    throw error;
  }

  /** Moves all files aside; returns the first line of the new chain, which state knows before the files move. */
  async function putAside(reason: string): Promise<{ line: string; head: ChainHead }> {
    const atMs = nowMs();
    const isEmpty = (await stat(file)).size === 0 && (await listRotatedFiles(file)).length === 0;
    const folder = isEmpty ? undefined : await asideFolder(file, atMs);
    const keptIn = folder === undefined ? {} : { keptIn: basename(folder) };
    const mark: StartMark = { event: 'chain-started', reason, ...keptIn };
    const at = new Date(atMs).toISOString();
    const start = chainLine(anchor ?? GENESIS, {
      writer,
      at,
      ...mark,
      ...(anchor && { anchoredAtMs: anchor.atMs }),
    });
    await keeper?.recordStart({ atMs, reason, ...keptIn, ...(anchor && { anchor }), first: start.head });
    if (folder !== undefined) {
      await mkdir(folder, { mode: 0o700 });
      await moveInto(folder, file);
    }
    return start;
  }
}

function laterOf(a: Anchor | undefined, b: Anchor | undefined): Anchor | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.sequence >= b.sequence ? a : b;
}

/** Why the files do not have the anchored line, or undefined. */
async function findMisfit(
  file: string,
  head: ChainHead,
  anchor: Anchor | undefined,
  keeper: ChainKeeper | undefined,
): Promise<string | undefined> {
  if (anchor === undefined || (anchor.sequence === head.sequence && anchor.hash === head.hash))
    return undefined;
  const { problems } = await verifyAudit(file, {
    anchor,
    from: anchor.sequence,
    ...(keeper && { starts: await keeper.starts(), removedThrough: keeper.removedThrough }),
  });
  const [first] = problems;
  return first && `${basename(first.file)}${first.line > 0 ? `, line ${first.line}` : ''}: ${first.detail}`;
}

/** How many lines came before the oldest one that is left. */
async function linesBefore(file: string): Promise<number> {
  const [oldest] = await listRotatedFiles(file);
  const first = await firstRecord(oldest?.path ?? file, oldest?.packed === true);
  return first ? first.sequence - 1 : 0;
}

interface ChainEnd {
  head: ChainHead;
  /** The bytes after the last valid line. */
  rest: Buffer;
}

/** The last valid line, or why there is none. */
async function endOfChain(file: string, handle: FileHandle): Promise<ChainEnd | string> {
  const last = (await listRotatedFiles(file)).at(-1);
  const before = last ? await headOfRotated(last) : GENESIS;
  if (before === undefined) return `${basename(last?.path ?? '')} does not end with a line of the audit`;
  return (await readEnd(handle, before)) ?? `${basename(file)} does not end with a line of the audit`;
}

async function headOfRotated({ path, last, packed }: RotatedFile): Promise<ChainHead | undefined> {
  const handle = await open(path, 'r');
  if (!packed) {
    const end = await readEnd(handle, GENESIS).finally(() => handle.close());
    return end?.head.sequence === last ? end.head : undefined;
  }
  let newest: RawLine | undefined;
  try {
    for await (const lines of linesOf(bytesOf(handle, packed))) newest = lines.at(-1);
  } catch {
    return undefined;
  }
  const line = newest && parseChainLine(newest.bytes.toString('utf8'));
  return line?.sequence === last ? { sequence: line.sequence, hash: line.hash } : undefined;
}

/** Ends or marks an unfinished last line; returns the head then. */
async function finishLastLine(
  handle: FileHandle,
  { head: last, rest }: ChainEnd,
  writer: string,
  nowMs: number,
): Promise<ChainHead> {
  if (rest.length === 0) return last;
  // The line lacks nothing but the line feed.
  const whole = parseChainLine(rest.toString('utf8'));
  if (whole?.previous === last.hash) {
    await writeDurably(handle, '\n');
    return { sequence: whole.sequence, hash: whole.hash };
  }
  const ended = rest.at(-1) === NEWLINE;
  const mark = tornMark(ended ? rest.subarray(0, -1) : rest);
  const { line, head } = chainLine(last, { writer, at: new Date(nowMs).toISOString(), ...mark });
  await writeDurably(handle, `${ended ? '' : '\n'}${line}\n`);
  return head;
}

/**
 * Finds the last valid line and the bytes after it; `before` if there is no line yet. Undefined if no valid line is near
 * the end.
 */
async function readEnd(handle: FileHandle, before: ChainHead): Promise<ChainEnd | undefined> {
  const { size } = await handle.stat();
  const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
  await handle.read(tail, 0, tail.length, size - tail.length);
  let end = tail.lastIndexOf(NEWLINE);
  while (end >= 0) {
    const start = end === 0 ? 0 : tail.lastIndexOf(NEWLINE, end - 1) + 1;
    const fields = parseChainLine(tail.toString('utf8', start, end));
    if (fields) {
      return { head: { sequence: fields.sequence, hash: fields.hash }, rest: tail.subarray(end + 1) };
    }
    end = start - 1;
  }
  return size <= FIRST_LINE_BYTES ? { head: before, rest: tail } : undefined;
}

async function describe(handle: FileHandle, head: ChainHead): Promise<OpenChain> {
  const { size } = await handle.stat();
  const text = Buffer.alloc(Math.min(size, TAIL_BYTES));
  await handle.read(text, 0, text.length, 0);
  const [first = ''] = text.toString('utf8').split('\n', 1);
  const startedAtMs = Date.parse(String(parseChainLine(first)?.at));
  return { handle, size, head, ...(!Number.isNaN(startedAtMs) && { startedAtMs }) };
}

async function writeDurably(handle: FileHandle, text: string): Promise<void> {
  await handle.appendFile(text);
  await handle.datasync();
}
