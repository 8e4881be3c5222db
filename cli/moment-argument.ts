import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../core/duration.ts';

const HELP =
  'Write how long ago (7d, 90m), a day (2026-11-30), or a time (2026-11-30T12:00Z; without a zone it is the one of this machine).';
const MOMENT = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/;

/** A time as people write it, in ms. A day begins at midnight of this machine's zone. @throws InvalidArgumentError */
export function momentArgument(text: string, nowMs: number): number {
  if (!MOMENT.test(text)) {
    try {
      return nowMs - parseDuration(text);
    } catch {
      throw new InvalidArgumentError(HELP);
    }
  }
  const ms = Date.parse(text.length === 'yyyy-mm-dd'.length ? `${text}T00:00` : text.replace(' ', 'T'));
  if (Number.isNaN(ms)) throw new InvalidArgumentError(`There is no such time. ${HELP}`);
  return ms;
}
