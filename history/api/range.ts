import { createRoute, z } from '@hono/zod-openapi';
import { labelKey } from '../../core/labels.ts';
import type { LabelGlobs, Labels } from '../../core/model/labels.ts';
import type { HourlySeries } from '../../core/model/sample.ts';
import { HOUR_MS, hourOf, PERIOD_MS, periodOf } from '../../core/numbers/roll-up.ts';
import type { SeriesQuery } from '../../core/ports.ts';
import type { HistoryPorts } from '../ports.ts';
import type { Api } from './api.ts';
import { type Bins, createBins } from './bins.ts';
import { ApiError, errorResponses } from './errors.ts';
import {
  choiceParameter,
  globsOf,
  integerParameter,
  metricParameter,
  metricsOf,
  rangeOf,
  rangeParameters,
  type TimeRange,
  whereParameter,
} from './parameters.ts';
import { finite, jsonContent, labelsSchema, list, unitOf, unitSchema, valuesSchema } from './schemas.ts';
import { readSlices } from './slices.ts';

const MOST_BINS = 2_000;
const DEFAULT_BINS = 300;
/** Values in one answer: a column is a series, a row a time. */
const MOST_CELLS = 600_000;
/** Longer ranges are read from roll-ups, as in `bartizan query`: a bin covers more than one, and samples may have been removed. */
const ROLLED_FROM_MS = 48 * 3_600_000;

/** Bins from this length on are of hours: each has at least two. */
const HOURS_FROM_MS = 2 * HOUR_MS;

const columnSchema = z
  .strictObject({
    metric: z.string(),
    unit: unitSchema,
    labels: labelsSchema,
    values: valuesSchema.optional().describe('Without `bins`: one value for each of `times`, or null.'),
    min: valuesSchema.optional().describe('With `bins`, of samples. Roll-ups do not know it.'),
    avg: valuesSchema.optional().describe('With `bins`: of samples, or of the averages of roll-ups.'),
    max: valuesSchema.optional().describe('With `bins`.'),
  })
  .meta({ id: 'Column' });

const rangeSchema = z
  .strictObject({
    fromMs: z.number(),
    toMs: z.number(),
    source: z
      .enum(['samples', 'roll-ups'])
      .describe(
        '`roll-ups`: averages and maxima of five minutes, in bins of two hours and more those of hours, which outlive samples.',
      ),
    binMs: z.number().optional().describe('With `bins`: how long one is.'),
    times: list(z.number()).describe('Unix ms of all columns: times of samples, or begins of bins.'),
    series: list(columnSchema),
  })
  .meta({ id: 'Range' });

const rangeRoute = createRoute({
  method: 'get',
  path: '/v1/range',
  summary: 'Values of several series over time, in columns',
  description: `Without \`bins\` the samples as they are stored. With \`bins\` the least, mean and greatest value of each bin; a bin
without a sample is null. Ranges longer than 48 hours, and those that begin before the samples do, are read from roll-ups, unless
\`source\` says otherwise. An answer has at most ${MOST_CELLS} values, else 413.`,
  tags: ['Samples'],
  request: {
    query: z.strictObject({
      metric: metricParameter,
      where: whereParameter,
      ...rangeParameters,
      bins: integerParameter(
        1,
        MOST_BINS,
        `How many bins; default: none up to 48 hours, else ${DEFAULT_BINS}.`,
      ),
      source: choiceParameter(['samples', 'roll-ups'], 'What to read.'),
    }),
  },
  responses: { 200: jsonContent('Columns over one list of times.', rangeSchema), ...errorResponses() },
});

export function addRange(api: Api): void {
  api.openapi(rangeRoute, async (c) => {
    const { ports } = c.var;
    const { metric, where, bins, source: wanted, ...asked } = c.req.valid('query');
    const nowMs = ports.clock.nowMs();
    const range = rangeOf(asked, nowMs);
    const metrics = metricsOf(metric);
    const { store } = await ports.config();
    const isLong = range.toMs - range.fromMs > ROLLED_FROM_MS || range.fromMs < nowMs - store.retentionMs;
    const source = wanted ?? (isLong ? 'roll-ups' : 'samples');
    const reading = { metrics, where: globsOf(where), range, store: ports.store, signal: c.req.raw.signal };
    if (source === 'samples' && bins === undefined)
      return c.json({ ...range, source, ...(await readSamples(reading)) }, 200);
    const count = bins ?? DEFAULT_BINS;
    const answer = createBins(range, count);
    await (source === 'samples' ? binSamples(reading, answer) : binRollUps(reading, answer));
    return c.json({ ...range, source, ...answer.columns() }, 200);
  });
}

