import { Command } from 'commander';
import { openSqliteStore } from '../adapters/stores/sqlite/store.ts';
import { findMetric, METRICS } from '../core/catalogue.ts';
import { parseDuration } from '../core/config/duration.ts';
import { ConfigError } from '../core/errors.ts';
import { formatMetricValue } from '../core/format.ts';
import type { LabelGlobs, Series } from '../core/model.ts';
import { systemClock } from '../local/clock.ts';
import { loadConfig } from './config-file.ts';
import { renderTable } from './table.ts';

export function queryCommand(): Command {
  return new Command('query')
    .description('Print stored series: newest value, least, mean and greatest, or every point.')
    .argument('<metrics...>', 'metric names, such as mem_usage')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('-w, --where <label=glob>', 'only series whose label matches; may be repeated', collect, [])
    .option('-l, --last <duration>', 'how far back', '1h')
    .option('--points', 'every point, one row a time')
    .option('--json', 'series as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ bartizan query mem_usage cpu_usage --last 6h
  $ bartizan query disk_usage -w cluster='prod-*' -w mount=/
  $ bartizan query up --points --last 10m

Metrics: ${METRICS.map((metric) => metric.name).join(' ')}`,
    )
    .action(
      async (
        metrics: string[],
        options: { config: string; where: string[]; last: string; points?: boolean; json?: boolean },
      ) => {
        for (const name of metrics) {
          if (!findMetric(name))
            throw new ConfigError(`unknown metric ${name}; \`bartizan query --help\` lists them`);
        }
        const { config } = await loadConfig(options.config);
        const where = whereOf(options.where);
        const toMs = systemClock.nowMs();
        const fromMs = toMs - parseDuration(options.last);
        const store = openSqliteStore({ path: config.store.path, readOnly: true });
        const found: Series[] = [];
        for (const metric of metrics) found.push(...(await store.query({ metric, where, fromMs, toMs })));
        await store.close();
        if (options.json) process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
        else if (found.length === 0) process.stdout.write('no series match\n');
        else
          process.stdout.write(
            options.points ? pointTable(found, config.schedule.timeZone) : seriesTable(found),
          );
      },
    );
}

function collect(value: string, all: string[]): string[] {
  return [...all, value];
}

/** @throws ConfigError for what is not label=glob */
function whereOf(texts: readonly string[]): LabelGlobs {
  const where: Record<string, string[]> = {};
  for (const text of texts) {
    const at = text.indexOf('=');
    if (at < 1) throw new ConfigError(`--where ${text}: write label=glob, such as node='etcd-*'`);
    const name = text.slice(0, at);
    where[name] = [...(where[name] ?? []), text.slice(at + 1)];
  }
  return where;
}

function labelsText(series: Series): string {
  return Object.entries(series.labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

function seriesTable(found: readonly Series[]): string {
  const rows = found.map((series) => {
    const values = series.points.map((point) => point.value);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const least = values.reduce((a, b) => Math.min(a, b), Infinity);
    const greatest = values.reduce((a, b) => Math.max(a, b), -Infinity);
    const shown = [values.at(-1) ?? 0, least, mean, greatest].map((value) =>
      formatMetricValue(value, findMetric(series.metric)),
    );
    return [series.metric, labelsText(series), ...shown, String(values.length)];
  });
  return renderTable(['METRIC', 'SERIES', 'NOW', 'MIN', 'MEAN', 'MAX', 'POINTS'], rows, [2, 3, 4, 5, 6]);
}

function pointTable(found: readonly Series[], timeZone: string): string {
  const clock = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  const rows = found.flatMap((series) =>
    series.points.map((point) => [
      clock.format(point.timeMs),
      series.metric,
      labelsText(series),
      formatMetricValue(point.value, findMetric(series.metric)),
    ]),
  );
  return renderTable([`TIME (${timeZone})`, 'METRIC', 'SERIES', 'VALUE'], rows, [3]);
}
