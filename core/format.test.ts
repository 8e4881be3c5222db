import { describe, expect, it } from 'vitest';
import { findMetric } from './catalogue.ts';
import {
  formatCondition,
  formatDateTime,
  formatMetricValue,
  formatMoment,
  formatNumber,
  formatSpan,
  formatTime,
  formatValue,
} from './format.ts';

it.each([
  [94.1, 'percent', '94.1%'],
  [65, 'percent', '65%'],
  [0.04, 'percent', '0%'],
  [99.94, 'percent', '99.9%'],
  [99.95, 'percent', '100%'],
  [-3.25, 'percent', '-3.3%'],
  [0, 'bytes', '0 B'],
  [1023, 'bytes', '1023 B'],
  [1536, 'bytes', '1.5 KiB'],
  [512 * 1024 ** 2, 'bytes', '512 MiB'],
  [-2 * 1024 ** 3, 'bytes', '-2 GiB'],
  [5 * 1024 ** 6, 'bytes', '5120 PiB'],
  [3.2 * 1024 ** 2, 'bytes_per_second', '3.2 MiB/s'],
  [0, 'seconds', '0 s'],
  [0.0123, 'seconds', '12 ms'],
  [-0.8, 'seconds', '-800 ms'],
  [59.96, 'seconds', '60 s'],
  [7_500, 'seconds', '2h5m'],
  [-90, 'seconds', '-1m30s'],
  [1, 'bool', 'yes'],
  [0, 'bool', 'no'],
  [0.5, 'bool', '0.5'],
  [Number.NaN, 'percent', '–'],
  [Number.POSITIVE_INFINITY, 'bytes', '–'],
] as const)('%d %s is shown as %s', (value, unit, text) => {
  expect(formatValue(value, unit)).toBe(text);
});

it.each([
  [0, '0'],
  [0.001234, '0.0012'],
  [1.25, '1.25'],
  [123.4, '123'],
  [9_999, '9999'],
  [12_345, '12,345'],
  [-12_345, '-12,345'],
  [1_200_000, '1.2M'],
  [3e15, '3.00e+15'],
])('%d as a number is %s', (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

it('calls states by the names that the catalogue has for them', () => {
  expect([0, 1, 0.5].map((value) => formatMetricValue(value, findMetric('up')))).toEqual([
    'down',
    'up',
    '0.5',
  ]);
  expect(formatMetricValue(1, findMetric('host_key_mismatch'))).toBe('yes');
  expect(formatMetricValue(12, undefined)).toBe('12');
});

it.each([
  [0, '0s'],
  [-5_000, '0s'],
  [45_000, '45s'],
  [59_700, '1m'],
  [3_600_000, '1h'],
  [7_500_000, '2h5m'],
  [273_600_000, '3d4h'],
])('a span of %d ms is %s', (ms, text) => {
  expect(formatSpan(ms)).toBe(text);
});

it('says what a rule asks', () => {
  expect(formatCondition({ kind: 'above', threshold: 90 }, 'percent')).toBe('> 90%');
  expect(formatCondition({ kind: 'below', threshold: 1 }, 'bool')).toBe('< 1');
  expect(formatCondition({ kind: 'outside', low: 10, high: 90 }, 'percent')).toBe('outside 10%–90%');
  expect(formatCondition({ kind: 'outside', low: -0.5, high: 0.5 }, 'seconds')).toBe(
    'outside -500 ms to 500 ms',
  );
  expect(formatCondition({ kind: 'equals', value: 3 }, 'count')).toBe('= 3');
});

describe('times', () => {
  const ms = Date.UTC(2026, 10, 24, 15, 4, 5);
  it('are those of the zone', () => {
    expect([formatTime(ms, 'UTC'), formatTime(ms, 'Asia/Seoul', true)]).toEqual(['15:04', '00:04:05']);
    expect(formatDateTime(ms, 'Asia/Seoul')).toBe('2026-11-25 00:04:05');
  });
  it('carry their day unless it is today in that zone', () => {
    const later = ms + 3_600_000;
    expect(formatMoment(ms, later, 'UTC')).toBe('15:04');
    expect(formatMoment(ms - 3_600_000, later, 'Asia/Seoul')).toBe('24 Nov 23:04');
    expect(formatMoment(ms, later + 365 * 86_400_000, 'UTC')).toBe('24 Nov 2026 15:04');
  });
});
