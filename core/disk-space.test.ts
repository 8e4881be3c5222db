import { describe, expect, it } from 'vitest';
import { type DiskSpace, type DiskState, diskStateOf, diskText } from './disk-space.ts';

const GIB = 1024 ** 3;
const MINUTE_MS = 60_000;

/** Free GiB in each of so many minutes. */
const readings = (minutes: number, freeGib: (minute: number) => number) =>
  Array.from({ length: minutes }, (_, i) => ({ timeMs: i * MINUTE_MS, value: freeGib(i) * GIB }));
const space = (freeGib: number, sizeGib: number): DiskSpace => ({
  freeBytes: freeGib * GIB,
  sizeBytes: sizeGib * GIB,
});

describe('the disk of the data folder', () => {
  it.each<[string, DiskState, DiskSpace, ReturnType<typeof readings>]>([
    ['with a tenth left', 'ok', space(10, 100), []],
    ['with less than a tenth', 'low', space(3.9, 40), []],
    ['of a terabyte with 5 GiB', 'ok', space(5, 1000), []],
    ['of a terabyte with less', 'low', space(4.9, 1000), []],
    ['of 10 GiB with 2 %', 'low', space(0.2, 10), []],
    ['of 10 GiB with less', 'nearlyFull', space(0.19, 10), []],
    ['of a terabyte with 256 MiB', 'low', space(0.25, 1000), []],
    ['of a terabyte with less than that', 'nearlyFull', space(0.24, 1000), []],
    ['that will be full in twelve hours', 'filling', space(12, 100), readings(61, (i) => 13 - i / 60)],
    ['that will be full in two days', 'ok', space(24, 100), readings(61, (i) => 24.5 - i / 120)],
    ['with most of it free', 'ok', space(41, 100), readings(61, (i) => 50 - (i * 9) / 60)],
    ['seen for less than half an hour', 'ok', space(12, 100), readings(30, (i) => 13 - i / 60)],
    ['that gets emptier', 'ok', space(14, 100), readings(61, (i) => 13 + i / 60)],
    ['without a size', 'ok', space(0, 0), []],
  ])('%s is %s', (_, expected, now, hour) => {
    expect(diskStateOf(now, hour)).toBe(expected);
  });

  it('is a sentence with the figures', () => {
    expect(diskText('filling', space(12, 100))).toBe(
      '12 GiB of 100 GiB are free on the disk of the data folder, and at the pace of the last hour it will be full within a day',
    );
  });
});
