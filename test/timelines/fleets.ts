import fc from 'fast-check';
import { evaluateRule, evaluationRange } from '../../core/evaluate/evaluate.ts';
import type { Alert } from '../../core/model/alert.ts';
import type { Checkpoint } from '../../core/model/checkpoint.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { Rule } from '../../core/model/rule.ts';
import type { Point, Series } from '../../core/model/sample.ts';
import type { Transition } from '../../core/model/transition.ts';
import { MINUTE, type Outcome, oneSeries } from './timelines.ts';

export const LATENESS = 15 * MINUTE;

/** Nodes with a series and an `up` each, and a rule that is there from `startMs` on: new, or edited from `earlier`. */
export interface Fleet {
  rule: Rule;
  earlier: Rule | undefined;
  startMs: number;
  nodes: { labels: Labels; points: Point[]; up: Point[] }[];
  rounds: number;
}

/** When the samples of a node of a round can be read. */
export type Arrival = (node: number, timeMs: number) => number;
export const onTime: Arrival = (_, timeMs) => timeMs;

const rules = fc.oneof(
  oneSeries().map(({ rule }) => rule),
  fc
    .record({ drawn: oneSeries(), op: fc.constantFrom('max' as const, 'min' as const, 'avg' as const) })
    .map(({ drawn, op }) => ({ ...drawn.rule, aggregate: { by: ['cluster'], op } })),
);

/** `edited`: always, never, or random. `fresh`: the rule exists before any sample. */
export const fleets = (options: { edited: boolean; fresh?: boolean }): fc.Arbitrary<Fleet> =>
  fc
    .record({
      timelines: fc.array(oneSeries(), { minLength: 1, maxLength: 3 }),
      rule: rules,
      earlier: rules,
      start: fc.nat({ max: 60 }),
    })
    .map(({ timelines, rule, earlier, start }) => {
      const rounds = Math.max(...timelines.map((timeline) => timeline.rounds));
      const startMs = Math.min(start, rounds - 1) * MINUTE;
      const shown = (points: readonly Point[]) =>
        points.filter(({ timeMs }) => !options.fresh || timeMs >= startMs);
      const nodes = timelines.map(({ series, up }, i) => ({
        labels: { cluster: 'blue', node: `node-${i}`, role: 'etcd' },
        points: shown(series[0]?.points ?? []),
        up: shown(up),
      }));
      return {
        rule,
        earlier: options.edited ? { ...earlier, name: rule.name } : undefined,
        startMs,
        nodes,
        rounds,
      };
    });

export const NOTHING: Outcome = { transitions: [], alerts: new Map(), checkpoint: undefined };

/** One evaluation of round `nowMs`, with the samples that can be read at `readMs`. */
export function evaluateFleet(
  fleet: Fleet,
  before: Outcome,
  nowMs: number,
  { arrival = onTime, readMs = nowMs }: { arrival?: Arrival; readMs?: number } = {},
): Outcome {
  const rule = nowMs < fleet.startMs ? fleet.earlier : fleet.rule;
  if (!rule) return before;
  const { checkpoint } = before;
  const span = { rule, intervalMs: MINUTE, latenessMs: LATENESS, checkpoint, nowMs };
  const { fromMs } = evaluationRange(span);
  const read = (metric: string, points: (node: Fleet['nodes'][number]) => Point[]): Series[] =>
    fleet.nodes
      .map((node, i) => ({
        metric,
        labels: node.labels,
        points: points(node).filter(
          ({ timeMs }) => timeMs >= fromMs && timeMs <= nowMs && arrival(i, timeMs) <= readMs,
        ),
      }))
      .filter((series) => series.points.length > 0);
  const result = evaluateRule({
    ...span,
    series: read(rule.metric, ({ points }) => points),
    up: read('up', ({ up }) => up),
    targets: fleet.nodes.map(({ labels }) => ({ labels })),
    alerts: [...before.alerts.values()],
  });
  const alerts = new Map<string, Alert>(before.alerts);
  for (const alert of result.alerts) {
    if (alert.status === 'ok') alerts.delete(alert.id);
    else alerts.set(alert.id, alert);
  }
  return {
    transitions: [...before.transitions, ...result.transitions],
    alerts,
    checkpoint: JSON.parse(JSON.stringify(result.checkpoint)) as Checkpoint,
  };
}

export const roundsOf = ({ rounds }: Pick<Fleet, 'rounds'>) =>
  Array.from({ length: rounds }, (_, i) => i * MINUTE);

export function emittedOf(transitions: readonly Transition[], alertId: string) {
  return transitions
    .filter((transition) => transition.alertId === alertId)
    .map(({ value: _, ...status }) => status);
}
