import { writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { Argument, Command, Option } from 'commander';
import { createChartRenderer } from '../adapters/charts/renderer.ts';
import type { HistoryClient } from '../adapters/history-client/client.ts';
import { createRemoteStore } from '../adapters/history-client/remote-store.ts';
import { findMetric, GROUP_LABELS, METRICS } from '../core/catalogue.ts';
import { buildHistorySpec } from '../core/chart/history.ts';
import type { ChartSpec } from '../core/chart/spec.ts';
import { formatDuration } from '../core/duration.ts';
import { ConfigError } from '../core/errors.ts';
import { formatSpan } from '../core/format.ts';
import { createIntervals } from '../core/intervals.ts';
import { CHART_THEMES, type ChartTheme } from '../core/model/chart-theme.ts';
import type { Config } from '../core/model/config.ts';
import type { LabelGlobs } from '../core/model/labels.ts';
import type { Series } from '../core/model/sample.ts';
import { appendAll } from '../core/numbers/extremes.ts';
import type { SampleStore } from '../core/ports.ts';
import {
  type DrawnRange,
  readDrawn,
  readSummaries,
  type SeriesSummary,
} from '../core/stages/history-reader.ts';
import { systemClock } from '../local/clock.ts';
import { durationArgument, metricArgument, whereArgument } from './arguments.ts';
import { withNotes, wrapNames } from './command-notes.ts';
import { loadConfig, openStoreToRead } from './config-file.ts';
import { writeJson } from './json-output.ts';
import { queryShape } from './json-shapes.ts';
import { MOST_LINES, renderPlot } from './plot.ts';
import { binsOf } from './plot-axis.ts';
import { colourPaintFor } from './problem-report.ts';
import { pointTable, seriesTable } from './query-tables.ts';
import { type RemoteOptions, readShownConfig, remoteOf, withRemote } from './remote.ts';
import { MOST_STRIPS, renderStrips } from './state-strips.ts';

/** As many lines and bins as a picture can show separately. */
const PNG_LINES = 30;
const PNG_BINS = 500;
const DEFAULT_COLUMNS = 80;

interface Options extends RemoteOptions {
  config: string;
  where?: LabelGlobs;
  last: number;
  plot?: boolean;
  png?: string;
  theme: ChartTheme;
  points?: boolean;
  json?: boolean;
}

type QueriedStore = Pick<SampleStore, 'query' | 'latest' | 'rollUps'> & {
  sliceMs?: number;
  close?: () => Promise<void>;
};

interface Asked {
  store: QueriedStore;
  config: Pick<Config, 'checks' | 'schedule'> & { store: Pick<Config['store'], 'retentionMs'> };
  where: LabelGlobs;
  fromMs: number;
  toMs: number;
}

export function queryCommand(): Command {
  const command = withRemote(new Command('query'))
    .description('Print stored series as a table, or draw them in the terminal or as a picture.')
    .addArgument(new Argument('<metrics...>', 'metric names, such as mem_usage').argParser(metricArgument))
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('-w, --where <label=glob>', 'only series whose label matches; may be repeated', whereArgument)
    .addOption(
      new Option('-l, --last <duration>', 'how far back')
        .argParser(durationArgument)
        .default(3_600_000, '1h'),
    )
    .addOption(new Option('--plot', 'draw it in the terminal').conflicts(['png', 'points', 'json']))
    .addOption(
      new Option(
        '--png <file>',
        'draw it into a file; several metrics get a file each, with the metric in its name',
      ).conflicts(['points', 'json']),
    )
    .addOption(new Option('--theme <theme>', 'colours of the picture').choices(CHART_THEMES).default('dark'))
    .addOption(new Option('--points', 'print every point in its own row').conflicts('json'))
    .option('--json', 'print series with all their points as JSON')
    .action(async (metrics: string[], options: Options) => {
      const strange = strangeLabel(metrics, options.where ?? {});
      if (strange !== undefined) command.error(`error: ${strange}`, { exitCode: 2 });
      const client = await remoteOf(command, options);
      const {
        store,
        config,
        nowMs: toMs,
      } = client ? await openRemote(client) : await openLocal(options.config);
      const asked = { store, config, where: options.where ?? {}, fromMs: toMs - options.last, toMs };
      try {
        const found = await show(metrics, options, asked);
        if (!found && !options.json)
          process.stderr.write(`no series match${await olderText(metrics, asked)}\n`);
        process.exitCode = found ? 0 : 1;
      } finally {
        await store.close?.();
      }
    });
  return withNotes(command, {
    examples: [
      ['bartizan query mem_usage cpu_usage --last 6h'],
      ['bartizan query mem_usage --plot -w cluster=prod --last 1d'],
      ["bartizan query disk_usage -w cluster='prod-*' -w mount=/ --png disks.png"],
      ['bartizan query up --points --last 10m'],
      ['bartizan query mem_usage --url https://bartizan.example.com', 'with the token in BARTIZAN_TOKEN'],
      ["bartizan query load1 --json | jq -r '.[] | [.labels.node, .points[-1].value] | @tsv'"],
    ],
    text: `Metrics:
${wrapNames(METRICS.map((metric) => metric.name))}

Plots have colours on a terminal, unless NO_COLOR is set. When a column of a picture covers several samples, it shows
their minimum and maximum; a gap means that there are no samples.`,
    exits1: 'no series matches, or the samples cannot be read',
    json: queryShape,
  });
}

interface Opened {
  store: QueriedStore;
  config: Asked['config'];
  nowMs: number;
}

async function openLocal(file: string): Promise<Opened> {
  const { config } = await loadConfig(file);
  return { store: await openStoreToRead(file, config), config, nowMs: systemClock.nowMs() };
}

async function openRemote(client: HistoryClient): Promise<Opened> {
  const { config, nowMs } = await readShownConfig(client);
  return { store: createRemoteStore(client, systemClock), config, nowMs };
}

/** A label that samples have, but not those of the requested metrics; it would match nothing. */
function strangeLabel(metrics: readonly string[], where: LabelGlobs): string | undefined {
  const known = new Set<string>(metrics.flatMap((name) => GROUP_LABELS[findMetric(name)?.group ?? 'node']));
  const strange = Object.keys(where).find((label) => !known.has(label));
  if (strange === undefined) return undefined;
  const verb = metrics.length === 1 ? 'has' : 'have';
  return `${metrics.join(', ')} ${verb} no label ${strange}; possible: ${[...known].join(', ')}`;
}

/** The age of older points, if there are any; an `up` that ended leaves them. */
async function olderText(
  metrics: readonly string[],
  { store, config, where, fromMs, toMs }: Asked,
): Promise<string> {
  const sinceMs = toMs - config.store.retentionMs;
  let newest: { metric: string; timeMs: number } | undefined;
  for (const metric of metrics) {
    for (const { points } of await store.latest({ metric, where, sinceMs })) {
      const timeMs = points.at(-1)?.timeMs ?? 0;
      if (timeMs < fromMs && timeMs > (newest?.timeMs ?? 0)) newest = { metric, timeMs };
    }
  }
  if (!newest) return '';
  const age = formatSpan(toMs - newest.timeMs);
  return ` within ${formatDuration(toMs - fromMs)}; the newest of ${newest.metric} is ${age} old: --last reaches back further`;
}

/** Prints or draws the requested series. Resolves to whether there were any. */
async function show(metrics: readonly string[], options: Options, asked: Asked): Promise<boolean> {
  if (options.plot) return plot(metrics, asked);
  if (options.png !== undefined) return paint(metrics, options.png, options.theme, asked);
  const { store, config, where, fromMs, toMs } = asked;
  if (!options.json && !options.points) {
    const rows: SeriesSummary[] = [];
    for (const metric of metrics)
      appendAll(rows, await readSummaries(store, { metric, where, fromMs, toMs }));
    if (rows.length > 0) process.stdout.write(seriesTable(rows, toMs));
    return rows.length > 0;
  }
  // With --points all points are needed, so all of them are in memory.
  const found: Series[] = [];
  for (const metric of metrics) appendAll(found, await store.query({ metric, where, fromMs, toMs }));
  if (options.json) {
    const shaped = found.map((one) => ({
      ...one,
      unit: findMetric(one.metric)?.unit ?? 'count',
      ...ageOf(one, toMs),
    }));
    writeJson(queryShape, shaped);
  } else if (found.length > 0) process.stdout.write(pointTable(found, config.schedule.timeZone));
  return found.length > 0;
}

function ageOf({ points }: Series, nowMs: number): { ageMs?: number } {
  const newest = points.at(-1);
  return newest ? { ageMs: nowMs - newest.timeMs } : {};
}

/** The plots are below each other, over the same range. */
async function plot(metrics: readonly string[], asked: Asked): Promise<boolean> {
  // A terminal may report 0 columns; a pipe reports none.
  const columns = process.stdout.columns || Number(process.env.COLUMNS) || DEFAULT_COLUMNS;
  const options = { columns, paint: colourPaintFor(process.stdout) };
  const ranges = await ranged(metrics, asked, binsOf(columns));
  const drawn = ranges.map((range) => {
    const states = findMetric(range.metric)?.unit === 'bool';
    const spec = specOf(range, asked, states ? MOST_STRIPS : MOST_LINES);
    return states ? renderStrips(spec, options) : renderPlot(spec, options);
  });
  process.stdout.write(drawn.join('\n'));
  return drawn.length > 0;
}

async function paint(
  metrics: readonly string[],
  file: string,
  theme: ChartTheme,
  asked: Asked,
): Promise<boolean> {
  const renderer = createChartRenderer();
  const ranges = await ranged(metrics, asked, PNG_BINS);
  for (const range of ranges) {
    const { png, alt } = await renderer.render({ ...specOf(range, asked, PNG_LINES), theme });
    const name = metrics.length === 1 ? file : fileFor(file, range.metric);
    await writeFile(name, png).catch((cause: { code?: string }) => {
      throw new ConfigError(`${name} cannot be written (${cause.code ?? 'unknown error'})`, { cause });
    });
    process.stdout.write(`wrote ${name}: ${alt}\n`);
  }
  return ranges.length > 0;
}

/** The slowest check that measures the metric decides what is a gap, as in the charts of alerts. */
function ranged(metrics: readonly string[], asked: Asked, bins: number): Promise<DrawnRange[]> {
  const { store, config, where, fromMs, toMs } = asked;
  const intervals = createIntervals(config.checks);
  const intervalOf = (metric: string) => intervals.longest(metric, []);
  return readDrawn(store, metrics, { where, fromMs, toMs, bins, intervalOf });
}

function specOf(range: DrawnRange, { config }: Asked, most: number): ChartSpec {
  return buildHistorySpec({ ...range, timeZone: config.schedule.timeZone, most });
}

/** `fleet.png` → `fleet-mem_usage.png` */
function fileFor(file: string, metric: string): string {
  const extension = extname(file);
  return `${file.slice(0, file.length - extension.length)}-${metric}${extension}`;
}
