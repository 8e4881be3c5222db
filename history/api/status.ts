import { createRoute, z } from '@hono/zod-openapi';
import { type Finding, HEALTH_CODES } from '../../core/health.ts';
import manifest from '../../package.json' with { type: 'json' };
import { SCOPES } from '../principal.ts';
import type { Api } from './api.ts';
import { errorResponses } from './errors.ts';
import { jsonContent, list } from './schemas.ts';

const findingSchema = z
  .strictObject({ code: z.enum(HEALTH_CODES), text: z.string(), detail: z.string().optional() })
  .meta({ id: 'Finding' });

const statusSchema = z
  .strictObject({
    version: z.string(),
    nowMs: z.number(),
    timeZone: z.string().describe('Of messages and charts.'),
    retentionMs: z.number().describe('How long samples are kept.'),
    rollUpRetentionMs: z.number().describe('How long averages and maxima of five minutes are kept.'),
    you: z.strictObject({ name: z.string(), scope: z.enum(SCOPES) }),
    health: z
      .strictObject({
        state: z.enum(['ok', 'failing']),
        reasons: list(findingSchema),
        warnings: list(findingSchema),
      })
      .optional()
      .describe('docs/runbook.md explains each code. Absent for who sees a part of the fleet.'),
  })
  .meta({ id: 'Status' });

const route = createRoute({
  method: 'get',
  path: '/v1/status',
  summary: 'Version, health, and who asks',
  tags: ['Configuration'],
  responses: { 200: jsonContent('Status.', statusSchema), ...errorResponses() },
});

export function addStatus(api: Api): void {
  api.openapi(route, async (c) => {
    const { ports, principal } = c.var;
    const { schedule, store } = await ports.config();
    const findings = await ports.health?.();
    return c.json(
      {
        version: manifest.version,
        nowMs: ports.clock.nowMs(),
        timeZone: schedule.timeZone,
        retentionMs: store.retentionMs,
        rollUpRetentionMs: store.rollUpRetentionMs,
        you: { name: principal.name, scope: principal.scope },
        ...(findings && {
          health: {
            state: findings.reasons.length === 0 ? ('ok' as const) : ('failing' as const),
            reasons: findings.reasons.map(shown),
            warnings: findings.warnings.map(shown),
          },
        }),
      },
      200,
    );
  });
}

function shown({ code, words: text, detail }: Finding): z.infer<typeof findingSchema> {
  return { code, text, ...(detail !== undefined && { detail }) };
}
