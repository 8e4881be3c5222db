import { createRoute, z } from '@hono/zod-openapi';
import { conditionOf, measureOf } from '../../core/measure.ts';
import { AGGREGATIONS, REDUCERS, type Rule, SEVERITIES } from '../../core/model/rule.ts';
import type { Api } from './api.ts';
import { errorResponses } from './errors.ts';
import { jsonContent, list, unitSchema } from './schemas.ts';

const globs = z.record(z.string(), list(z.string())).readonly();

const ruleSchema = z
  .strictObject({
    name: z.string(),
    title: z.string(),
    metric: z.string(),
    over: z.string().optional().describe('The metric is divided by this one.'),
    where: globs,
    whereNot: globs.optional(),
    inventory: z.strictObject({ where: globs.optional(), whereNot: globs.optional() }).optional(),
    window: z
      .strictObject({ lastMs: z.number(), reduce: z.enum(REDUCERS), aheadMs: z.number().optional() })
      .optional(),
    aggregate: z.strictObject({ by: list(z.string()), op: z.enum(AGGREGATIONS) }).optional(),
    condition: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.enum(['above', 'below']), threshold: z.number() }),
      z.strictObject({ kind: z.literal('outside'), low: z.number(), high: z.number() }),
      z.strictObject({ kind: z.literal('equals'), value: z.number() }),
    ]),
    conditionText: z.string().describe('As in messages: `> 90%`.'),
    unit: unitSchema,
    recoveryThreshold: z.union([z.number(), list(z.number())]).optional(),
    forMs: z.number(),
    keepFiringForMs: z.number(),
    noData: z.enum(['keepLast', 'alerting', 'ok']),
    severity: z.enum(SEVERITIES),
    inhibitedBy: list(z.string()),
    supersededBy: list(z.string()).optional(),
    summary: z.string().optional(),
    runbook: z.string().optional(),
  })
  .meta({ id: 'Rule' });

const checkSchema = z
  .strictObject({
    name: z.string(),
    probe: z.string(),
    everyMs: z.number(),
    where: globs,
    whereNot: globs.optional(),
    withoutLogin: z.literal(true).optional().describe('It logs in to no node.'),
  })
  .meta({ id: 'Check' });

const route = createRoute({
  method: 'get',
  path: '/v1/rules',
  summary: 'Rules and checks in force, with every default filled in',
  tags: ['Configuration'],
  responses: {
    200: jsonContent(
      'Rules and checks in the order of the configuration.',
      z.strictObject({ rules: list(ruleSchema), checks: list(checkSchema) }),
    ),
    ...errorResponses(),
  },
});

export function addRules(api: Api): void {
  api.openapi(route, async (c) => {
    const { rules, checks } = await c.var.ports.config();
    const shown = checks.map(({ name, probe, everyMs, where, whereNot, withoutLogin }) => {
      return { name, probe, everyMs, where, whereNot, withoutLogin };
    });
    return c.json({ rules: rules.map(ruleOf), checks: shown }, 200);
  });
}

function ruleOf(rule: Rule): z.infer<typeof ruleSchema> {
  return { ...rule, conditionText: conditionOf(rule), unit: measureOf(rule).unit };
}
