import { availableParallelism } from 'node:os';
import type { PictureOrder } from '../../core/chart/series.ts';
import { RetryableError } from '../../core/errors.ts';
import type { Drawer, DrawOptions } from '../../core/stages/draw.ts';
import type { Drawn, PictureThread } from './picture-thread.ts';

export interface PictureQueue extends Drawer {
  /** Rejects all pictures that wait or are being drawn, and ends the threads. */
  close(): void;
}

export interface PictureQueueOptions {
  startThread: () => PictureThread;
  /** A thread is started before the first picture is asked for. Default: true. */
  startsAhead?: boolean;
  /** Default: one less than there are cores, at least 1, at most 4. */
  threads?: number;
  /** How many may wait; a further one pushes out a picture of the oldest incident. */
  mostWaiting?: number;
  /** A thread that takes longer for a picture is ended and replaced. */
  longestMs?: number;
  /** A monotonic clock in milliseconds. Default: `performance.now`. */
  nowMs?: () => number;
}

const MOST_THREADS = 4;
const MOST_WAITING = 200;
const LONGEST_MS = 20_000;
/** The queue predicts from this many pictures what can still be drawn in time … */
const REMEMBERED = 8;
/** … and begins one only with this margin. */
const SPARE = 1.25;

interface Waiting {
  order: PictureOrder;
  newestMs: number;
  /** The picture is useless after this time. */
  untilMs: number;
  done: PromiseWithResolvers<Drawn>;
  leave: () => void;
}

const tooLate = () => new RetryableError('it could not be drawn in time');

/**
 * Draws on a bounded number of threads, pictures of the newest incidents first. It begins no picture that nobody wants any
 * more or that would be too late. A thread that dies or hangs loses its picture and is replaced.
 */
export function createPictureQueue(options: PictureQueueOptions): PictureQueue {
  const { startThread, mostWaiting = MOST_WAITING, longestMs = LONGEST_MS } = options;
  const { nowMs = () => performance.now() } = options;
  const threads = options.threads ?? Math.max(1, Math.min(MOST_THREADS, availableParallelism() - 1));
  /** Newest first; of the same age in order of arrival. */
  const waiting: Waiting[] = [];
  const idle: PictureThread[] = [];
  const busy = new Set<PictureThread>();
  /** How long the last pictures took. */
  const tookMs: number[] = [];
  let closed = false;

  function enter(one: Waiting): void {
    const at = waiting.findIndex(({ newestMs }) => newestMs < one.newestMs);
    waiting.splice(at < 0 ? waiting.length : at, 0, one);
    if (waiting.length > mostWaiting) {
      reject(
        waiting.at(-1) as Waiting,
        new RetryableError(`${mostWaiting} pictures of newer incidents wait already`),
      );
    }
  }

  function reject(one: Waiting, error: unknown): void {
    one.leave();
    one.done.reject(error);
  }

  function next(): Waiting | undefined {
    for (;;) {
      const [one] = waiting;
      if (!one) return undefined;
      if (nowMs() + SPARE * Math.max(0, ...tookMs) <= one.untilMs) return one;
      reject(one, tooLate());
    }
  }

  /** Rejects pictures that would be late even if each took as long as the fastest: their texts need not wait. */
  function dropHopeless(): void {
    const atMs = nowMs();
    const fastestMs = Math.min(...tookMs);
    const hopeless = waiting.filter(({ untilMs }, i) => atMs + (fastestMs * (i + 1)) / threads > untilMs);
    for (const one of hopeless) reject(one, tooLate());
  }

  function start(): void {
    while (!closed && busy.size < threads) {
      const one = next();
      if (!one) return;
      one.leave();
      work(one);
    }
  }

  function threadAtHand(): PictureThread {
    for (let thread = idle.pop(); thread; thread = idle.pop()) if (thread.isAlive()) return thread;
    return startThread();
  }

  function work(one: Waiting): void {
    try {
      const thread = threadAtHand();
      busy.add(thread);
      void drawOn(thread, one);
    } catch (error) {
      one.done.reject(error); // No thread can be started.
    }
  }

  async function drawOn(thread: PictureThread, one: Waiting): Promise<void> {
    const begunMs = nowMs();
    let hung = false;
    let timer: NodeJS.Timeout | undefined;
    const hangs = new Promise<never>((_, fail) => {
      timer = setTimeout(() => {
        hung = true;
        fail(new Error(`it was not drawn within ${longestMs / 1000} s`));
      }, longestMs);
    });
    try {
      one.done.resolve(await Promise.race([thread.draw(one.order), hangs]));
      tookMs.push(nowMs() - begunMs);
      if (tookMs.length > REMEMBERED) tookMs.shift();
      if (tookMs.length === REMEMBERED) dropHopeless();
    } catch (error) {
      one.done.reject(error);
    } finally {
      clearTimeout(timer);
      busy.delete(thread);
    }
    if (!hung && !closed && thread.isAlive()) idle.push(thread);
    else thread.end();
    start();
  }

  if (options.startsAhead ?? true) idle.push(startThread());

  return {
    async draw(order, { signal, withinMs = Number.POSITIVE_INFINITY, newestMs = 0 }: DrawOptions) {
      if (closed) throw new RetryableError('no more pictures are drawn: the process stops');
      signal.throwIfAborted();
      const done = Promise.withResolvers<Drawn>();
      const give = () => reject(one, signal.reason);
      const leave = () => {
        signal.removeEventListener('abort', give);
        const at = waiting.indexOf(one);
        if (at >= 0) waiting.splice(at, 1);
      };
      const one: Waiting = { order, newestMs, untilMs: nowMs() + withinMs, done, leave };
      signal.addEventListener('abort', give);
      enter(one);
      start();
      return await done.promise;
    },
    close() {
      closed = true;
      for (const one of [...waiting]) reject(one, new RetryableError('the process stops'));
      for (const thread of [...idle.splice(0), ...busy]) thread.end();
    },
  };
}
