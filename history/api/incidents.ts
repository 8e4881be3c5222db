import { createRoute, z } from '@hono/zod-openapi';
import { type Delivery, PICTURE_OUTCOMES } from '../../core/model/delivery.ts';
import type { Incident } from '../../core/model/incident.ts';
import { NOTIFY_REASONS } from '../../core/model/notify-reason.ts';
import { SEVERITIES } from '../../core/model/rule.ts';
import { REASONS } from '../../core/model/transition.ts';
import { episodeOf } from '../../core/notify/episode.ts';
import type { HistoryPorts } from '../ports.ts';
import type { Api } from './api.ts';
import { ApiError, errorResponses } from './errors.ts';
import { newestFirst, nextSchema, oldestFirst, pageOf, pageParameters, positionOf } from './pages.ts';
import { choiceParameter, textParameter } from './parameters.ts';
import { finite, jsonContent, labelsSchema, list } from './schemas.ts';

/** A list reaches back over so many. */
const MOST_LISTED = 20_000;
/** Alerts of one incident whose transitions are in its timeline, and transitions of each. */
const MOST_ALERTS = 200;
const MOST_TRANSITIONS = 200;

const status = z.enum(['firing', 'resolved']);

const incidentSchema = z
  .strictObject({
    id: z.string(),
    route: z.string(),
    channel: z.string(),
    groupLabels: labelsSchema,
    standsInFor: z.string().optional().describe('The channel that failed, whose fallback this one is.'),
    openedAtMs: z.number(),
    closedAtMs: z.number().optional(),
    orphanedAtMs: z
      .number()
      .optional()
      .describe('Since when its channel or route is not configured any more.'),
    lastNotifiedAtMs: z.number().optional(),
    notifications: z.number().describe('Number of the newest message.'),
    dueAtMs: z.number().optional().describe('When it is decided again; absent: when something happens.'),
    failure: z
      .strictObject({
        sinceMs: z.number(),
        tries: z.number(),
        retryAtMs: z.number().optional(),
        error: z.string().optional(),
      })
      .optional()
      .describe('Of the message under way.'),
    alerts: list(
      z.strictObject({
        alertId: z.string(),
        rule: z.string(),
        severity: z.enum(SEVERITIES),
        labels: labelsSchema,
        inventoryLabels: labelsSchema.optional(),
        status,
        sinceMs: z.number(),
        firedAtMs: z.number(),
        resolvedAtMs: z.number().optional(),
        reason: z.enum(REASONS),
        value: z.number().nullable().optional(),
        notified: status.optional().describe('What the channel accepted last of it.'),
      }),
    ).describe('Alerts that fire, and those whose end is not sent yet.'),
  })
  .meta({ id: 'Incident' });

const deliverySchema = z
  .strictObject({
    id: z.string(),
    incidentId: z.string(),
    number: z.number(),
    attempt: z.number(),
    channel: z.string(),
    route: z.string(),
    reason: z.enum(NOTIFY_REASONS),
    status,
    atMs: z.number(),
    durationMs: z.number(),
    outcome: z.enum(['delivered', 'unclear', 'retry', 'failed']),
    picture: z.enum(PICTURE_OUTCOMES),
    detail: z.string().describe("The service's answer, shortened, without secrets."),
    receipt: z.string().optional(),
  })
  .meta({ id: 'Delivery' });

const eventSchema = z
  .strictObject({
    atMs: z.number(),
    what: z.enum(['opened', 'pending', 'firing', 'resolved', 'cancelled', 'message', 'closed']),
    alertId: z.string().optional(),
    rule: z.string().optional(),
    labels: labelsSchema.optional(),
    delivery: deliverySchema.optional(),
  })
  .meta({ id: 'Event' });

const incidentsRoute = createRoute({
  method: 'get',
  path: '/v1/incidents',
  summary: 'Incidents: what each channel is sent about a group of alerts',
  description: `The newest ${MOST_LISTED} at most.`,
  tags: ['Messages'],
  request: {
    query: z.strictObject({ state: choiceParameter(['open', 'closed'], 'Only these.'), ...pageParameters }),
  },
  responses: {
    200: jsonContent(
      'Incidents, the newest first.',
      z.strictObject({ incidents: list(incidentSchema), next: nextSchema }),
    ),
    ...errorResponses(),
  },
});

const incidentRoute = createRoute({
  method: 'get',
  path: '/v1/incidents/{id}',
  summary: 'One incident with its timeline',
  tags: ['Messages'],
  request: { params: z.strictObject({ id: textParameter('Its id.', 'inc-3fa9c1d2') }) },
  responses: {
    200: jsonContent(
      'The incident.',
      z.strictObject({ incident: incidentSchema, timeline: list(eventSchema) }),
    ),
    ...errorResponses(404),
  },
});

const deliveriesRoute = createRoute({
  method: 'get',
  path: '/v1/deliveries',
  summary: 'Attempts to send messages, with what the services answered',
  description: `The newest ${MOST_LISTED} at most.`,
  tags: ['Messages'],
  request: {
    query: z.strictObject({
      incident: textParameter('Only of the incident with this id.').optional(),
      outcome: choiceParameter(['delivered', 'unclear', 'retry', 'failed'], 'Only these.'),
      ...pageParameters,
    }),
  },
  responses: {
    200: jsonContent(
      'Attempts, the newest first.',
      z.strictObject({ deliveries: list(deliverySchema), next: nextSchema }),
    ),
    ...errorResponses(),
  },
});

