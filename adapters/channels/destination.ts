import { createHash } from 'node:crypto';
import type { Destination } from '../../core/model/pace.ts';

/**
 * The destination for what a service counts messages by, such as a token and a chat. The key is a hash: nobody can guess a
 * token from it.
 */
export function destinationOf(everyMs: number, ...counted: readonly string[]): Destination {
  const key = createHash('sha256').update(JSON.stringify(counted)).digest('hex').slice(0, 32);
  return { key, everyMs };
}
