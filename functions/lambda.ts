import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { meterTo } from '../core/meter.ts';
import { OWN_METRICS } from '../core/own-metrics.ts';
import type { Logger as CoreLogger, Meter } from '../core/ports.ts';
import { visibleText } from '../core/text/visible-text.ts';

/** Seconds, for gauges whose names end so. */
const SECONDS = /_seconds$/;

let redact = (text: string) => text;
const powertools = new Logger({
  jsonReplacerFn: (_, value) => (typeof value === 'string' ? redact(visibleText(value)) : value),
});

/** From here on no log line contains a resolved secret. */
export function redactWith(secrets: { redact(text: string): string }): void {
  redact = (text) => secrets.redact(text);
}

/** Powertools warns at each call without a count; this drops that warning. */
const quiet = {
  debug: powertools.debug.bind(powertools),
  info: powertools.info.bind(powertools),
  warn: powertools.debug.bind(powertools),
  error: powertools.error.bind(powertools),
};
/** The namespace that the deployment's alarms read. */
const namespace = process.env.POWERTOOLS_METRICS_NAMESPACE ?? 'Bartizan';
const metrics = new Metrics({ namespace, logger: quiet });

export const logger: CoreLogger = {
  debug: (message, fields = {}) => powertools.debug(message, fields),
  info: (message, fields = {}) => powertools.info(message, fields),
  warn: (message, fields = {}) => powertools.warn(message, fields),
  error: (message, fields = {}) => powertools.error(message, fields),
};

/**
 * Counters and gauges as metrics of CloudWatch (embedded metric format). Without labels: each combination would be a
 * metric of its own, and be billed as one. The log lines beside them have the labels. Of histograms and gauges only those that
 * the functions have, too: each would be billed, and REPORT lines have the times of functions. CloudWatch computes percentiles.
 */
export const meter: Meter = meterTo(({ kind, name, value }) => {
  if (kind === 'counter' && value > 0) metrics.addMetric(name, MetricUnit.Count, value);
  if (kind !== 'counter' && OWN_METRICS[name].in !== 'up')
    metrics.addMetric(name, SECONDS.test(name) ? MetricUnit.Seconds : MetricUnit.NoUnit, value);
});

/** How many causes of an error are followed; a longer chain is a cycle. */
const MOST_CAUSES = 10;

/** The runtime prints a thrown error. One without a secret stays unchanged, because some errors cannot be changed. */
function redactError(error: unknown): void {
  let each = error;
  for (let depth = 0; each instanceof Error && depth < MOST_CAUSES; depth++, each = each.cause) {
    for (const field of ['message', 'stack'] as const) {
      const text = each[field] ?? '';
      const clean = redact(visibleText(text));
      if (clean !== text) Object.defineProperty(each, field, { value: clean, configurable: true });
    }
  }
}

/**
 * The one stack around every function: context in log lines, and metrics that are flushed also when it throws. It has
 * no metric of cold starts: AWS would bill one for each function, and REPORT lines have their `Init Duration`.
 */
export function lambda<Event, Result>(handle: (event: Event, context: Context) => Promise<Result>) {
  return (
    middy<Event, Result>()
      .use(injectLambdaContext(powertools))
      .use(logMetrics(metrics))
      // The last is the first to get an error.
      .use({ onError: ({ error }) => redactError(error) })
      .handler(handle)
  );
}