export function addIncidents(api: Api): void {
  api.openapi(incidentsRoute, async (c) => {
    const { state: wanted, limit, cursor } = c.req.valid('query');
    const query = { limit: MOST_LISTED, ...(wanted !== undefined && { open: wanted === 'open' }) };
    const { items, next } = pageOf(
      await c.var.ports.state.listIncidents(query),
      { limit, after: positionOf(cursor) },
      {
        position: ({ openedAtMs: atMs, id: key }) => ({ atMs, key }),
        compare: newestFirst,
      },
    );
    return c.json({ incidents: items.map(incidentOf), next }, 200);
  });

  api.openapi(incidentRoute, async (c) => {
    const { state } = c.var.ports;
    const found = await state.loadIncident(c.req.valid('param').id);
    if (!found) throw new ApiError(404, 'there is no such incident', '`/v1/incidents` lists them');
    return c.json({ incident: incidentOf(found.value), timeline: await timelineOf(found.value, state) }, 200);
  });

  api.openapi(deliveriesRoute, async (c) => {
    const { incident: incidentId, outcome, limit, cursor } = c.req.valid('query');
    const query = { limit: MOST_LISTED, ...(incidentId !== undefined && { incidentId }) };
    const all = await c.var.ports.state.listDeliveries(query);
    const wanted = all.filter((one) => outcome === undefined || one.outcome === outcome);
    const { items, next } = pageOf(
      wanted,
      { limit, after: positionOf(cursor) },
      {
        position: ({ atMs, id: key }) => ({ atMs, key }),
        compare: newestFirst,
      },
    );
    return c.json({ deliveries: items.map(deliveryOf), next }, 200);
  });
}

async function timelineOf(
  incident: Incident,
  state: HistoryPorts['state'],
): Promise<z.infer<typeof eventSchema>[]> {
  const { id: incidentId, openedAtMs, closedAtMs } = incident;
  const deliveries = await state.listDeliveries({ incidentId, limit: MOST_LISTED });
  const news = deliveries.flatMap((one) =>
    Object.keys(one.news ?? {}).map((episode) => episode.slice(0, episode.lastIndexOf('@'))),
  );
  const alertIds = [...new Set([...incident.alerts.map(({ alertId }) => alertId), ...news])].slice(
    0,
    MOST_ALERTS,
  );
  const since = Math.min(openedAtMs, ...incident.alerts.map(({ sinceMs }) => sinceMs));
  const range = { fromMs: since, toMs: closedAtMs ?? Number.MAX_SAFE_INTEGER, limit: MOST_TRANSITIONS };
  const transitions = await Promise.all(
    alertIds.map((alertId) => state.listTransitions({ ...range, alertId })),
  );
  const events: z.infer<typeof eventSchema>[] = [
    { atMs: openedAtMs, what: 'opened' },
    ...transitions
      .flat()
      .map(({ atMs, kind: what, alertId, rule, labels }) => ({ atMs, what, alertId, rule, labels })),
    ...deliveries.map((one) => ({ atMs: one.atMs, what: 'message' as const, delivery: deliveryOf(one) })),
    ...(closedAtMs === undefined ? [] : [{ atMs: closedAtMs, what: 'closed' as const }]),
  ];
  return events.sort((a, b) => oldestFirst({ atMs: a.atMs, key: '' }, { atMs: b.atMs, key: '' }));
}

function incidentOf(incident: Incident): z.infer<typeof incidentSchema> {
  const { id, route, channel, groupLabels, standsInFor, openedAtMs, closedAtMs, orphanedAtMs } = incident;
  const { lastNotifiedAtMs, notifications, dueAtMs, attempt } = incident;
  const failure = attempt && {
    sinceMs: attempt.firstTriedAtMs,
    tries: attempt.tries,
    retryAtMs: attempt.retryAtMs,
    error: attempt.error,
  };
  return {
    ...{ id, route, channel, groupLabels, standsInFor, openedAtMs, closedAtMs, orphanedAtMs },
    ...{ lastNotifiedAtMs, notifications, dueAtMs, failure },
    alerts: incident.alerts.map((alert) => {
      const {
        alertId,
        rule,
        severity,
        labels,
        inventoryLabels,
        status: now,
        sinceMs,
        firedAtMs,
        resolvedAtMs,
        reason,
        value,
      } = alert;
      return {
        ...{
          alertId,
          rule,
          severity,
          labels,
          inventoryLabels,
          status: now,
          sinceMs,
          firedAtMs,
          resolvedAtMs,
          reason,
        },
        ...(value !== undefined && { value: finite(value) }),
        notified: incident.notified[episodeOf(alert)],
      };
    }),
  };
}

function deliveryOf({ news: _news, ...delivery }: Delivery): z.infer<typeof deliverySchema> {
  return delivery;
}
