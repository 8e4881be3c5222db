import fc from 'fast-check';
import { evaluateRule, evaluationRange } from '../../core/evaluate/evaluate.ts';
import type { Alert } from '../../core/model/alert.ts';
import type { Checkpoint } from '../../core/model/checkpoint.ts';
import { AGGREGATIONS, type NoDataPolicy, REDUCERS, type Rule } from '../../core/model/rule.ts';
import type { Point, Series } from '../../core/model/sample.ts';
import type { Transition } from '../../core/model/transition.ts';

export const MINUTE = 60_000;
const LATENESS = 15 * MINUTE;
const NODE = { cluster: 'blue', node: 'node-1', role: 'etcd' };

/** A rule, the samples of one node, and when it was `up`. */
export interface Timeline {
  rule: Rule;
  /** The metric of the rule, if none is named. */
  series: { metric?: string; labels: Record<string, string>; points: Point[] }[];
  up: Point[];
  rounds: number;
  /** Interval of the check that measures the metric. Default: that of rounds, a minute. */
  intervalMs?: number;
}

const condition = fc.constantFrom<Pick<Rule, 'condition' | 'recoveryThreshold'>>(
  { condition: { kind: 'above', threshold: 90 } },
  { condition: { kind: 'above', threshold: 90 }, recoveryThreshold: 85 },
  { condition: { kind: 'below', threshold: 88 } },
  { condition: { kind: 'below', threshold: 86 }, recoveryThreshold: 94 },
  { condition: { kind: 'outside', low: 86, high: 94 }, recoveryThreshold: [88, 91] },
  { condition: { kind: 'equals', value: 95 } },
);
const minutes = (...choices: number[]) => fc.constantFrom(...choices.map((m) => m * MINUTE));
const rule = (metric: string, policies: NoDataPolicy[]): fc.Arbitrary<Rule> =>
  fc
    .record({
      condition,
      forMs: minutes(0, 1, 2, 3, 5, 10),
      keepFiringForMs: minutes(0, 1, 2, 5),
      noData: fc.constantFrom(...policies),
    })
    .map(({ condition: chosen, ...rest }) => ({
      name: 'rule',
      title: 'Rule',
      metric,
      where: {},
      severity: 'warning',
      inhibitedBy: [],
      ...chosen,
      ...rest,
    }));

/** Rounds come in streaks, as faults do; otherwise no hold would ever be long enough. */
const marks = fc
  .array(
    fc.record({
      mark: fc.constantFrom<number | 'lacking' | 'down' | 'untried'>(
        95,
        95,
        95,
        92,
        90,
        87,
        40,
        40,
        'lacking',
        'lacking',
        'down',
        'untried',
      ),
      count: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 80 })),
    }),
    { minLength: 1, maxLength: 9 },
  )
  .map((stretches) =>
    stretches.flatMap(({ mark, count }) => Array.from({ length: count }, () => mark)).slice(0, 160),
  );

export const oneSeries = (
  policies: NoDataPolicy[] = ['keepLast', 'alerting', 'ok'],
): fc.Arbitrary<Timeline> =>
  fc.record({ rule: rule('mem_usage', policies), marks }).map((drawn) => {
    const points: Point[] = [];
    const up: Point[] = [];
    for (const [i, mark] of drawn.marks.entries()) {
      if (typeof mark === 'number') points.push({ timeMs: i * MINUTE, value: mark });
      if (mark !== 'untried') up.push({ timeMs: i * MINUTE, value: mark === 'down' ? 0 : 1 });
    }
    return { rule: drawn.rule, series: [{ labels: NODE, points }], up, rounds: drawn.marks.length };
  });

/** Two disks of one node, each with its own gaps. */
export const twoDisks: fc.Arbitrary<Timeline> = fc
  .record({ rule: rule('disk_usage', ['keepLast', 'alerting', 'ok']), a: marks, b: marks })
  .map((drawn) => {
    const rounds = Math.max(drawn.a.length, drawn.b.length);
    const series = [drawn.a, drawn.b].map((list, i) => ({
      labels: { ...NODE, mount: `/${i}` },
      points: list.flatMap((mark, j) =>
        typeof mark === 'number' ? [{ timeMs: j * MINUTE, value: mark }] : [],
      ),
    }));
    const up = Array.from({ length: rounds }, (_, i) => i)
      .filter((i) => drawn.a[i] !== 'untried' || drawn.b[i] !== 'untried')
      .map((i) => ({ timeMs: i * MINUTE, value: drawn.a[i] === 'down' && drawn.b[i] === 'down' ? 0 : 1 }));
    return { rule: drawn.rule, series, up, rounds };
  });

/** The same timelines, measured by a check that is due in some of the rounds only. */
const slowly = (timeline: fc.Arbitrary<Timeline>): fc.Arbitrary<Timeline> =>
  fc.record({ timeline, intervalMs: minutes(2, 5, 7, 30, 45) }).map(({ timeline: drawn, intervalMs }) => ({
    ...drawn,
    series: drawn.series.map((one) => ({
      ...one,
      points: one.points.filter(({ timeMs }) => timeMs % intervalMs === 0),
    })),
    intervalMs,
  }));
