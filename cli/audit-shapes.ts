// The shapes of `--json` of the audit commands, like those in json-shapes.ts.

import { z } from 'zod';
import { ACCESS_KINDS } from '../core/model/audit.ts';

const list = <T extends z.ZodType>(item: T) => z.array(item).readonly();

export const auditLineShape = z
  .looseObject({
    sequence: z.number(),
    previous: z.string().describe('`hash` of the line before'),
    writer: z.string().describe('`local` (`up`), `cli` or `cli-actions`'),
    at: z.string().describe('ISO 8601: when the access began'),
    kind: z
      .enum(ACCESS_KINDS)
      .optional()
      .describe('absent in lines of earlier releases, and of other records'),
    actor: z.string().optional(),
    unverifiedActor: z.string().optional().describe('given with `--as`'),
    event: z
      .string()
      .optional()
      .describe('`opened` and `closed` of one `connection`; or about the audit itself'),
    connection: z.string().optional(),
    bastion: z.string().optional(),
    target: z.string().optional().describe('`cluster/node`; absent for the bastion itself'),
    hostKeyFingerprint: z.string().optional(),
    command: z.string().optional(),
    commandSha256: z.string().optional(),
    exitCode: z.number().optional(),
    durationMs: z.number().optional(),
    bytes: z.number().optional().describe('received'),
    bytesSent: z.number().optional(),
    action: z.string().optional().describe('what somebody changed, with `subject` and `detail`'),
    outcome: z.string().optional().describe('`ok`, or why not'),
    hash: z.string().describe('SHA-256 of the text before this field'),
  })
  .describe('a line for each');

export const auditVerifyShape = list(
  z.strictObject({
    writer: z.string().describe('empty with `--file`'),
    file: z.string(),
    state: z
      .enum(['fine', 'unanchored', 'broken', 'none'])
      .describe('`unanchored`: sound in itself, but state keeps nothing of it; `none`: there is no audit'),
    ok: z.boolean().describe('not broken, and every new beginning is acknowledged'),
    first: z.number().describe('sequence of the first line that is left'),
    last: z.number(),
    entries: z.number().describe('lines about accesses and changes'),
    repaired: z.number().describe('lines that a crash left unfinished, each with its mark'),
    unfinished: z.number().describe('bytes after the last line'),
    anchor: z
      .strictObject({ sequence: z.number(), hash: z.string(), atMs: z.number() })
      .optional()
      .describe('what state keeps: this line must be there'),
    unanchored: z.number().describe('lines after the anchor'),
    removed: z
      .strictObject({ first: z.number(), last: z.number(), reason: z.string(), at: z.string() })
      .optional()
      .describe('the newest removal after retention'),
    problems: list(
      z.strictObject({
        kind: z.enum(['changed', 'missing', 'misplaced', 'replaced', 'unreadable']),
        file: z.string(),
        line: z.number().describe('from 1; 0 for the file as a whole'),
        detail: z.string(),
      }),
    ),
    moreProblems: z.number().describe('beyond the twenty listed'),
    starts: list(
      z.strictObject({
        atMs: z.number(),
        reason: z.string(),
        keptIn: z.string().optional().describe('folder beside the file with what was there before'),
        sequence: z.number().describe('of the first line'),
        acknowledged: z.boolean(),
      }),
    ).describe('new beginnings that state knows'),
  }),
);
