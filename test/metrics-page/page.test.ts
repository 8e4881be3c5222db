import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { METRICS } from '../../core/catalogue.ts';
import type { OwnMetric } from '../../core/own-metrics/own-metric.ts';
import { OWN_METRICS } from '../../core/own-metrics.ts';
import { seriesNameOf } from '../../core/series-names.ts';
import { metricsPage } from './page.ts';

const own = Object.entries<OwnMetric>(OWN_METRICS);

it('docs/metrics.md has the metrics of the catalogue', async () => {
  await expect(metricsPage()).toMatchFileSnapshot('../../docs/metrics.md');
});

it('each metric of the catalogue is counted somewhere', () => {
  const sources = globSync('{core,adapters,history,local,functions}/**/*.ts', {
    exclude: (file) => file.endsWith('.test.ts') || file.endsWith('own-metrics.ts'),
  }).map((file) => readFileSync(file, 'utf8'));
  const unused = own
    .map(([name]) => name)
    .filter((name) => !sources.some((text) => text.includes(`'${name}'`)));
  expect(unused).toEqual([]);
});

it('names follow the conventions of Prometheus, and differ from the metrics of nodes', () => {
  const ofNodes = new Set(METRICS.map(({ name }) => seriesNameOf(name)));
  for (const [name, { kind, labels, buckets }] of own) {
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    expect([name, name.endsWith('_total')]).toEqual([name, kind === 'counter']);
    expect([name, kind === 'histogram' && !name.endsWith('_seconds')]).toEqual([name, false]);
    expect(labels.filter((label) => !/^[a-z]+$/.test(label) || label === 'le')).toEqual([]);
    expect(buckets ?? []).toEqual([...(buckets ?? [])].sort((a, b) => a - b));
    expect(ofNodes.has(`bartizan_${name}`)).toBe(false);
  }
});
