import { createRoute, z } from '@hono/zod-openapi';
import { allLabels, labelsMatch } from '../../core/labels.ts';
import { conditionOf, measureOf } from '../../core/measure.ts';
import type { Rule } from '../../core/model/rule.ts';
import { SEVERITIES } from '../../core/model/rule.ts';
import { traceRoutes } from '../../core/notify/route-trace.ts';
import { routedLabels } from '../../core/notify/routes.ts';
import { type AlertReport, reportAlerts, reportPast } from '../../core/stages/alert-report.ts';
import { readNewestValues } from '../alert-values.ts';
import type { HistoryConfig, HistoryPorts } from '../ports.ts';
import { readGaps } from './alert-gaps.ts';
import { alertSchema, routeStepSchema } from './alert-schema.ts';
import type { Api } from './api.ts';
import { ApiError, errorResponses } from './errors.ts';
import { newestFirst, nextSchema, pageOf, pageParameters, positionOf } from './pages.ts';
import {
  choiceParameter,
  globsOf,
  listParameter,
  rangeOf,
  rangeParameters,
  textParameter,
  whereParameter,
} from './parameters.ts';
import { finite, jsonContent, list, unitSchema } from './schemas.ts';

const alert = alertSchema.meta({ id: 'Alert' });

const ruleFacts = z.strictObject({
  severity: z.enum(SEVERITIES),
  title: z.string(),
  condition: z.string().describe('As in messages: `> 90%`.'),
  unit: unitSchema,
  forMs: z.number().describe('How long it must hold before it fires.'),
  keepFiringForMs: z.number(),
});

const alertDetail = z
  .strictObject({
    ...alertSchema.shape,
    ofRule: ruleFacts.optional().describe('Absent where its rule is not configured any more.'),
    firesAtMs: z.number().optional().describe('Of a pending alert: when it fires at the earliest.'),
    gaps: list(z.strictObject({ fromMs: z.number(), toMs: z.number() })).describe(
      'Times without samples since the breach began, within the last 24 hours. Empty for a rule on windows or aggregates.',
    ),
    routes: list(routeStepSchema).describe('Each route in order, and why it took the alert or not.'),
  })
  .meta({ id: 'AlertDetail' });

const filters = {
  rule: listParameter('Name of a rule.', 'memory-usage'),
  where: whereParameter,
  ...pageParameters,
};

const alertsRoute = createRoute({
  method: 'get',
  path: '/v1/alerts',
  summary: 'Pending and firing alerts, and why each channel was sent them or not',
  tags: ['Alerts'],
  request: {
    query: z.strictObject({ status: choiceParameter(['pending', 'firing'], 'Only these.'), ...filters }),
  },
  responses: {
    200: jsonContent(
      'Alerts, the newest breach first.',
      z.strictObject({ nowMs: z.number(), alerts: list(alert), next: nextSchema }),
    ),
    ...errorResponses(),
  },
});

const firingsRoute = createRoute({
  method: 'get',
  path: '/v1/firings',
  summary: 'Firings that began or ended in a range, and who was sent them',
  tags: ['Alerts'],
  request: { query: z.strictObject({ ...rangeParameters, ...filters }) },
  responses: {
    200: jsonContent(
      'Firings, the newest first.',
      z.strictObject({ nowMs: z.number(), alerts: list(alert), next: nextSchema }),
    ),
    ...errorResponses(),
  },
});

const alertRoute = createRoute({
  method: 'get',
  path: '/v1/alerts/{id}',
  summary: 'One pending or firing alert, with everything that decides about its messages',
  tags: ['Alerts'],
  request: { params: z.strictObject({ id: textParameter('Its id.', 'memory-usage-3fa9c1d2') }) },
  responses: { 200: jsonContent('The alert.', alertDetail), ...errorResponses(404) },
});

export function addAlerts(api: Api): void {
  api.openapi(alertsRoute, async (c) => {
    const { status, ...query } = c.req.valid('query');
    const { ports } = c.var;
    const nowMs = ports.clock.nowMs();
    const config = await ports.config();
    const found = (await reportAlerts(ports.state, config, nowMs)).filter(
      (one) => status === undefined || one.status === status,
    );
    const { items, next } = pageOfAlerts(found, query, ({ sinceMs }) => sinceMs);
    return c.json({ nowMs, alerts: await withValues(items, config, ports), next }, 200);
  });

  api.openapi(firingsRoute, async (c) => {
    const { ports } = c.var;
    const query = c.req.valid('query');
    const nowMs = ports.clock.nowMs();
    const found = await reportPast(ports.state, rangeOf(query, nowMs));
    const { items, next } = pageOfAlerts(found, query, ({ firedAtMs = 0 }) => firedAtMs);
    return c.json({ nowMs, alerts: items.map(shown), next }, 200);
  });

  api.openapi(alertRoute, async (c) => {
    const { id } = c.req.valid('param');
    const { ports } = c.var;
    const nowMs = ports.clock.nowMs();
    const config = await ports.config();
    const found = (await reportAlerts(ports.state, config, nowMs)).find((one) => one.id === id);
    if (!found)
      throw new ApiError(
        404,
        'no such alert is pending or firing',
        '`/v1/alerts` lists those that are; `/v1/firings` has earlier ones',
      );
    const [current = found] = await withValues([found], config, ports);
    const rule = config.rules.find(({ name }) => name === found.rule);
    return c.json(
      {
        ...current,
        ...(rule && { ofRule: factsOf(rule) }),
        ...(rule && found.status === 'pending' && { firesAtMs: found.sinceMs + rule.forMs }),
        gaps: rule ? await readGaps(found, rule, { config, ports, nowMs }) : [],
        routes: rule ? traceRoutes(config, routedLabels(rule, allLabels(found))).steps : [],
      },
      200,
    );
  });
}

interface Query {
  rule: readonly string[];
  where: readonly string[];
  limit?: number | undefined;
  cursor?: string | undefined;
}

function pageOfAlerts(
  reports: readonly AlertReport[],
  { rule, where, limit, cursor }: Query,
  timeOf: (report: AlertReport) => number,
) {
  const globs = globsOf(where);
  const wanted = reports.filter(
    (one) => (rule.length === 0 || rule.includes(one.rule)) && labelsMatch(globs, allLabels(one)),
  );
  return pageOf(
    wanted,
    { limit, after: positionOf(cursor) },
    {
      position: (one) => ({ atMs: timeOf(one), key: `${one.id} ${one.firedAtMs ?? ''}` }),
      compare: newestFirst,
    },
  );
}

async function withValues(reports: readonly AlertReport[], config: HistoryConfig, ports: HistoryPorts) {
  const values = await readNewestValues(ports, config, reports);
  return reports.map((report) => shown({ ...report, ...values.get(report.id) }));
}

function shown(report: AlertReport): AlertReport {
  const { value, ...rest } = report;
  return value === undefined || finite(value) === null ? rest : report;
}

function factsOf(rule: Rule): z.infer<typeof ruleFacts> {
  const { severity, title, forMs, keepFiringForMs } = rule;
  return {
    severity,
    title,
    condition: conditionOf(rule),
    unit: measureOf(rule).unit,
    forMs,
    keepFiringForMs,
  };
}
