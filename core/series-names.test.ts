import { expect, it } from 'vitest';
import { METRICS_BY_SERIES, seriesNameOf } from './series-names.ts';

it('has names with prefix and unit', () => {
  expect(
    ['mem_usage', 'uptime', 'net_rx', 'disk_read', 'up', 'mem_total', 'load1', 'nonsense'].map(seriesNameOf),
  ).toEqual([
    'bartizan_mem_usage_percent',
    'bartizan_uptime_seconds',
    'bartizan_net_rx_bytes_per_second',
    'bartizan_disk_read_bytes_per_second',
    'bartizan_up',
    'bartizan_mem_total_bytes',
    'bartizan_load1',
    undefined,
  ]);
});

it('leads back to the metric', () => {
  expect(METRICS_BY_SERIES.get('bartizan_mem_usage_percent')).toBe('mem_usage');
  expect(METRICS_BY_SERIES.get('mem_usage')).toBeUndefined();
});
