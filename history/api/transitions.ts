import { createRoute, z } from '@hono/zod-openapi';
import { allLabels } from '../../core/labels.ts';
import { REASONS, type Transition } from '../../core/model/transition.ts';
import { labelsText } from '../../core/notify/summary.ts';
import type { Api } from './api.ts';
import { errorResponses } from './errors.ts';
import { cursorOf, nextSchema, pageParameters, positionOf } from './pages.ts';
import { choiceParameter, rangeOf, rangeParameters, textParameter } from './parameters.ts';
import { finite, jsonContent, labelsSchema, list } from './schemas.ts';

/** Of one moment so many can be paged through: an outage of a large fleet has as many alerts. */
const MOST_OF_A_MOMENT = 100_000;

const transitionSchema = z
  .strictObject({
    id: z.string(),
    alertId: z.string(),
    rule: z.string(),
    labels: labelsSchema,
    inventoryLabels: labelsSchema.optional(),
    kind: z.enum(['pending', 'firing', 'resolved', 'cancelled']),
    atMs: z.number(),
    reason: z.enum(REASONS),
    sinceMs: z.number(),
    clearedAtMs: z.number().optional(),
    value: z.number().nullable().optional(),
  })
  .meta({ id: 'Transition' });

const annotationSchema = z
  .strictObject({ time: z.number(), title: z.string(), text: z.string(), tags: list(z.string()) })
  .meta({ id: 'Annotation' });

const route = createRoute({
  method: 'get',
  path: '/v1/transitions',
  summary: 'What alerts did, oldest first; also as annotations for Grafana',
  tags: ['Alerts'],
  request: {
    query: z.strictObject({
      ...rangeParameters,
      alert: textParameter('Only of the alert with this id.').optional(),
      format: choiceParameter(
        ['transitions', 'annotations'],
        '`annotations`: a list that Grafana shows in graphs; the header `Link` has the next page, where there is one.',
      ),
      ...pageParameters,
    }),
  },
  responses: {
    200: jsonContent(
      'A page of transitions, or annotations.',
      z.union([
        z.strictObject({ transitions: list(transitionSchema), next: nextSchema }),
        list(annotationSchema),
      ]),
    ),
    ...errorResponses(),
  },
});

export function addTransitions(api: Api): void {
  api.openapi(route, async (c) => {
    const { alert: alertId, format, limit = 100, cursor, ...asked } = c.req.valid('query');
    const { state, clock } = c.var.ports;
    const { fromMs, toMs } = rangeOf(asked, clock.nowMs());
    // A store lists those of one moment always in the same order: the cursor says how many of it were given.
    const after = positionOf(cursor);
    const given = after ? Math.min(MOST_OF_A_MOMENT, Number(after.key) || 0) : 0;
    const query = { fromMs: Math.max(fromMs, after?.atMs ?? 0), toMs, limit: given + limit + 1 };
    const read = await state.listTransitions({ ...query, ...(alertId !== undefined && { alertId }) });
    const rest = read.slice(after ? firstNew(read, after.atMs, given) : 0);
    const page = rest.slice(0, limit);
    const last = page.at(-1);
    const before = last && last.atMs === after?.atMs ? given : 0;
    const next =
      last && rest.length > limit
        ? cursorOf({
            atMs: last.atMs,
            key: String(before + page.filter(({ atMs }) => atMs === last.atMs).length),
          })
        : undefined;
    if (format !== 'annotations') return c.json({ transitions: page.map(shown), next }, 200);
    if (next !== undefined) {
      const url = new URL(c.req.url);
      url.searchParams.set('cursor', next);
      c.header('Link', `<${url.pathname}${url.search}>; rel="next"`);
    }
    return c.json(page.map(annotationOf), 200);
  });
}

function firstNew(read: readonly Transition[], atMs: number, given: number): number {
  let index = 0;
  while (index < given && read[index]?.atMs === atMs) index++;
  return index;
}

function shown({ value, ...transition }: Transition): z.infer<typeof transitionSchema> {
  return { ...transition, ...(value !== undefined && { value: finite(value) }) };
}

function annotationOf({
  atMs,
  rule,
  kind,
  reason,
  labels,
  ...rest
}: Transition): z.infer<typeof annotationSchema> {
  const tags = Object.entries(allLabels({ labels, ...rest })).map(([name, value]) => `${name}=${value}`);
  return {
    time: atMs,
    title: `${rule} ${kind}`,
    text: `${labelsText(labels)} (${reason})`,
    tags: [kind, rule, ...tags],
  };
}
