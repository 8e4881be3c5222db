import type { Interface } from 'node:readline/promises';
import { ConfigError, describeError } from '../core/errors.ts';

export interface Question<T> {
  text: string;
  /** The option that answers it without a question. */
  option: string;
  /** What an empty line stands for. */
  usual?: string;
  /** @throws ConfigError when the answer is wrong */
  read: (answer: string) => T | Promise<T>;
}

export type Ask = <T>(question: Question<T>) => Promise<T>;

/** So that input which is no person's does not go round for ever. */
const TRIES = 10;

/**
 * Asks on the terminal, again while an answer is wrong. With `takesUsual`, or without a terminal, it takes the usual answer
 * where there is one. @throws ConfigError when nobody answers
 */
export function createQuestions(
  terminal: Pick<Interface, 'on' | 'question'> | undefined,
  { takesUsual, print }: { takesUsual: boolean; print: (text: string) => void },
): Ask {
  const stop = new AbortController();
  for (const event of ['SIGINT', 'close']) terminal?.on(event, () => stop.abort());

  return async ({ text, option, usual, read }) => {
    if (usual !== undefined && (takesUsual || !terminal)) return read(usual);
    if (!terminal) throw new ConfigError(`nobody can be asked here: answer with ${option}`);
    const shown = usual === undefined ? text : `${text} [${usual}]`;
    for (let tries = 1; tries <= TRIES; tries++) {
      const given = await terminal.question(`${shown}: `, { signal: stop.signal }).catch(() => undefined);
      if (given === undefined || stop.signal.aborted) break;
      const answer = given.trim() === '' ? usual : given;
      if (answer === undefined) continue;
      try {
        return await read(answer);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        print(`  ${describeError(error)}\n`);
      }
    }
    throw new ConfigError('stopped; nothing was written');
  };
}