export const slowSeries = slowly(oneSeries());

export interface Outcome {
  transitions: Transition[];
  alerts: Map<string, Alert>;
  checkpoint: Checkpoint | undefined;
}

/** `arrival` is the round with which a sample of a series (or an up, -1) came. */
export type Arrival = (series: number, timeMs: number) => number;
const onTime: Arrival = (_, timeMs) => timeMs;

export function step(
  timeline: Timeline,
  before: Outcome,
  nowMs: number,
  options: { arrival?: Arrival; alerts?: boolean } = {},
): Outcome {
  const { arrival = onTime } = options;
  const span = {
    rule: timeline.rule,
    intervalMs: timeline.intervalMs ?? MINUTE,
    latenessMs: LATENESS,
    checkpoint: before.checkpoint,
    nowMs,
  };
  const { fromMs } = evaluationRange(span);
  const visible = (points: Point[], index: number) =>
    points.filter(({ timeMs }) => timeMs >= fromMs && timeMs <= nowMs && arrival(index, timeMs) <= nowMs);
  const series: Series[] = timeline.series
    .map(({ metric = timeline.rule.metric, labels, points }, i) => ({
      metric,
      labels,
      points: visible(points, i),
    }))
    .filter(({ points }) => points.length > 0);
  const up = [{ metric: 'up', labels: NODE, points: visible(timeline.up, -1) }];
  const stored = options.alerts ? { alerts: [...before.alerts.values()] } : {};
  const result = evaluateRule({ ...span, series, up, targets: [{ labels: NODE }], ...stored });
  const alerts = new Map(before.alerts);
  for (const alert of result.alerts) {
    if (alert.status === 'ok') alerts.delete(alert.id);
    else alerts.set(alert.id, alert);
  }
  return {
    transitions: [...before.transitions, ...result.transitions],
    alerts,
    checkpoint: JSON.parse(JSON.stringify(result.checkpoint)),
  };
}

export function installed(timeline: Timeline): Outcome {
  return step(
    { ...timeline, series: [], up: [] },
    { transitions: [], alerts: new Map(), checkpoint: undefined },
    -MINUTE,
  );
}

export function runAt(
  timeline: Timeline,
  times: readonly number[],
  options: { arrival?: Arrival; alerts?: boolean } = {},
): Outcome {
  return times.reduce((before, nowMs) => step(timeline, before, nowMs, options), installed(timeline));
}

export const everyRound = (timeline: Timeline) =>
  Array.from({ length: timeline.rounds }, (_, i) => i * MINUTE);
export const lastRound = (timeline: Timeline) => (timeline.rounds - 1) * MINUTE;

const inFront = fc.oneof(
  fc.record({
    window: fc.record({
      lastMs: minutes(1, 2, 3, 5, 10),
      reduce: fc.constantFrom(...REDUCERS),
      aheadMs: minutes(3),
    }),
  }),
  fc.record({ aggregate: fc.record({ by: fc.constant(['cluster']), op: fc.constantFrom(...AGGREGATIONS) }) }),
  fc.record({
    window: fc.record({ lastMs: minutes(2, 5), reduce: fc.constantFrom(...REDUCERS) }),
    aggregate: fc.record({ by: fc.constant(['cluster', 'node']), op: fc.constantFrom(...AGGREGATIONS) }),
  }),
);

/** The same timelines with windows and aggregates. */
export const reduced: fc.Arbitrary<Timeline> = fc
  .tuple(fc.oneof(oneSeries(), twoDisks), inFront)
  .map(([timeline, extra]) => ({ ...timeline, rule: { ...timeline.rule, ...extra } }));

/** A ratio of two metrics, of disks of a node or of the node, as they are, in windows and in groups. */
export const ratios: fc.Arbitrary<Timeline> = fc
  .record({
    rule: rule('disk_usage', ['keepLast', 'alerting', 'ok']),
    over: fc.constantFrom('inode_usage', 'mem_usage'),
    of: marks,
    by: marks,
    extra: fc.oneof(fc.constant({}), inFront),
  })
  .map(({ rule: drawn, over, of, by, extra }) => {
    const disk = { ...NODE, mount: '/' };
    const pointsOf = (list: typeof of) =>
      list.flatMap((mark, i) => (typeof mark === 'number' ? [{ timeMs: i * MINUTE, value: mark }] : []));
    const rounds = Math.max(of.length, by.length);
    const up = Array.from({ length: rounds }, (_, i) => i)
      .filter((i) => of[i] !== 'untried' || by[i] !== 'untried')
      .map((i) => ({ timeMs: i * MINUTE, value: of[i] === 'down' && by[i] === 'down' ? 0 : 1 }));
    const series = [
      { metric: 'disk_usage', labels: disk, points: pointsOf(of) },
      { metric: over, labels: over === 'mem_usage' ? NODE : disk, points: pointsOf(by) },
    ];
    return { rule: { ...drawn, over, ...extra }, series, up, rounds };
  });

/** Timelines of all kinds, measured by a slow check. */
export const slow: fc.Arbitrary<Timeline> = slowly(fc.oneof(oneSeries(), twoDisks, reduced, ratios));
