import { expect, it } from 'vitest';
import { createMeter } from './meter.ts';

it('writes counters and gauges as Prometheus reads them', () => {
  const meter = createMeter();
  meter.count('deliveries_total', { channel: 'ops', outcome: 'delivered' });
  meter.count('deliveries_total', { channel: 'ops', outcome: 'delivered' }, 2);
  meter.count('deliveries_total', { channel: 'a"b\\c\n', outcome: 'retry' });
  meter.gauge('targets', 3);
  meter.gauge('targets', 2);
  expect(meter.text()).toBe(`# TYPE bartizan_deliveries_total counter
bartizan_deliveries_total{channel="ops",outcome="delivered"} 3
bartizan_deliveries_total{channel="a\\"b\\\\c\\n",outcome="retry"} 1
# TYPE bartizan_targets gauge
bartizan_targets 2
`);
  expect(meter.total('deliveries_total')).toBe(4);
  expect(meter.total('unheard')).toBe(0);
});
