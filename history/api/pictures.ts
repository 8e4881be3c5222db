import { createRoute, z } from '@hono/zod-openapi';
import { buildHistorySpec } from '../../core/chart/history.ts';
import { createIntervals } from '../../core/intervals.ts';
import { CHART_THEMES } from '../../core/model/chart-theme.ts';
import type { LabelGlobs } from '../../core/model/labels.ts';
import { readDrawn } from '../../core/stages/history-reader.ts';
import type { HistoryPorts } from '../ports.ts';
import type { Api } from './api.ts';
import { ApiError, errorResponses } from './errors.ts';
import {
  choiceParameter,
  globsOf,
  metricsOf,
  rangeOf,
  rangeParameters,
  textParameter,
  whereParameter,
} from './parameters.ts';

/** As many lines and bins as a picture can show separately. */
const MOST_LINES = 30;
const BINS = 500;
const MOST_SERIES = 500;
const LONGEST_MS = 35 * 86_400_000;

const route = createRoute({
  method: 'get',
  path: '/v1/pictures',
  summary: 'A chart as PNG, of a metric or of an alert',
  description: `With \`alert\` the metric of its rule on its cluster. At most 35 days and ${MOST_SERIES} series, of which the ${MOST_LINES} with
the greatest peaks are drawn.`,
  tags: ['Samples'],
  request: {
    query: z.strictObject({
      metric: textParameter('Name of a metric.', 'mem_usage').optional(),
      alert: textParameter('Instead: id of an alert that is pending or fires.').optional(),
      where: whereParameter,
      ...rangeParameters,
      theme: choiceParameter(CHART_THEMES, 'Colours; default: dark.'),
    }),
  },
  responses: {
    200: {
      description: '2000 × 1000 pixels.',
      content: {
        'image/png': { schema: z.string().meta({ format: 'binary' }) },
      },
    },
    ...errorResponses(404),
  },
});

export function addPictures(api: Api): void {
  api.openapi(route, async (c) => {
    const { ports } = c.var;
    const { metric, alert, where, theme = 'dark', ...asked } = c.req.valid('query');
    if (!ports.draw) throw new ApiError(404, 'nothing draws pictures here', '`/v1/range` has the values');
    const nowMs = ports.clock.nowMs();
    const range = rangeOf(asked, nowMs);
    if (range.toMs - range.fromMs > LONGEST_MS) throw new ApiError(400, 'a picture shows 35 days at most');
    const subject = await subjectOf({ metric, alert, where: globsOf(where) }, ports);
    const config = await ports.config();
    const known = await ports.store.latest({ ...subject, sinceMs: range.fromMs });
    if (known.length > MOST_SERIES)
      throw new ApiError(413, `there are ${known.length} series`, 'narrow it by `where`');
    const intervals = createIntervals(config.checks);
    const intervalOf = (name: string) => intervals.longest(name, []);
    const [drawn] = await readDrawn(ports.store, [subject.metric], {
      where: subject.where,
      ...range,
      bins: BINS,
      intervalOf,
    });
    if (!drawn) throw new ApiError(404, 'no series matches', '`/v1/series` lists those there are');
    const spec = buildHistorySpec({ ...drawn, timeZone: config.schedule.timeZone, most: MOST_LINES });
    const { png } = await ports.draw({ ...spec, theme }, c.req.raw.signal);
    return c.body(new Uint8Array(png), 200, { 'content-type': 'image/png' });
  });
}

async function subjectOf(
  {
    metric,
    alert: id,
    where,
  }: { metric?: string | undefined; alert?: string | undefined; where: LabelGlobs },
  ports: HistoryPorts,
): Promise<{ metric: string; where: LabelGlobs }> {
  if ((metric === undefined) === (id === undefined))
    throw new ApiError(400, 'a picture is either of a `metric` or of an `alert`', 'give one of the two');
  if (metric !== undefined) {
    metricsOf([metric]);
    return { metric, where };
  }
  const alert = (await ports.state.listAlerts()).find(({ value }) => value.id === id)?.value;
  const rule = (await ports.config()).rules.find(({ name }) => name === alert?.rule);
  if (!alert || !rule)
    throw new ApiError(404, 'no such alert is pending or firing', '`/v1/alerts` lists those that are');
  const { cluster, bastion } = alert.labels;
  const near: LabelGlobs =
    cluster !== undefined ? { cluster: [cluster] } : bastion !== undefined ? { bastion: [bastion] } : {};
  return { metric: rule.metric, where: { ...near, ...where } };
}
