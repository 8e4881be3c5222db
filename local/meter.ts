import type { Meter } from '../core/ports.ts';

export interface LocalMeter extends Meter {
  /** The Prometheus text format, version 0.0.4; every name starts with `bartizan_`. */
  text(): string;
  /** Sum of a counter over its label sets; 0 if it never counted. */
  total(name: string): number;
}

/** Counters and gauges of this process, in memory. */
export function createMeter(): LocalMeter {
  const counters = new Map<string, Map<string, number>>();
  const gauges = new Map<string, Map<string, number>>();
  return {
    count(name, labels = {}, by = 1) {
      const values = valuesOf(counters, name);
      const key = labelText(labels);
      values.set(key, (values.get(key) ?? 0) + by);
    },
    gauge(name, value, labels = {}) {
      valuesOf(gauges, name).set(labelText(labels), value);
    },
    text: () => `${lines(counters, 'counter')}${lines(gauges, 'gauge')}`,
    total: (name) => [...(counters.get(name)?.values() ?? [])].reduce((sum, value) => sum + value, 0),
  };
}

function valuesOf(all: Map<string, Map<string, number>>, name: string): Map<string, number> {
  const values = all.get(name) ?? new Map<string, number>();
  all.set(name, values);
  return values;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function lines(all: Map<string, Map<string, number>>, type: string): string {
  let text = '';
  for (const [name, values] of [...all].sort(([a], [b]) => (a < b ? -1 : 1))) {
    text += `# TYPE bartizan_${name} ${type}\n`;
    for (const [labels, value] of values) text += `bartizan_${name}${labels} ${value}\n`;
  }
  return text;
}
