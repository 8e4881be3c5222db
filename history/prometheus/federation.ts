// `/federate`: the newest samples in the text format that Prometheus scrapes.
// https://prometheus.io/docs/instrumenting/exposition_formats/

import { findMetric } from '../../core/catalogue.ts';
import { currentForMs } from '../../core/current.ts';
import type { Labels } from '../../core/model/labels.ts';
import { METRIC_NAME } from '../../core/promql/label-sets.ts';
import { type ColumnSeries, QueryError } from '../../core/promql/source.ts';
import { formatValue } from './numbers.ts';
import { selectorsOf } from './parameters.ts';
import { type Asked, openSource } from './queries.ts';
import { SERIES } from './series-source.ts';

export const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8';

/** Series with a sample in the last five minutes, each once, by name. */
export async function federate(asked: Asked): Promise<string> {
  const selectors = selectorsOf(asked.parameters);
  if (selectors.length === 0) throw new QueryError('bad_data', 'no match[] parameter provided');
  const nowMs = asked.ports.clock.nowMs();
  const source = await openSource(asked.ports, asked.signal);
  const lines = new Map<string, Set<string>>();
  for (const matchers of selectors) {
    const found = await source.select({ matchers, fromMs: nowMs - currentForMs(0) + 1, toMs: nowMs });
    for (const series of found) {
      const line = lineOf(series);
      const name = series.labels[METRIC_NAME] ?? '';
      if (line !== undefined) lines.set(name, (lines.get(name) ?? new Set()).add(line));
    }
  }
  return [...lines]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, ofName]) => `# TYPE ${name} ${typeOf(name)}\n${[...ofName].sort().join('')}`)
    .join('');
}

export function typeOf(name: string): 'counter' | 'gauge' {
  return findMetric(SERIES.get(name) ?? '')?.isCounter ? 'counter' : 'gauge';
}

/** Undefined where the series has ended. */
function lineOf({ labels, times, values, endsMs = [] }: ColumnSeries): string | undefined {
  const [timeMs, value] = [times.at(-1), values.at(-1)];
  if (timeMs === undefined || value === undefined || (endsMs.at(-1) ?? -Infinity) > timeMs) return undefined;
  return `${labels[METRIC_NAME]}${labelsText(labels)} ${formatValue(value)} ${timeMs}\n`;
}

/** With an empty instance, as Prometheus federates: else who scrapes would give ours that of this server. */
function labelsText(labels: Labels): string {
  const texts = Object.entries({ instance: '', ...labels })
    .filter(([name]) => name !== METRIC_NAME)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}="${value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`);
  return `{${texts.join(',')}}`;
}
