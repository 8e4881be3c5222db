import { once } from 'node:events';
import { describeError } from '../core/errors.ts';

/** Lines that are written together. */
const MOST_TOGETHER = 1_000;

/** Writes lines to stdout, no faster than its reader takes them. Ends the process where the reader has gone, as `head` does. */
export async function writeLines(
  lines: readonly string[],
  stdout: NodeJS.WritableStream = process.stdout,
): Promise<void> {
  for (let i = 0; i < lines.length; i += MOST_TOGETHER) {
    const text = lines.slice(i, i + MOST_TOGETHER).map((line) => `${line}\n`);
    if (!stdout.write(text.join(''))) await once(stdout, 'drain');
  }
}

/** A reader that has gone, such as `head`, is the end and no failure. A full disk is one. */
export function endQuietlyWithReader(stdout: NodeJS.WritableStream = process.stdout): void {
  stdout.off('error', endWithReader).on('error', endWithReader);
}

function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`bartizan: the output cannot be written: ${describeError(error)}\n`);
  process.exit(1);
}
