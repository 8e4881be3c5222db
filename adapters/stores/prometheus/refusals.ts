import type { RejectedSample } from '../../../core/ports.ts';

/** A server's refusal of samples that it will never take. */
export interface Refusal {
  cause: RejectedSample['cause'] | 'duplicate';
  reason: string;
}

/**
 * Texts by which servers refuse samples for good. The status does not show it: Prometheus 2.42 answers 500 for `too old sample`
 * and 400 for the others, 2.53 always 400, Thanos 409, and a 5xx would be sent again and again. Prometheus and Cortex, on which
 * Amazon Managed Prometheus is built: https://github.com/prometheus/prometheus/blob/main/storage/interface.go and
 * https://docs.aws.amazon.com/prometheus/latest/userguide/AMP-troubleshooting.html; Mimir:
 * https://grafana.com/docs/mimir/latest/manage/mimir-runbooks/#errors-catalog.
 */
const PATTERNS: readonly [Refusal['cause'], RegExp][] = [
  [
    'duplicate',
    /duplicate sample for timestamp|new value for timestamp|err-mimir-sample-duplicate-timestamp/i,
  ],
  [
    'too-late',
    /too old sample|out of bounds|out of order sample|sample timestamp out of order|timestamp too old|err-mimir-sample-(out-of-order|timestamp-too-old)/i,
  ],
];

/** Undefined for other failures: their status says whether a later try may succeed. */
export function refusalIn(body: string): Refusal['cause'] | undefined {
  return PATTERNS.find(([, pattern]) => pattern.test(body))?.[0];
}
