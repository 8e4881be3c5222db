import { createHash } from 'node:crypto';
import type { CommandConfig } from '../../../core/model/command.ts';
import { COMMAND_BEGIN, COMMAND_END } from '../../../core/parse/command-output.ts';
import type { Script } from '../../ssh/command.ts';

/** After its time is over, `timeout` waits for so long before it kills what ignores SIGTERM. */
const KILL_AFTER_SECONDS = 2;

/** Codes of `timeout` for a script that it ended, or killed. */
export const TIMEOUT_CODES: readonly number[] = [124, 137];

/**
 * What is sent for an entry of the catalogue: its text in single quotes, for a shell of its own whose stdin is empty, since
 * ours reads the script there. Nothing that a network sends comes into it, so that its hash is fixed. Where the node has
 * no `timeout` that understands `-k`, only our own time limit ends the script.
 */
export function commandScript({ name, script, timeoutMs }: CommandConfig): Script {
  const text = [
    `t='timeout -k ${KILL_AFTER_SECONDS} ${timeoutMs / 1000}'`,
    '$t true 2>/dev/null || t=',
    `printf '${COMMAND_BEGIN}\\n'`,
    `$t sh -c '${script.replaceAll("'", "'\\''")}' </dev/null`,
    'c=$?',
    `printf '\\n${COMMAND_END} %s\\n' $c`,
    'exit $c',
    '',
  ].join('\n');
  const sha256 = createHash('sha256').update(text).digest('hex');
  return { name: `${name}@${sha256.slice(0, 8)}`, text, sha256, end: COMMAND_END };
}

/** For how long we wait: longer than `timeout` on the node, by its last wait and the way there and back. */
export function waitMs({ timeoutMs }: CommandConfig): number {
  return timeoutMs + (KILL_AFTER_SECONDS + 1) * 1000;
}
