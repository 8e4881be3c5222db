import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import { Tracer } from '@aws-lambda-powertools/tracer';
import { captureLambdaHandler } from '@aws-lambda-powertools/tracer/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import type { Logger as CoreLogger, Meter } from '../core/ports.ts';
import { visibleText } from '../core/visible-text.ts';

/** Seconds, for gauges whose names say so. */
const SECONDS = /_seconds$/;

/** Without the requests that go out: a trace would hold their addresses, and those of some chat services are secrets. */
const tracer = new Tracer({ captureHTTPsRequests: false });
let redact = (text: string) => text;
const powertools = new Logger({
  jsonReplacerFn: (_, value) => (typeof value === 'string' ? redact(visibleText(value)) : value),
});

/** From here on no line holds what has been resolved of secrets. */
export function redactWith(secrets: { redact(text: string): string }): void {
  redact = (text) => secrets.redact(text);
}

/** That a call had nothing to count, which it says at each, is worth no line. */
const quiet = {
  debug: powertools.debug.bind(powertools),
  info: powertools.info.bind(powertools),
  warn: powertools.debug.bind(powertools),
  error: powertools.error.bind(powertools),
};
const metrics = new Metrics({ namespace: 'Bartizan', logger: quiet });

export const logger: CoreLogger = {
  debug: (message, fields = {}) => powertools.debug(message, fields),
  info: (message, fields = {}) => powertools.info(message, fields),
  warn: (message, fields = {}) => powertools.warn(message, fields),
  error: (message, fields = {}) => powertools.error(message, fields),
};

/**
 * Counters and gauges as metrics of CloudWatch (embedded metric format). Labels stay out of them: each combination would
 * be a metric of its own, and be billed as one. The log lines beside them have the labels.
 */
export const meter: Meter = {
  count(name, _labels, by = 1) {
    if (by > 0) metrics.addMetric(name, MetricUnit.Count, by);
  },
  gauge: (name, value) =>
    metrics.addMetric(name, SECONDS.test(name) ? MetricUnit.Seconds : MetricUnit.NoUnit, value),
};

/** Causes of an error that are looked at; more is a circle. */
const MOST_CAUSES = 10;

/** What is thrown is in the trace, and printed by the runtime. What holds no secret stays as it is: some cannot be changed. */
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
 * The one stack around every function: trace, context in log lines, metrics flushed also when it throws. Answers stay out
 * of the trace: a picture is too large for one, and would outlive its expiry there.
 */
export function lambda<Event, Result>(handle: (event: Event, context: Context) => Promise<Result>) {
  return (
    middy<Event, Result>()
      .use(captureLambdaHandler(tracer, { captureResponse: false }))
      .use(injectLambdaContext(powertools))
      .use(logMetrics(metrics, { captureColdStartMetric: true }))
      // The last is the first to see an error.
      .use({ onError: ({ error }) => redactError(error) })
      .handler(handle)
  );
}
