import { findMetric } from '../../../core/catalogue.ts';
import type { Labels } from '../../../core/model/labels.ts';

/**
 * Dimension that holds the whole label set, `labelKey()` of core/labels.ts. A query needs the columns that make a
 * series, and labels are open: one that another writer has just begun to use would be missing from a list of columns
 * read earlier, and two series would become one. The price is that every label is written twice.
 */
export const SERIES = 'series';
/** Measure of a record that was added to: its version, which no query shows otherwise. */
export const RECORD_VERSION = 'record_version';

/** https://docs.aws.amazon.com/timestream/latest/developerguide/ts-limits.html#limits.naming */
const DIMENSION_NAME_BYTES = 60;
/** Names and values of a record's dimensions together. */
export const DIMENSIONS_BYTES = 2048;

/**
 * Whether a label is a dimension of its own name, to be selected by. Others are in `series` only: the service's own
 * columns, those of our measures, what SQL or the service might read otherwise, and what is too long for a name.
 */
export function isColumn(label: string): boolean {
  return (
    /^[a-z][a-z0-9_]*$/.test(label) &&
    label.length <= DIMENSION_NAME_BYTES &&
    label !== 'time' &&
    !/^(ts_|measure_name|measure_value)/.test(label) &&
    label !== SERIES &&
    label !== RECORD_VERSION &&
    findMetric(label) === undefined
  );
}

/** The dimensions of a label set. Empty values are left out: that the service takes them is not documented. */
export function dimensionsOf(series: string, labels: Labels): { Name: string; Value: string }[] {
  const own = Object.entries(labels).filter(([label, value]) => isColumn(label) && value !== '');
  return [{ Name: SERIES, Value: series }, ...own.map(([Name, Value]) => ({ Name, Value }))];
}

/** Inverse of `labelKey`. */
export function labelsOf(series: string): Labels {
  return Object.fromEntries(JSON.parse(series) as [string, string][]);
}
