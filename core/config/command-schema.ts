// The operator's catalogue of commands, as people write it.

import { z } from 'zod';
import { byteSizeSchema } from '../duration.ts';
import { positiveDurationSchema } from './field-schemas.ts';
import { SHELL_SCRIPT } from './inspect.ts';
import { labelGlobsSchema, nameSchema } from './rule-fields.ts';

/** The line of a node reads 64 KiB; a quotation mark takes four bytes on its way, and the rest of what is sent a few hundred. */
const MAX_SENT_BYTES = 64_000;
const LONGEST_MS = 600_000;
const MAX_OUTPUT_BYTES = 256 * 1024;
const LEAST_OUTPUT_BYTES = 1024;

const scriptSchema = z
  .string({ error: 'a script is text; begin it with `|` to write several lines' })
  .refine((script) => script.trim() !== '', { error: 'the script is empty' })
  .refine((script) => !/[^\P{Cc}\n\t]/u.test(script), {
    error: 'a script has no control characters but line ends and tabs',
  })
  .refine((script) => sentBytes(script) <= MAX_SENT_BYTES, {
    error: 'the script is longer than 64 KB as it is sent; install it on the node, and call it here',
  });

/** Each quotation mark is sent as `'\''`. */
function sentBytes(script: string): number {
  return new TextEncoder().encode(script.replaceAll("'", "'\\''")).length;
}

export const commandSchema = z
  .strictObject({
    name: nameSchema.describe('Name that checks and `bartizan exec` refer to'),
    script: scriptSchema
      .describe(
        'POSIX shell script for the `sh` of the node. It has no arguments and an empty stdin, and starts in the home of our user. Other users of the node may read it in the list of processes while it runs, so it must hold no secret',
      )
      .meta({ contentMediaType: SHELL_SCRIPT, examples: ['ls /var/lib/etcd-backup | wc -l'] }),
    timeout: positiveDurationSchema
      .refine((ms) => ms <= LONGEST_MS, { error: 'a script may take `10m` at most' })
      .refine((ms) => ms % 1000 === 0, { error: 'this is in whole seconds; write `1s` or `90s`' })
      .describe(
        'How long it may take. Where the node has `timeout` (coreutils, busybox), it ends the script and what that started',
      )
      .prefault('10s'),
    maxOutput: byteSizeSchema
      .refine((bytes) => bytes >= LEAST_OUTPUT_BYTES && bytes <= MAX_OUTPUT_BYTES, {
        error: 'this is from `1KiB` to `256KiB`',
      })
      .describe('How much it may print, on stdout and stderr together')
      .prefault('64KiB'),
    where: labelGlobsSchema
      .describe(
        'Nodes on which `bartizan exec` may run it, by `cluster`, `node` and `role`. The lines of `bartizan keys` permit it there, and on the nodes of checks that run it',
      )
      .prefault({}),
  })
  .transform(({ timeout, maxOutput, ...rest }) => ({
    ...rest,
    timeoutMs: timeout,
    maxOutputBytes: maxOutput,
  }));
