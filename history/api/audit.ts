import { createRoute, z } from '@hono/zod-openapi';
import { type Api, needScope } from './api.ts';
import { ApiError, errorResponses } from './errors.ts';
import { integerParameter, listParameter, rangeOf, rangeParameters } from './parameters.ts';
import { jsonContent, list } from './schemas.ts';

/** As `bartizan audit list`. */
const MOST = 100_000;

const route = createRoute({
  method: 'get',
  path: '/v1/audit',
  summary: 'The newest lines of the audit: accesses, and what people changed',
  description: `Needs the scope \`admin\`. A glob with \`!\` matches the others, such as \`outcome=!ok\`. Lines are as they were written;
\`bartizan audit verify\` checks them.`,
  tags: ['Audit'],
  request: {
    query: z.strictObject({
      ...rangeParameters,
      node: listParameter('Node, cluster or `cluster/node`, a glob.', 'prod/*'),
      bastion: listParameter('Bastion, a glob.', 'seoul'),
      actor: listParameter('Who, a glob.', 'cli:*'),
      kind: listParameter('`probe`, `exec`, …, or what was done; a glob.', 'exec'),
      outcome: listParameter('Outcome, a glob.', '!ok'),
      limit: integerParameter(1, MOST, 'Lines at most.', 100),
    }),
  },
  responses: {
    200: jsonContent(
      'The newest matching lines, oldest first.',
      z.strictObject({
        lines: list(z.record(z.string(), z.unknown())).describe(
          'Each as in the file; docs/audit.md has the fields.',
        ),
        isCut: z
          .boolean()
          .describe('There are older lines that match: ask for those before the first, by `to`.'),
        unreadable: z.number().describe('Lines or files that cannot be read.'),
      }),
    ),
    ...errorResponses(404),
  },
});

export function addAudit(api: Api): void {
  api.openapi(route, async (c) => {
    needScope(c, 'admin');
    const { findAuditLines, clock } = c.var.ports;
    if (!findAuditLines)
      throw new ApiError(
        404,
        'no audit can be read here',
        'docs/audit.md says where it is; a selector sees none',
      );
    const { from, to, last, limit = 100, node, bastion, actor, kind, outcome } = c.req.valid('query');
    const isBounded = from !== undefined || last !== undefined;
    const range = rangeOf({ from: isBounded ? from : 0, to, last }, clock.nowMs(), Number.POSITIVE_INFINITY);
    const given = Object.fromEntries(
      Object.entries({ node, bastion, actor, kind, outcome }).filter(([, globs]) => globs.length > 0),
    );
    const { records, isCut, unreadable } = await findAuditLines(
      { since: range.fromMs, until: range.toMs, ...given },
      limit,
    );
    return c.json({ lines: records.map(({ fields }) => ({ ...fields })), isCut, unreadable }, 200);
  });
}
