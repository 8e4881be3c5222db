// Runs all default rules over samples, and returns what fired.

import { defaultRules } from '../../core/config/defaults.ts';
import { evaluateRule, evaluationRange, expectedTargets } from '../../core/evaluate/evaluate.ts';
import { createIntervals, ruleIntervals } from '../../core/intervals.ts';
import { labelKey } from '../../core/labels.ts';
import type { Alert } from '../../core/model/alert.ts';
import type { Check } from '../../core/model/check.ts';
import type { Checkpoint } from '../../core/model/checkpoint.ts';
import type { Rule } from '../../core/model/rule.ts';
import type { Sample, Series } from '../../core/model/sample.ts';
import { metricsOf } from '../../core/rule-query.ts';
import { isSelected } from '../../core/selection.ts';
import { CLUSTER, HOUR, MINUTE, NODES } from './cluster-model.ts';

const check = (probe: string, everyMs: number, withoutLogin = false): Check => ({
  name: probe,
  probe,
  everyMs,
  where: {},
  options: {},
  ...(withoutLogin && { withoutLogin }),
});
const CHECKS: Check[] = [
  ...['usage', 'etcd', 'kubelet', 'scheduler', 'controller-manager'].map((probe) => check(probe, MINUTE)),
  check('apiserver', MINUTE, true),
  check('pki', HOUR),
  check('tls', HOUR, true),
];
export const RULES = defaultRules(CHECKS);
const LATENESS_MS = 15 * MINUTE;

interface Span {
  endMs: number;
  /** How much is evaluated at once. */
  chunkMs?: number;
  /** The nodes that the inventory has. */
  nodesAt?: (timeMs: number) => readonly string[];
}

/** The firings of all default rules: rule, labels that are no node's name included, minute. */
export function firingsOf(samples: readonly Sample[], options: Span): string[] {
  const byMetric = new Map(
    [...Map.groupBy(samples, ({ metric }) => metric)].map(([metric, some]) => [metric, seriesOf(some)]),
  );
  return RULES.flatMap((rule) => firingsOfRule(rule, byMetric, options));
}

function firingsOfRule(
  rule: Rule,
  byMetric: ReadonlyMap<string, readonly Series[]>,
  { endMs, chunkMs = HOUR, nodesAt = () => NODES }: Span,
): string[] {
  const fired: string[] = [];
  const stored = new Map<string, Alert>();
  let checkpoint: Checkpoint | undefined;
  // How large the chunks are changes nothing: docs/rules.md.
  for (
    let nowMs = 0;
    nowMs <= endMs;
    nowMs = nowMs === endMs ? endMs + 1 : Math.min(endMs, nowMs + chunkMs)
  ) {
    const targets = nodesAt(nowMs).map((node) => ({ cluster: CLUSTER, node, role: 'controlplane' as const }));
    const expected = expectedTargets(rule, targets);
    const intervals = createIntervals(
      CHECKS,
      targets.map((target) => ({ ...target, bastion: 'b' })),
    );
    const span = {
      rule,
      ...ruleIntervals(intervals, rule, expected),
      latenessMs: LATENESS_MS,
      checkpoint,
      nowMs,
    };
    const { fromMs } = evaluationRange(span);
    const result = evaluateRule({
      ...span,
      series: metricsOf(rule).flatMap((metric) =>
        between(byMetric.get(metric) ?? [], fromMs, nowMs).filter(({ labels }) => isSelected(rule, labels)),
      ),
      up: between(byMetric.get('up') ?? [], fromMs, nowMs),
      targets: expected,
      alerts: [...stored.values()],
    });
    checkpoint = result.checkpoint;
    for (const alert of result.alerts) {
      if (alert.status === 'ok') stored.delete(alert.id);
      else stored.set(alert.id, alert);
    }
    for (const { kind, labels, atMs } of result.transitions) {
      if (kind === 'firing') fired.push(`${rule.name} ${labelKey(labels)} at ${atMs / MINUTE}m`);
    }
  }
  return fired;
}

/** All series of a metric, points in order of time. */
function seriesOf(samples: readonly Sample[]): Series[] {
  const found = new Map<string, Series & { points: { timeMs: number; value: number }[] }>();
  for (const { metric, labels, timeMs, value } of samples) {
    const key = labelKey(labels);
    const series = found.get(key) ?? { metric, labels, points: [] };
    series.points.push({ timeMs, value });
    found.set(key, series);
  }
  return [...found.values()];
}

function between(series: readonly Series[], fromMs: number, toMs: number): Series[] {
  return series.flatMap((one) => {
    const first = indexFrom(one.points, fromMs);
    const points = one.points.slice(first, indexFrom(one.points, toMs + 1));
    return points.length === 0 ? [] : [{ ...one, points }];
  });
}

/** The first point that is not before a time. */
function indexFrom(points: Series['points'], timeMs: number): number {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.timeMs ?? 0) < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
