// The vocabulary of the project as types. Times are Unix milliseconds (`…Ms`), durations too.

export type Labels = Readonly<Record<string, string>>;

export const ROLES = ['apiserver', 'etcd', 'controlplane'] as const;
export type Role = (typeof ROLES)[number];

export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** One control-plane VM as a round addresses it. Host keys are known_hosts style: `ssh-ed25519 AAAA…`. */
export interface Target {
  cluster: string;
  node: string;
  role: Role;
  host: string;
  port: number;
  user: string;
  bastion: string;
  hostKeys: readonly string[];
}

export interface Sample {
  metric: string;
  labels: Labels;
  timeMs: number;
  value: number;
}

export interface Point {
  timeMs: number;
  value: number;
}

/** The samples of one metric and label set, ascending in time, one point a time. */
export interface Series {
  metric: string;
  labels: Labels;
  points: readonly Point[];
}

/** Targets of one bastion, the unit of fan-out. `roundMs` is the scheduled time: that of its samples. */
export interface Batch {
  roundMs: number;
  bastion: string;
  /** 0-based; a target stays in its batch while `count` is unchanged. */
  index: number;
  count: number;
  checks: readonly string[];
  targets: readonly Target[];
  /** Not started by then: expired, dropped and counted. */
  expiresAtMs: number;
}

export const FAILURES = [
  'unreachable', // refused, no route, no such name, channel open failed
  'forbidden', // the bastion's policy forbids the way to the node: nothing was learned about the node
  'timeout', // a phase's deadline passed; `phase` says which
  'auth', // the node or bastion refused our key
  'host-key', // a pinned key changed: refused
  'host-key-unknown', // nothing pinned: refused
  'protocol', // what speaks there is not SSH, or broke off
  'command', // the script ended with an error or was refused
  'output', // too much output, or nothing that can be understood
] as const;
export type FailureReason = (typeof FAILURES)[number];

export type ProbePhase = 'bastion' | 'dial' | 'handshake' | 'exec';

export interface Failure {
  reason: FailureReason;
  phase: ProbePhase;
  /** One line, no secrets. */
  detail: string;
}

/** What one check saw on one target in one round. A failure is data, not an exception. */
export interface Observation {
  check: string;
  target: Target;
  roundMs: number;
  /** Actual time the probe started, by our clock. */
  observedAtMs: number;
  durationMs: number;
  result:
    | { ok: true; samples: readonly Sample[]; notes: readonly string[] }
    | { ok: false; failure: Failure };
}

/** Outcome of a batch. While the bastion fails there are no observations of its nodes: unknown, not down. */
export interface BatchObservation {
  batch: Batch;
  bastion: { ok: true } | { ok: false; failure: Failure };
  observations: readonly Observation[];
}

/** Label → globs (`*`, `?`), any of which must match the whole value; every label must match. */
export type LabelGlobs = Readonly<Record<string, readonly string[]>>;

export type Condition =
  | { kind: 'above'; threshold: number }
  | { kind: 'below'; threshold: number }
  | { kind: 'outside'; low: number; high: number }
  | { kind: 'equals'; value: number };

export type NoDataPolicy = 'keepLast' | 'alerting' | 'ok';

export const REDUCERS = ['avg', 'max', 'min', 'p95', 'rate', 'delta'] as const;
export const AGGREGATIONS = ['avg', 'max', 'min', 'sum', 'count'] as const;

/** A condition on a metric that must hold for a duration. Defaults are filled in by the configuration. */
export interface Rule {
  name: string;
  title: string;
  metric: string;
  where: LabelGlobs;
  /** In front of the comparison: what the samples of the last so long come to. */
  window?: { lastMs: number; reduce: (typeof REDUCERS)[number] };
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
  /** Template: `{{node}}`, `{{value}}`, `{{held}}`, `{{threshold}}`, any label. */
  summary?: string;
  runbook?: string;
}

export type AlertStatus = 'ok' | 'pending' | 'firing';
export type TransitionKind = 'pending' | 'firing' | 'resolved' | 'cancelled';

export const REASONS = ['threshold', 'no-data', 'removed', 'stale', 'revised', 'rule-changed'] as const;
export type TransitionReason = (typeof REASONS)[number];

/** A rule name × one label set. `id` follows from both. */
export interface Alert {
  id: string;
  rule: string;
  labels: Labels;
  status: AlertStatus;
  /** First sample of the unbroken run of breaching samples. */
  sinceMs: number;
  firedAtMs?: number;
  resolvedAtMs?: number;
  /** First sample that no longer satisfied, while `keepFiringFor` runs or after it ended. */
  clearedAtMs?: number;
  noDataSinceMs?: number;
  reason: TransitionReason;
  /** Newest sample judged. */
  value?: number;
  valueAtMs?: number;
}

/** Immutable. `id` follows from alert, kind and time, so that a replay writes the same one. */
export interface Transition {
  id: string;
  alertId: string;
  rule: string;
  labels: Labels;
  kind: TransitionKind;
  atMs: number;
  reason: TransitionReason;
  sinceMs: number;
  clearedAtMs?: number;
  value?: number;
}

export interface Silence {
  match: LabelGlobs;
  fromMs: number;
  untilMs: number;
  comment: string;
}

export const MATCHER_OPS = ['=', '!=', '=~', '!~'] as const;

/** As in Alertmanager: regular expressions match the whole value, and a label that is missing has the value ''. */
export interface Matcher {
  name: string;
  op: (typeof MATCHER_OPS)[number];
  value: string;
}

/** A silence added at run time and kept in state. All its matchers must match. */
export interface StoredSilence {
  id: string;
  matchers: readonly Matcher[];
  /** An acknowledgement: covers this alert alone, and only until it resolves. */
  alertId?: string;
  fromMs: number;
  untilMs: number;
  createdAtMs: number;
  author: string;
  comment: string;
}

/** One configured use of a probe kind. */
export interface Check {
  name: string;
  probe: string;
  everyMs: number;
  where: LabelGlobs;
  /** Options as written; the probe kind's schema finds them valid. */
  options: Readonly<Record<string, unknown>>;
}
