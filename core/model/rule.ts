import type { LabelGlobs, Selection } from './labels.ts';

export const SEVERITIES = ['info', 'warning', 'critical'] as const;

export type Severity = (typeof SEVERITIES)[number];

export type Condition =
  | { kind: 'above'; threshold: number }
  | { kind: 'below'; threshold: number }
  | { kind: 'outside'; low: number; high: number }
  | { kind: 'equals'; value: number };

export type NoDataPolicy = 'keepLast' | 'alerting' | 'ok';

export const REDUCERS = ['avg', 'max', 'min', 'p95', 'rate', 'delta', 'forecast'] as const;

export const AGGREGATIONS = ['avg', 'max', 'min', 'spread', 'sum', 'count'] as const;

/** A condition on a metric that must hold for a duration. Defaults are filled in by the configuration. */
export interface Rule {
  name: string;
  title: string;
  metric: string;
  /** The metric is divided by this one: a ratio. Absent for a rule on the metric itself. */
  over?: string;
  where: LabelGlobs;
  /** What is left out of it. Absent where nothing is. */
  whereNot?: LabelGlobs;
  /**
   * What of the two is on labels of the inventory, which no series has: it selects nodes. Absent where nothing is, and with an
   * aggregate.
   */
  inventory?: Selection;
  /** In front of the comparison: what the samples of the last so long come to; `aheadMs` with `forecast` alone. */
  window?: { lastMs: number; reduce: (typeof REDUCERS)[number]; aheadMs?: number };
  /** Behind the window: across series that agree in these labels, which are the alert's. */
  aggregate?: { by: readonly string[]; op: (typeof AGGREGATIONS)[number] };
  condition: Condition;
  /** While firing this bound decides instead of the condition's; a pair for `outside`; not with `equals`. */
  recoveryThreshold?: number | readonly [number, number];
  forMs: number;
  keepFiringForMs: number;
  noData: NoDataPolicy;
  severity: Severity;
  inhibitedBy: readonly string[];
  /** Rules that report the same and worse, such as higher tiers. While one fires with the very labels of an alert of this, that is not sent. */
  supersededBy?: readonly string[];
  /** Template: `{{node}}`, `{{value}}`, `{{held}}`, `{{threshold}}`, `{{window}}`, any label. */
  summary?: string;
  runbook?: string;
}
