import { GROUP_LABELS, METRICS } from '../../core/catalogue.ts';
import type { OwnMetric } from '../../core/own-metrics/own-metric.ts';
import { OWN_METRICS } from '../../core/own-metrics.ts';
import { seriesNameOf } from '../../core/series-names.ts';

const INTRODUCTION = `# Metrics

Bartizan has two sorts of metrics: its own, about how it works, and those of your nodes, which rules are about.

## Bartizan's own metrics

\`up\` shows them at \`GET /metrics\` in Prometheus' text format, to callers on the same machine, and to others as \`server.metrics\` says
([operate.md](operate.md#metrics-for-your-prometheus)); a metric that nothing has counted yet is absent. The functions on AWS send them to CloudWatch, in the namespace \`Bartizan\` (\`Bartizan/NAME\` for a
deployment with a name), without the prefix \`bartizan_\`, without labels, and without the histograms and gauges of \`up\` alone: each combination of labels
would be billed as a metric. Their dimension \`service\` is the function.

The column "in" says who counts a metric: \`up\`, the functions, or both.`;

const HISTOGRAMS = `A histogram has the series \`_bucket\`, with the label \`le\`, \`_sum\` and \`_count\`. The 95th percentile of deliveries within an hour:

    histogram_quantile(0.95, sum by (le, channel) (rate(bartizan_delivery_latency_seconds_bucket[1h])))`;

const SAMPLES = `## Metrics of nodes in a Prometheus-compatible store

With \`store: { type: prometheus }\` the metrics of nodes ([configuration.md](configuration.md#metrics)) are written under these names,
with the base unit that Prometheus' naming asks for.`;

/** The text of docs/metrics.md. */
export function metricsPage(): string {
  const own = Object.entries<OwnMetric>(OWN_METRICS).map(
    ([name, { kind, in: where, labels, help, buckets }]) =>
      `| \`bartizan_${name}\` | ${kind} | ${codes(labels)} | ${where} | ${help}${buckets ? `; buckets ${buckets.join(', ')}` : ''} |`,
  );
  const samples = METRICS.map(
    ({ name, group }) => `| \`${name}\` | \`${seriesNameOf(name)}\` | ${codes(GROUP_LABELS[group])} |`,
  );
  return [
    INTRODUCTION,
    ['| name | kind | labels | in | |', '| --- | --- | --- | --- | --- |', ...own].join('\n'),
    HISTOGRAMS,
    SAMPLES,
    ['| metric | name in the store | labels |', '| --- | --- | --- |', ...samples].join('\n'),
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n');
}

function codes(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}
