import { findMetric } from '../core/catalogue.ts';
import { formatDateTime, formatMetricValue, formatValue } from '../core/format.ts';
import type { Labels, Series } from '../core/model.ts';
import type { SeriesSummary } from './history-reader.ts';
import { renderTable } from './table.ts';

/** A row a series: newest value, least, mean and greatest. */
export function seriesTable(found: readonly SeriesSummary[]): string {
  const rows = found.map(({ metric: name, labels, now, least, mean, greatest, count }) => {
    const metric = findMetric(name);
    const show = (value: number) => formatMetricValue(value, metric);
    // Of a state the mean is how much of the time it held.
    const average = metric?.unit === 'bool' ? formatValue(mean * 100, 'percent') : show(mean);
    return [name, labelsText(labels), show(now), show(least), average, show(greatest), String(count)];
  });
  return renderTable(['METRIC', 'SERIES', 'NOW', 'MIN', 'MEAN', 'MAX', 'POINTS'], rows, [2, 3, 4, 5, 6]);
}

/** A row a point. */
export function pointTable(found: readonly Series[], timeZone: string): string {
  const rows = found.flatMap((series) =>
    series.points.map((point) => [
      formatDateTime(point.timeMs, timeZone),
      series.metric,
      labelsText(series.labels),
      formatMetricValue(point.value, findMetric(series.metric)),
    ]),
  );
  return renderTable([`TIME (${timeZone})`, 'METRIC', 'SERIES', 'VALUE'], rows, [3]);
}

function labelsText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
