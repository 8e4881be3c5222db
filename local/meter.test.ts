import { expect, it } from 'vitest';
import { createMeter } from './meter.ts';

it('writes counters and gauges in the format of Prometheus', () => {
  const meter = createMeter();
  meter.count('deliveries_total', { channel: 'ops', outcome: 'delivered' });
  meter.count('deliveries_total', { outcome: 'delivered', channel: 'ops' }, 2);
  meter.count('deliveries_total', { channel: 'a"b\\c\n', outcome: 'retry' });
  meter.gauge('targets', 3);
  meter.gauge('targets', 2);
  expect(meter.text()).toBe(`# HELP bartizan_deliveries_total Attempts to send a message
# TYPE bartizan_deliveries_total counter
bartizan_deliveries_total{channel="ops",outcome="delivered"} 3
bartizan_deliveries_total{channel="a\\"b\\\\c\\n",outcome="retry"} 1
# HELP bartizan_targets Nodes in the last round
# TYPE bartizan_targets gauge
bartizan_targets 2
`);
  expect(meter.total('deliveries_total')).toBe(4);
  expect(meter.total('rounds_total')).toBe(0);
});

it('writes a histogram with cumulative buckets', () => {
  const meter = createMeter();
  for (const seconds of [0.05, 0.06, 3, 40])
    meter.observe('node_probe_duration_seconds', seconds, { outcome: 'ok' });
  const lines = meter.text().split('\n').slice(2, -1);
  expect(lines.map((line) => line.replace('bartizan_node_probe_duration_seconds', ''))).toEqual([
    '_bucket{outcome="ok",le="0.05"} 1',
    '_bucket{outcome="ok",le="0.1"} 2',
    '_bucket{outcome="ok",le="0.25"} 2',
    '_bucket{outcome="ok",le="0.5"} 2',
    '_bucket{outcome="ok",le="1"} 2',
    '_bucket{outcome="ok",le="2.5"} 2',
    '_bucket{outcome="ok",le="5"} 3',
    '_bucket{outcome="ok",le="10"} 3',
    '_bucket{outcome="ok",le="30"} 3',
    '_bucket{outcome="ok",le="+Inf"} 4',
    '_sum{outcome="ok"} 43.11',
    '_count{outcome="ok"} 4',
  ]);
});

const QUANTILES: [name: string, observed: number[], share: number, expected: number | undefined][] = [
  ['nothing', [], 0.99, undefined],
  ['one value in the first bucket', [0.5], 0.99, 0.99],
  ['99 of 100 in the first bucket', [...Array<number>(99).fill(0.5), 400], 0.99, 1],
  ['two of 100 later', [...Array<number>(98).fill(0.5), 200, 200], 0.99, 210],
  ['above the last bound', [1e6, 1e6], 0.99, 21_600],
];
it.each(QUANTILES)('estimates a quantile over all label sets: %s', (_, observed, share, expected) => {
  const meter = createMeter();
  for (const [i, seconds] of observed.entries())
    meter.observe('breach_to_accepted_seconds', seconds, { channel: `c${i % 2}` });
  expect(meter.quantile('breach_to_accepted_seconds', share)).toEqual(
    expected === undefined ? undefined : expect.closeTo(expected, 6),
  );
});

it('forgets gauges with labels, and nothing else', () => {
  const meter = createMeter();
  meter.gauge('alerts', 2, { rule: 'gone', status: 'firing' });
  meter.gauge('targets', 3);
  meter.count('rule_failures_total', { rule: 'gone' });
  meter.forgetLabelled();
  expect(meter.text()).not.toContain('bartizan_alerts');
  expect(meter.text()).toContain('bartizan_targets 3');
  expect(meter.total('rule_failures_total')).toBe(1);
});
