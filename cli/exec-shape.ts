import { z } from 'zod';
import { FAILURES, PHASES } from '../core/model/observation.ts';

/** The `--json` output of `exec`. */
export const execShape = z.strictObject({
  cluster: z.string(),
  node: z.string(),
  command: z.string().describe('name in the catalogue'),
  script: z.string().describe('as the audit names it'),
  sha256: z.string(),
  exitCode: z.number().optional().describe('absent when the script did not run to its end'),
  failure: z
    .strictObject({ reason: z.enum(FAILURES), phase: z.enum(PHASES), detail: z.string() })
    .optional()
    .describe('why it did not'),
  stdout: z.string().describe('as it came, also what came before a failure'),
  stderr: z.string(),
});
