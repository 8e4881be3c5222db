import { fork } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeError } from '../core/errors.ts';
import type { MeterChange } from '../core/meter.ts';
import type { Config } from '../core/model/config.ts';
import type { Logger } from '../core/ports.ts';
import type { FromChild, HistoryRequest, Question, Reply, ToChild } from './history-messages.ts';
import { watchMemory } from './memory-watch.ts';

export interface HistoryAnswer {
  status: number;
  headers: [name: string, value: string][];
  /** Each piece is asked for when the one before was taken. It throws when the answer breaks off. */
  body: AsyncIterable<Uint8Array>;
}

export interface HistoryChild {
  /**
   * The signal ends the query, and frees what the child holds of it; abort it also after an answer that is not read to its end.
   * @throws the child's error, the reason of the signal
   */
  answer(request: HistoryRequest, signal: AbortSignal): Promise<HistoryAnswer>;
  /** Resolves when it handles messages; rejects when it ends. */
  signOfLife(): Promise<void>;
  /** It takes no messages, so that further requests would only fill this process. */
  isBehind(): boolean;
  /** What queries see from now on. */
  configure(config: Config): void;
  /** Frees everything at once; answers in progress break off. */
  end(why: string): void;
}

export interface ChildOptions {
  config: Config;
  reply(question: Question): Promise<Reply>;
  measure(change: MeterChange): void;
  logger: Logger;
  /** Default: the program of this project. */
  program?: URL;
  /** What the process may take of the machine's memory; default 768. */
  mostResidentMb?: number;
  /** Called once, when it died by itself. */
  onDeath(error: Error): void;
}

/** In a package it is a bundle beside that of the program. */
const NAME = import.meta.url.endsWith('.ts') ? 'history-program.ts' : 'history-program.mjs';
const PROGRAM = new URL(NAME, import.meta.url);
/** A query that needs more has gone wrong; V8 ends the child then. */
const MOST_HEAP_MB = 256;
/** With what lies outside of the heap: columns of samples, and answers. Four queries at their limit of samples take less. */
const MOST_RESIDENT_MB = 768;
/** V8 writes to stderr why it ended the process; so many of the last characters are kept. */
const OUTPUT_CHARACTERS = 2_000;

/** Requests that the child has not taken yet have about so many bytes at most. */
const MOST_UNSENT_BYTES = 16 * 1024 ** 2;

/** A request whose answer is not complete. */
interface Waiting {
  /** What comes next: the head, then pieces; the last is the end. */
  next: PromiseWithResolvers<HeadOrPiece>;
}

type HeadOrPiece = Extract<FromChild, { kind: 'head' | 'chunk' | 'end' | 'pong' }>;

/**
 * Runs the history service in a process of its own, so that no query holds up rounds or takes their memory. A thread would not do:
 * V8 aborts the whole process when a thread reaches its limit quickly (https://github.com/nodejs/node/issues/47224).
 */
