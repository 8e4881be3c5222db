// The child's end of the messages: requests in, answers out in pieces, each when the client has room for it.

import type { HistoryService } from '../history/service.ts';
import type { FromChild, HistoryRequest, ToChild } from './history-messages.ts';

/** The process holds about two pieces for a client. */
const PIECE_BYTES = 256 * 1024;

type Post = (message: FromChild) => void;

export interface Exchange {
  /** Handles messages about requests. */
  receive(message: Extract<ToChild, { kind: 'request' | 'more' | 'gone' | 'ping' }>): void;
}

interface Running {
  leaving: AbortController;
  /** Once there is an answer. */
  pieces?: Pieces;
}

export function createExchange(service: Pick<HistoryService, 'answer'>, post: Post): Exchange {
  const running = new Map<number, Running>();

  async function begin(id: number, { url, caller, ...init }: HistoryRequest): Promise<void> {
    const one: Running = { leaving: new AbortController() };
    running.set(id, one);
    const { signal } = one.leaving;
    const { status, headers, body } = await service.answer(new Request(url, { ...init, signal }), caller);
    one.pieces = createPieces(body);
    if (signal.aborted) return await end(id);
    post({ kind: 'head', id, status, headers: [...headers] });
  }

  async function sendMore(id: number): Promise<void> {
    const bytes = await running.get(id)?.pieces?.next();
    if (bytes) return post({ kind: 'chunk', id, bytes });
    // A client that has left waits for nothing.
    if (running.delete(id)) post({ kind: 'end', id });
  }

  async function end(id: number): Promise<void> {
    const one = running.get(id);
    one?.leaving.abort();
    if (!one?.pieces) return;
    running.delete(id);
    await one.pieces.cancel();
  }

  function breakOff(id: number): void {
    if (running.delete(id)) post({ kind: 'broken', id });
  }

  return {
    receive(message) {
      const { kind, id } = message;
      switch (kind) {
        case 'request':
          return void begin(id, message.request).catch(() => breakOff(id));
        case 'more':
          return void sendMore(id).catch(() => breakOff(id));
        case 'gone':
          return void end(id).catch(() => {});
        case 'ping':
          return post({ kind: 'pong', id });
      }
    },
  };
}

interface Pieces {
  /** Undefined at the end. */
  next(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  cancel(): Promise<void>;
}

/** A body in pieces of a bounded size. */
function createPieces(body: ReadableStream<Uint8Array> | null): Pieces {
  const reader = body?.getReader();
  let rest = new Uint8Array();
  return {
    async next() {
      while (rest.length === 0) {
        const { done, value } = (await reader?.read()) ?? { done: true };
        if (done) return undefined;
        rest = value as Uint8Array<ArrayBuffer>;
      }
      const piece = rest.subarray(0, PIECE_BYTES);
      rest = rest.subarray(PIECE_BYTES);
      return piece;
    },
    async cancel() {
      await reader?.cancel();
    },
  };
}
