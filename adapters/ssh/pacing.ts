import type { Readable } from 'node:stream';
import { loopWatch } from '../event-loop/loop-watch.ts';

/**
 * Reading from servers may take this long in one turn of the event loop; the rest waits for the next turn, so that timers
 * and other connections get theirs. One more piece may start just before the limit.
 */
const TURN_MS = 10;
/**
 * Read at a time. The worst that fits are 110 packets that need an answer, at 60 µs each; a key exchange takes up to 16 ms
 * whatever its size.
 */
const PIECE_BYTES = 4 * 1024;

/** Shares each turn of the event loop among the streams of all servers, so that none can block it. */
export interface Pacing {
  /** Delivers what arrives on `stream` in pieces, when there is time. Call it before anybody reads the stream. */
  pace(stream: Readable): void;
  /** How long the bytes that are read now waited since they arrived, here or in a blocked loop. */
  waitedMs(): number;
}

interface Waiting {
  stream: Readable;
  push: Readable['push'];
  /** `null` is the end of the stream. */
  pieces: { bytes: Buffer | null; cameMs: number }[];
}

export function createPacing(
  loop: {
    nowMs: () => number;
    /** How long the loop was blocked while the bytes that are read now waited. */
    blockedMs: () => number;
    /** Calls back after timers and sockets had their turn. */
    nextTurn: (callback: () => void) => void;
  } = { nowMs: () => performance.now(), blockedMs: loopWatch.waitedMs, nextTurn: setImmediate },
): Pacing {
  const { nowMs, blockedMs, nextTurn } = loop;
  /** Streams with pieces left, each once; the first is next. */
  const queue: Waiting[] = [];
  let turnBegun = false;
  let spentMs = 0;
  /** Set while a piece is read. A piece may hold packets for a stream inside this one (a node behind a bastion). */
  let pieceBeganMs: number | undefined;
  /** How long the piece that is read had to wait, if it had to. */
  let pieceWaitedMs: number | undefined;

  function hasTime(): boolean {
    return spentMs + (pieceBeganMs === undefined ? 0 : nowMs() - pieceBeganMs) < TURN_MS;
  }

  function beginTurn(): void {
    if (turnBegun) return;
    turnBegun = true;
    nextTurn(() => {
      turnBegun = false;
      spentMs = 0;
      if (queue.length === 0) return;
      beginTurn();
      readQueue();
    });
  }

  /** Reads one piece of each stream in turn, while there is time. */
  function readQueue(): void {
    while (queue.length > 0 && hasTime()) {
      const waiting = queue.shift() as Waiting;
      const { bytes, cameMs } = waiting.pieces.shift() as Waiting['pieces'][number];
      if (waiting.stream.destroyed) continue;
      pieceWaitedMs = nowMs() - cameMs;
      read(waiting, bytes);
      pieceWaitedMs = undefined;
      if (waiting.pieces.length > 0) queue.push(waiting);
    }
  }

  function read({ stream, push }: Waiting, bytes: Buffer | null): boolean {
    if (pieceBeganMs !== undefined) return push.call(stream, bytes);
    pieceBeganMs = nowMs();
    try {
      return push.call(stream, bytes);
    } finally {
      spentMs += nowMs() - pieceBeganMs;
      pieceBeganMs = undefined;
    }
  }

  function waitedMs(): number {
    return pieceWaitedMs ?? blockedMs();
  }

  return {
    waitedMs,
    pace(stream) {
      const waiting: Waiting = { stream, push: stream.push, pieces: [] };
      stream.push = (chunk: Buffer | null) => {
        beginTurn();
        let at = 0;
        let more = true;
        if (waiting.pieces.length === 0) {
          if (chunk === null) return read(waiting, chunk);
          for (; at < chunk.length && hasTime() && !stream.destroyed; at += PIECE_BYTES) {
            more = read(waiting, chunk.subarray(at, at + PIECE_BYTES));
          }
          if (at >= chunk.length || stream.destroyed) return more;
          queue.push(waiting);
        }
        const cameMs = nowMs() - waitedMs();
        waiting.pieces.push(...piecesOf(chunk, at).map((bytes) => ({ bytes, cameMs })));
        // Tells the source to pause: the stream asks for more when these pieces were read.
        return false;
      };
    },
  };
}

function piecesOf(chunk: Buffer | null, from: number): (Buffer | null)[] {
  if (chunk === null) return [null];
  const count = Math.ceil((chunk.length - from) / PIECE_BYTES);
  return Array.from({ length: count }, (_, i) =>
    chunk.subarray(from + i * PIECE_BYTES, from + (i + 1) * PIECE_BYTES),
  );
}

/** Each thread has one event loop. */
export const pacing = createPacing();
