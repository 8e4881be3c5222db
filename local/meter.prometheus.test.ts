import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import type { OwnMetric } from '../core/own-metrics/own-metric.ts';
import { OWN_METRICS, type OwnMetricName } from '../core/own-metrics.ts';
import type { Meter } from '../core/ports.ts';
import { createMeter } from './meter.ts';

it('promtool accepts /metrics when every metric has a value', () => {
  const meter = createMeter();
  // Labels and kinds of the catalogue, whose types the compiler cannot know in a loop.
  const record = meter as unknown as Record<keyof Meter, (name: string, ...rest: unknown[]) => void>;
  for (const [name, { kind, labels }] of Object.entries(OWN_METRICS) as [OwnMetricName, OwnMetric][]) {
    const filled = Object.fromEntries(labels.map((label) => [label, 'a "b" \\ c\n']));
    if (kind === 'counter') record.count(name, filled);
    else record[kind === 'gauge' ? 'gauge' : 'observe'](name, 1.5, filled);
  }
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: meter.text(),
    encoding: 'utf8',
  });
  expect([status, stdout, stderr]).toEqual([0, '', '']);
});