interface Reading {
  metrics: readonly string[];
  where: LabelGlobs;
  range: TimeRange;
  store: HistoryPorts['store'];
  signal: AbortSignal;
}

/** The samples themselves: `times` are all that a series has one at. */
async function readSamples({ metrics, where, range, store, signal }: Reading) {
  const found = new Map<string, { metric: string; labels: Labels; points: Map<number, number> }>();
  const times = new Set<number>();
  for (const metric of metrics) {
    for await (const slice of readSlices(store.query, { metric, where, ...range }, signal)) {
      for (const { labels, points } of slice) {
        const key = `${metric} ${labelKey(labels)}`;
        const one = found.get(key) ?? { metric, labels, points: new Map<number, number>() };
        found.set(key, one);
        for (const { timeMs, value } of points) {
          times.add(timeMs);
          one.points.set(timeMs, value);
        }
        if (found.size * times.size > MOST_CELLS) throw tooLarge(found.size);
      }
    }
  }
  const ordered = [...times].sort((a, b) => a - b);
  const series = [...found.values()].map(({ points, ...one }) => ({
    ...one,
    unit: unitOf(one.metric),
    values: ordered.map((timeMs) => finite(points.get(timeMs))),
  }));
  return { times: ordered, series };
}

async function binSamples({ metrics, where, range, store, signal }: Reading, bins: Bins): Promise<void> {
  for (const metric of metrics) {
    for await (const slice of readSlices(store.query, { metric, where, ...range }, signal)) {
      for (const { labels, points } of slice) {
        const column = bins.columnOf(metric, labels);
        if (bins.cells() > MOST_CELLS) throw tooLarge(bins.size());
        for (const { timeMs, value } of points) column.add(timeMs, value, value, value);
      }
    }
  }
}

async function binRollUps({ metrics, where, range, store, signal }: Reading, bins: Bins): Promise<void> {
  for (const metric of metrics) {
    for (const { read, weight, ...piece } of piecesOf(store, range, bins.binMs)) {
      for await (const slice of readSlices(read, { metric, where, ...piece }, signal)) {
        for (const { labels, points } of slice) {
          const column = bins.columnOf(metric, labels);
          if (bins.cells() > MOST_CELLS) throw tooLarge(bins.size());
          for (const { timeMs, avg, max } of points) column.add(timeMs, undefined, avg, max, weight);
        }
      }
    }
  }
}

interface Piece extends TimeRange {
  read: (query: SeriesQuery) => Promise<readonly HourlySeries[]>;
  weight: number;
}

/** Whole hours where bins are so long, and five minutes at both ends. */
function piecesOf(store: HistoryPorts['store'], { fromMs, toMs }: TimeRange, binMs: number): Piece[] {
  const periods = { read: store.rollUps, weight: 1 };
  // The period that the range begins in belongs to it.
  const startMs = periodOf(fromMs);
  const [hoursFromMs, hoursToMs] = [hourOf(startMs + HOUR_MS - 1), hourOf(toMs + 1)];
  if (!store.hourlyRollUps || binMs < HOURS_FROM_MS || hoursFromMs >= hoursToMs)
    return [{ ...periods, fromMs: startMs, toMs }];
  const hours = { read: store.hourlyRollUps, weight: HOUR_MS / PERIOD_MS };
  return [
    { ...periods, fromMs: startMs, toMs: hoursFromMs - 1 },
    { ...hours, fromMs: hoursFromMs, toMs: hoursToMs - 1 },
    { ...periods, fromMs: hoursToMs, toMs },
  ];
}

function tooLarge(series: number): ApiError {
  return new ApiError(
    413,
    `the answer would have more than ${MOST_CELLS} values: there are at least ${series} series`,
    'narrow it by `where`, ask for fewer `bins`, or for a shorter range',
  );
}
