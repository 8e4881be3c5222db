// Whether the disk of the data folder fills up. Thresholds are of what is free, as other programs may use the disk as well.

import { forecast } from './evaluate/forecast.ts';
import { formatValue } from './format.ts';
import type { Point } from './model/sample.ts';

export interface DiskSpace {
  freeBytes: number;
  sizeBytes: number;
}

const GIB = 1024 ** 3;
/** The operator should act: less than a tenth, or less than 5 GiB of a large disk. */
const LOW = { share: 0.1, bytes: 5 * GIB };
/** What is left belongs to the state: the store may not grow, and health fails. */
const NEARLY_FULL = { share: 0.02, bytes: GIB / 4 };
/** A disk that has more than this free may fill with a large file, and be emptied again. */
const FILLING_BELOW = 0.4;
const AHEAD_MS = 24 * 3_600_000;
/** A forecast takes the readings of an hour, and needs those of half an hour. */
export const FORECAST_FROM_MS = 3_600_000;
const FORECAST_LEAST_MS = FORECAST_FROM_MS / 2;

export type DiskState = 'ok' | 'filling' | 'low' | 'nearlyFull';

/** @param readings free bytes of the last hour, ascending; the last is of now */
export function diskStateOf({ freeBytes, sizeBytes }: DiskSpace, readings: readonly Point[]): DiskState {
  const isBelow = ({ share, bytes }: typeof LOW) => freeBytes < Math.min(share * sizeBytes, bytes);
  if (isBelow(NEARLY_FULL)) return 'nearlyFull';
  if (isBelow(LOW)) return 'low';
  const [first, last] = [readings[0], readings.at(-1)];
  if (!first || !last || last.timeMs - first.timeMs < FORECAST_LEAST_MS) return 'ok';
  const then = forecast(readings, AHEAD_MS) ?? freeBytes;
  return then <= 0 && freeBytes < FILLING_BELOW * sizeBytes ? 'filling' : 'ok';
}

/** One sentence for health and the notice. */
export function diskText(state: Exclude<DiskState, 'ok'>, { freeBytes, sizeBytes }: DiskSpace): string {
  const free = `${formatValue(freeBytes, 'bytes')} of ${formatValue(sizeBytes, 'bytes')} are free on the disk of the data folder`;
  switch (state) {
    case 'filling':
      return `${free}, and at the pace of the last hour it will be full within a day`;
    case 'low':
      return free;
    case 'nearlyFull':
      return `${free}: the oldest samples go, so that the store does not grow, and the rest is left for the state`;
  }
}