export function startHistoryChild(options: ChildOptions): HistoryChild {
  const { program = PROGRAM, mostResidentMb = MOST_RESIDENT_MB, logger } = options;
  const cache = getCompileCacheDir();
  const child = fork(fileURLToPath(program), {
    execArgv: [`--max-old-space-size=${MOST_HEAP_MB}`],
    env: {
      ...withoutSecrets(process.env, options.config),
      ...(cache !== undefined && { NODE_COMPILE_CACHE: dirname(cache) }),
    },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const waiting = new Map<number, Waiting>();
  let over: Error | undefined;
  let errorOutput = '';
  let lastId = 0;
  let unsentBytes = 0;

  function post(message: ToChild): void {
    const bytes = message.kind === 'request' ? bytesOf(message.request) : 0;
    unsentBytes += bytes;
    // What ends the channel says so by itself.
    child.send(message, () => {
      unsentBytes -= bytes;
    });
  }

  const endWatch =
    child.pid === undefined
      ? () => {}
      : watchMemory(child.pid, {
          mostMb: mostResidentMb,
          onTooMuch: () => dieByItself(new Error(`queries needed more than ${mostResidentMb} MB`)),
        });

  function die(error: Error): void {
    if (over) return;
    over = error;
    endWatch();
    for (const { next } of waiting.values()) next.reject(error);
    waiting.clear();
    child.kill('SIGKILL');
  }

  function dieByItself(error: Error): void {
    if (over) return;
    die(error);
    options.onDeath(error);
  }

  async function reply(id: number, question: Question): Promise<void> {
    try {
      post({ kind: 'reply', id, reply: await options.reply(question) });
    } catch (error) {
      post({ kind: 'no-reply', id, error: describeError(error) });
    }
  }

  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errorOutput = (errorOutput + text).slice(-OUTPUT_CHARACTERS);
  });
  child.on('message', (message: FromChild) => {
    switch (message.kind) {
      case 'ask':
        return void reply(message.id, message.question);
      case 'measure':
        return options.measure(message.change);
      case 'log':
        return logger[message.level](message.message, message.fields);
      case 'broken':
        return waiting.get(message.id)?.next.reject(new Error('the answer broke off'));
      default:
        return waiting.get(message.id)?.next.resolve(message);
    }
  });
  child.on('error', (cause) => dieByItself(new Error('the process of history failed', { cause })));
  child.on('close', (code, signal) => dieByItself(new Error(deathOf({ code, signal, errorOutput }))));
  post({ kind: 'config', config: options.config });

  async function* piecesOf(id: number, one: Waiting, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (over) throw over;
      signal.throwIfAborted();
      one.next = expectNext();
      post({ kind: 'more', id });
      const found = await one.next.promise;
      if (found.kind !== 'chunk') break;
      yield found.bytes;
    }
    waiting.delete(id);
  }

  return {
    async answer(request, signal) {
      if (over) throw over;
      signal.throwIfAborted();
      const id = ++lastId;
      const one: Waiting = { next: expectNext() };
      waiting.set(id, one);
      const leave = () => {
        if (!waiting.delete(id)) return;
        one.next.reject(signal.reason);
        post({ kind: 'gone', id });
      };
      signal.addEventListener('abort', leave, { once: true });
      post({ kind: 'request', id, request });
      const head = await one.next.promise;
      if (head.kind !== 'head') throw new Error('the process of history answered out of turn');
      const { status, headers } = head;
      return { status, headers, body: piecesOf(id, one, signal) };
    },
    async signOfLife() {
      if (over) throw over;
      const id = ++lastId;
      const one: Waiting = { next: expectNext() };
      waiting.set(id, one);
      post({ kind: 'ping', id });
      await one.next.promise;
      waiting.delete(id);
    },
    isBehind: () => unsentBytes > MOST_UNSENT_BYTES,
    configure: (config) => post({ kind: 'config', config }),
    end: (why) => die(new Error(why)),
  };
}

/** The child asks for the secrets that it needs; what parses requests of strangers has no others. */
function withoutSecrets(env: NodeJS.ProcessEnv, config: Config): NodeJS.ProcessEnv {
  const text = JSON.stringify(config);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !text.includes(`\${env:${name}}`)));
}

function bytesOf({ url, headers, body }: HistoryRequest): number {
  return url.length + headers.flat().join('').length + (body?.length ?? 0);
}

function expectNext(): Waiting['next'] {
  const next: Waiting['next'] = Promise.withResolvers();
  // It may be rejected while nobody waits for it.
  next.promise.catch(() => {});
  return next;
}

const OUT_OF_MEMORY = /JavaScript heap out of memory/;

function deathOf({
  code,
  signal,
  errorOutput,
}: {
  code: number | null;
  signal: NodeJS.Signals | null;
  errorOutput: string;
}): string {
  if (OUT_OF_MEMORY.test(errorOutput)) return `a query needed more than ${MOST_HEAP_MB} MB`;
  const why = /^\w*Error: .*$/m.exec(errorOutput)?.[0];
  return `the process of history ended with ${signal ?? `code ${code}`}${why === undefined ? '' : `: ${why}`}`;
}
