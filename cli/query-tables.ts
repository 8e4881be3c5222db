import { findMetric } from '../core/catalogue.ts';
import { formatDateTime, formatMetricValue, formatSpan, formatValue } from '../core/format.ts';
import type { Labels } from '../core/model/labels.ts';
import type { Series } from '../core/model/sample.ts';
import type { SeriesSummary } from '../core/stages/history-reader.ts';
import { renderTable } from './table.ts';

/** One row for each series: newest value and its age, minimum, mean and maximum. */
export function seriesTable(found: readonly SeriesSummary[], nowMs: number): string {
  const rows = found.map(({ metric: name, labels, newest, least, mean, greatest, count }) => {
    const metric = findMetric(name);
    const show = (value: number) => formatMetricValue(value, metric);
    // The mean of a state is the share of the time in which it was 1.
    const average = metric?.unit === 'bool' ? formatValue(mean * 100, 'percent') : show(mean);
    const numbers = [
      show(newest.value),
      formatSpan(nowMs - newest.timeMs),
      show(least),
      average,
      show(greatest),
    ];
    return [name, labelsText(labels), ...numbers, String(count)];
  });
  const head = ['METRIC', 'SERIES', 'NEWEST', 'AGE', 'MIN', 'MEAN', 'MAX', 'POINTS'];
  return renderTable(head, rows, [2, 3, 4, 5, 6, 7]);
}

/** One row for each point. */
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
