import { createRoute, z } from '@hono/zod-openapi';
import { MATCHER_OPS } from '../../core/model/silence.ts';
import { listedSilences } from '../../core/notify/listed-silences.ts';
import { coveredBy } from '../../core/notify/silence-draft.ts';
import { acknowledgeAlert, addSilence, endSilence, SilenceError } from '../silences.ts';
import { type Api, needScope } from './api.ts';
import { ApiError, errorResponses } from './errors.ts';
import { choiceParameter, textParameter } from './parameters.ts';
import { jsonContent, list } from './schemas.ts';
import { listedSilenceSchema, silenceSchema } from './silence-schema.ts';

const LAST_MS = 8_640_000_000_000_000;

const silence = silenceSchema.meta({ id: 'Silence' });
const listed = listedSilenceSchema.meta({ id: 'ListedSilence' });

const timeSchema = z.number().int().min(0).max(LAST_MS);
const newSchema = z
  .strictObject({
    matchers: z
      .array(
        z.strictObject({ name: z.string().max(100), op: z.enum(MATCHER_OPS), value: z.string().max(2_000) }),
      )
      .max(100)
      .optional()
      .describe('All must match. Or `alertId`.'),
    alertId: z.string().max(500).optional().describe('Acknowledges this alert: silent until it resolves.'),
    fromMs: timeSchema.optional().describe('Default: now.'),
    untilMs: timeSchema.optional().describe('May be left out with `alertId` alone.'),
    comment: z.string().max(2_000).describe('Why.'),
    author: z.string().max(100).optional().describe('Who; default: the name of the token.'),
  })
  .meta({
    id: 'NewSilence',
    example: {
      matchers: [{ name: 'node', op: '=', value: 'prod-1' }],
      untilMs: 1_764_590_400_000,
      comment: 'disk swap',
    },
  });

const listRoute = createRoute({
  method: 'get',
  path: '/v1/silences',
  summary: 'Silences, those of the configuration included',
  tags: ['Silences'],
  request: {
    query: z.strictObject({ expired: choiceParameter(['true', 'false'], 'Whether also those that ended.') }),
  },
  responses: {
    200: jsonContent('Silences by end.', z.strictObject({ silences: list(listed) })),
    ...errorResponses(),
  },
});

const addRoute = createRoute({
  method: 'post',
  path: '/v1/silences',
  summary: 'Add a silence, or acknowledge an alert',
  description: 'Needs the scope `silence`.',
  tags: ['Silences'],
  request: { body: { required: true, content: { 'application/json': { schema: newSchema } } } },
  responses: {
    201: jsonContent(
      'The silence, and ids of the alerts that it covers now.',
      z.strictObject({ silence, covers: list(z.string()) }),
    ),
    ...errorResponses(404, 415),
  },
});

const endRoute = createRoute({
  method: 'delete',
  path: '/v1/silences/{id}',
  summary: 'End a silence now',
  description: 'Needs the scope `silence`. Withheld alerts that still fire are sent.',
  tags: ['Silences'],
  request: {
    params: z.strictObject({ id: textParameter('Its id.', '0b9f2f6a-1f7c-4a39-9f52-2f7f1f0a7f0e') }),
  },
  responses: { 200: jsonContent('The silence as it was.', silence), ...errorResponses(404) },
});

export function addSilences(api: Api): void {
  api.openapi(listRoute, async (c) => {
    const { state, clock, config } = c.var.ports;
    const withEnded = c.req.valid('query').expired === 'true';
    const nowMs = clock.nowMs();
    const all = listedSilences({
      stored: await state.listSilences({ endedAfterMs: withEnded ? 0 : nowMs }),
      alerts: (await state.listAlerts()).map(({ value }) => value),
      file: (await config()).silences,
      nowMs,
    });
    return c.json({ silences: all.filter((one) => withEnded || one.state !== 'expired') }, 200);
  });

  api.openapi(addRoute, async (c) => {
    needScope(c, 'silence');
    const { principal, ports } = c.var;
    const { matchers = [], alertId, fromMs, untilMs, comment, author = '' } = c.req.valid('json');
    if ((matchers.length === 0) === (alertId === undefined))
      throw new ApiError(400, 'a silence has either `matchers` or an `alertId`', 'say which alerts');
    const nowMs = ports.clock.nowMs();
    const alerts = (await ports.state.listAlerts()).map(({ value }) => value);
    const asked = { fromMs: fromMs ?? nowMs, createdBy: author, comment };
    const added = await answering(async () => {
      if (alertId === undefined) {
        if (untilMs === undefined) throw new ApiError(400, '`untilMs` is missing', 'say how long it lasts');
        return addSilence({ principal, ports }, { ...asked, matchers, untilMs });
      }
      const alert = alerts.find(({ id }) => id === alertId);
      if (!alert)
        throw new ApiError(404, 'no such alert is pending or firing', '`/v1/alerts` lists those that are');
      return acknowledgeAlert({ principal, ports }, alert, { ...asked, untilMs });
    });
    const covers = coveredBy(added, alerts, (await ports.config()).rules).map(({ id }) => id);
    return c.json({ silence: added, covers }, 201);
  });

  api.openapi(endRoute, async (c) => {
    needScope(c, 'silence');
    const { principal, ports } = c.var;
    const { id } = c.req.valid('param');
    return c.json(await answering(() => endSilence({ principal, ports }, id)), 200);
  });
}

const STATUSES = { invalid: 400, unknown: 404, forbidden: 403 } as const;

async function answering<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof SilenceError) throw new ApiError(STATUSES[error.kind], error.message);
    throw error;
  }
}
