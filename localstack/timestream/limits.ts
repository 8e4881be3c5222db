// The limits of the service: https://docs.aws.amazon.com/timestream/latest/developerguide/ts-limits.html

export const RECORDS_A_REQUEST = 100;
export const DIMENSIONS_A_TABLE = 128;
export const DIMENSION_NAME_BYTES = 60;
/** The names and values of a record's dimensions together. */
export const DIMENSIONS_BYTES = 2048;
export const RECORD_BYTES = 2048;
export const MEASURE_NAME_BYTES = 256;
export const MEASURES_A_RECORD = 256;
export const MEASURES_A_TABLE = 1024;
/** https://docs.aws.amazon.com/timestream/latest/developerguide/API_MeasureValue.html */
export const MEASURE_VALUE_LENGTH = 2048;
export const FUTURE_MS = 15 * 60_000;
export const QUERY_BYTES = 256 * 1024;
/** Limits of an answer to Query: https://docs.aws.amazon.com/timestream/latest/developerguide/API_query_Query.html */
export const PAGE_BYTES = 1_000_000;
export const PAGE_ROWS = 1000;
export const CLIENT_TOKEN_LENGTHS = { least: 32, most: 128 };
/** How often a pagination token may be used: the same page. */
export const USES_OF_A_TOKEN = 5;
export const DEFAULT_MEMORY_HOURS = 6;
export const DEFAULT_MAGNETIC_DAYS = 73_000;

/** System identifiers, from the page of limits and from AWS IoT's page about the same names. */
export function isReserved(column: string): boolean {
  return column === 'time' || /^(ts_|measure_name|measure_value)/.test(column);
}
