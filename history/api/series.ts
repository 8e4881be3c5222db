import { createRoute, z } from '@hono/zod-openapi';
import { currentForMs } from '../../core/current.ts';
import { createIntervals } from '../../core/intervals.ts';
import { labelKey, naturalOrder } from '../../core/labels.ts';
import type { Series } from '../../core/model/sample.ts';
import type { HistoryPorts } from '../ports.ts';
import type { Api } from './api.ts';
import { errorResponses } from './errors.ts';
import { nextSchema, pageOf, pageParameters, positionOf } from './pages.ts';
import { globsOf, integerParameter, metricParameter, metricsOf, whereParameter } from './parameters.ts';
import { finite, jsonContent, labelsSchema, list, unitOf, unitSchema } from './schemas.ts';

const LONGEST_AGE_MS = 400 * 86_400_000;
const DEFAULT_AGE_MS = 86_400_000;

const seriesSchema = z
  .strictObject({ metric: z.string(), unit: unitSchema, labels: labelsSchema })
  .meta({ id: 'Series' });

const latestSchema = z
  .strictObject({
    ...seriesSchema.shape,
    timeMs: z.number(),
    value: z.number().nullable(),
    ageMs: z.number().describe('Below zero where the clock was set back.'),
    isCurrent: z.boolean().describe('Rules and messages still count on it.'),
    currentForMs: z.number().describe('How long a value of this series is current.'),
  })
  .meta({ id: 'LatestValue' });

const query = z.strictObject({
  metric: metricParameter,
  where: whereParameter,
  within: integerParameter(
    1,
    LONGEST_AGE_MS,
    'Milliseconds: series without a newer sample are left out.',
    DEFAULT_AGE_MS,
  ),
  ...pageParameters,
});

const seriesRoute = createRoute({
  method: 'get',
  path: '/v1/series',
  summary: 'Which series there are',
  tags: ['Samples'],
  request: { query },
  responses: {
    200: jsonContent(
      'Series by metric and labels.',
      z.strictObject({ series: list(seriesSchema), next: nextSchema }),
    ),
    ...errorResponses(),
  },
});

const latestRoute = createRoute({
  method: 'get',
  path: '/v1/latest',
  summary: 'Newest values with their age',
  tags: ['Samples'],
  request: { query },
  responses: {
    200: jsonContent(
      'Newest values.',
      z.strictObject({ nowMs: z.number(), values: list(latestSchema), next: nextSchema }),
    ),
    ...errorResponses(),
  },
});

export function addSeries(api: Api): void {
  api.openapi(seriesRoute, async (c) => {
    const { items, next } = await newest(c.var.ports, c.req.valid('query'));
    return c.json({ series: items.map(describe), next }, 200);
  });

  api.openapi(latestRoute, async (c) => {
    const { ports } = c.var;
    const { items, next } = await newest(ports, c.req.valid('query'));
    const nowMs = ports.clock.nowMs();
    const [config, targets] = [await ports.config(), await ports.targets()];
    const intervals = createIntervals(config.checks, targets);
    const values = items.flatMap((series) => {
      const point = series.points.at(-1);
      if (!point) return [];
      const { timeMs, value } = point;
      const currentMs = currentForMs(intervals.of(series.metric, series.labels));
      const ageMs = nowMs - timeMs;
      return [
        {
          ...describe(series),
          timeMs,
          value: finite(value),
          ageMs,
          isCurrent: ageMs <= currentMs,
          currentForMs: currentMs,
        },
      ];
    });
    return c.json({ nowMs, values, next }, 200);
  });
}

type Query = z.infer<typeof query>;
type Ports = Pick<HistoryPorts, 'store' | 'clock'>;

async function newest(
  { store, clock }: Ports,
  { metric, where, within = DEFAULT_AGE_MS, limit, cursor }: Query,
) {
  const globs = globsOf(where);
  const after = positionOf(cursor);
  const found: Series[] = [];
  for (const name of metricsOf(metric)) {
    for (const one of await store.latest({ metric: name, where: globs, sinceMs: clock.nowMs() - within }))
      found.push(one);
  }
  return pageOf(
    found,
    { limit, after },
    {
      position: ({ metric: name, labels }) => ({ atMs: 0, key: `${name} ${labelKey(labels)}` }),
      compare: (a, b) => naturalOrder.compare(a.key, b.key),
    },
  );
}

function describe({ metric, labels }: Pick<Series, 'metric' | 'labels'>): z.infer<typeof seriesSchema> {
  return { metric, unit: unitOf(metric), labels };
}
