import { findMetric } from '../core/catalogue.ts';
import { formatDateTime, formatMetricValue, formatValue } from '../core/format.ts';
import type { Series } from '../core/model.ts';
import { renderTable } from './table.ts';

/** A row a series: newest value, least, mean and greatest. */
export function seriesTable(found: readonly Series[]): string {
  const rows = found.map((series) => {
    const values = series.points.map((point) => point.value);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const least = values.reduce((a, b) => Math.min(a, b), Infinity);
    const greatest = values.reduce((a, b) => Math.max(a, b), -Infinity);
    const metric = findMetric(series.metric);
    const show = (value: number) => formatMetricValue(value, metric);
    // Of a state the mean is how much of the time it held.
    const average = metric?.unit === 'bool' ? formatValue(mean * 100, 'percent') : show(mean);
    const shown = [show(values.at(-1) ?? 0), show(least), average, show(greatest)];
    return [series.metric, labelsText(series), ...shown, String(values.length)];
  });
  return renderTable(['METRIC', 'SERIES', 'NOW', 'MIN', 'MEAN', 'MAX', 'POINTS'], rows, [2, 3, 4, 5, 6]);
}

/** A row a point. */
export function pointTable(found: readonly Series[], timeZone: string): string {
  const rows = found.flatMap((series) =>
    series.points.map((point) => [
      formatDateTime(point.timeMs, timeZone),
      series.metric,
      labelsText(series),
      formatMetricValue(point.value, findMetric(series.metric)),
    ]),
  );
  return renderTable([`TIME (${timeZone})`, 'METRIC', 'SERIES', 'VALUE'], rows, [3]);
}

function labelsText(series: Series): string {
  return Object.entries(series.labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
