// Moves dead letters of one queue. It copies before it deletes: when it is killed in between, a message exists twice,
// which every stage tolerates.
import { describeError } from '../../core/errors.ts';
import type { DeadLetter, DeadLetterQueue, DeadLetters } from './dead-letters.ts';

/** Longer than ten messages take over a slow network. */
const HIDE_S = 300;
/** Nobody else sees messages that are being read for this long at most. */
const READING_S = 30;
/** Receives that found nothing, in a row: a queue of many servers may say so once though there is something. */
const MOST_EMPTY = 3;

export interface RedriveOptions {
  /** `back`: to the queue it came from. `discard`: deleted. */
  to: 'back' | 'discard';
  /** Messages at most. Give the count at the start, so that messages that die again meanwhile are not taken twice. */
  most: number;
  /** After each handful. */
  onProgress?: (done: number) => void;
}

export interface Redriven {
  done: number;
  /** They stay where they were. */
  failed: number;
  /** Sent back, but not deleted: a second redrive would send them again. */
  twice: number;
  /** Each cause once. */
  errors: string[];
}

type Port = Pick<DeadLetters, 'receive' | 'sendBack' | 'remove' | 'release'>;

/**
 * Takes messages out of a dead-letter queue. What cannot be sent stays, and with it what is behind it in its group; when
 * nothing of a handful succeeds, it ends.
 * @throws ConfigError | RetryableError when the queue cannot be read at all
 */
export async function redrive(
  queue: DeadLetterQueue,
  { to, most, onProgress }: RedriveOptions,
  port: Port,
): Promise<Redriven> {
  const result: Redriven = { done: 0, failed: 0, twice: 0, errors: [] };
  const kept: DeadLetter[] = [];
  const sent = new Set<string>();
  const undeleted = new Set<string>();
  const stopped = new Set<string>();
  const note = (error: unknown) => {
    const text = describeError(error);
    if (!result.errors.includes(text)) result.errors.push(text);
  };

  /** Whether it may be deleted. */
  async function sendBack(letter: DeadLetter): Promise<boolean> {
    if (to === 'discard' || sent.has(letter.id)) return true;
    if (letter.groupId !== undefined && stopped.has(letter.groupId)) return false;
    try {
      await port.sendBack(queue, letter);
      sent.add(letter.id);
      return true;
    } catch (error) {
      note(error);
      if (letter.groupId !== undefined) stopped.add(letter.groupId);
      return false;
    }
  }

  try {
    for (let empty = 0; result.done + result.failed < most && empty < MOST_EMPTY; ) {
      const letters = await port.receive(queue, {
        most: most - result.done - result.failed,
        invisibleSeconds: HIDE_S,
      });
      if (letters.length === 0) {
        empty++;
        continue;
      }
      empty = 0;
      const taken: DeadLetter[] = [];
      const verdicts = await inTurn(letters, sendBack);
      for (const [i, letter] of letters.entries()) (verdicts[i] ? taken : kept).push(letter);
      const before = result.done;
      const there = await port.remove(queue, taken).catch((error: unknown) => {
        note(error);
        return taken;
      });
      if (to === 'back') {
        for (const { id } of taken) undeleted.delete(id);
        for (const { id } of there) undeleted.add(id);
        result.done = sent.size;
        result.twice = undeleted.size;
      } else {
        result.done += taken.length - there.length;
        kept.push(...there);
      }
      result.failed = kept.length;
      onProgress?.(result.done);
      if (result.done === before) break;
    }
  } finally {
    await port.release(queue, kept);
  }
  return result;
}

/**
 * Up to so many messages of a queue, which stay in it; fewer where one group of a FIFO queue holds many.
 * @throws ConfigError | RetryableError
 */
export async function readLetters(
  queue: DeadLetterQueue,
  most: number,
  port: Pick<DeadLetters, 'receive' | 'release'>,
): Promise<DeadLetter[]> {
  const found: DeadLetter[] = [];
  try {
    while (found.length < most) {
      const some = await port.receive(queue, { most: most - found.length, invisibleSeconds: READING_S });
      if (some.length === 0) break;
      found.push(...some);
    }
  } finally {
    await port.release(queue, found);
  }
  return found;
}

/** In a FIFO queue one after the other, else at once. */
async function inTurn(
  letters: readonly DeadLetter[],
  send: (letter: DeadLetter) => Promise<boolean>,
): Promise<boolean[]> {
  if (letters[0]?.groupId === undefined) return Promise.all(letters.map(send));
  const verdicts: boolean[] = [];
  for (const letter of letters) verdicts.push(await send(letter));
  return verdicts;
}
