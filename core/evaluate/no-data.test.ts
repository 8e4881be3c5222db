import { expect, it } from 'vitest';
import type { Checkpoint } from '../model/checkpoint.ts';
import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import { evaluateRule } from './evaluate.ts';
import type { EvaluateInput } from './model.ts';

const MINUTE = 60_000;
const NODE: Labels = { cluster: 'blue', node: 'node-1', role: 'etcd' };
const RULE: Rule = {
  name: 'memory-usage',
  title: 'Memory usage',
  metric: 'mem_usage',
  where: {},
  condition: { kind: 'above', threshold: 90 },
  forMs: 0,
  keepFiringForMs: 0,
  noData: 'alerting',
  severity: 'warning',
  inhibitedBy: [],
};

/** The series and the `up` of one node: a value each minute, none where it is undefined. */
function node(values: readonly (number | undefined)[], ups: readonly number[], labels = NODE) {
  const points = (all: readonly (number | undefined)[]) =>
    all.flatMap((value, i) => (value === undefined ? [] : [{ timeMs: i * MINUTE, value }]));
  return {
    series: { metric: 'mem_usage', labels, points: points(values) },
    up: { metric: 'up', labels, points: points(ups) },
  };
}

function apply(
  nodes: readonly ReturnType<typeof node>[],
  input: { nowMin: number; checkpoint?: Checkpoint; intervalMs?: number; ownMs?: number },
) {
  const { nowMin, checkpoint, intervalMs = MINUTE, ownMs } = input;
  const nowMs = nowMin * MINUTE;
  const read = (all: EvaluateInput['series']) =>
    all.map((one) => ({ ...one, points: one.points.filter(({ timeMs }) => timeMs <= nowMs) }));
  return evaluateRule({
    rule: RULE,
    intervalMs,
    ...(ownMs !== undefined && { intervalOf: () => ownMs }),
    latenessMs: 15 * MINUTE,
    series: read(nodes.map(({ series }) => series)),
    up: read(nodes.map(({ up }) => up)),
    targets: nodes.map(({ series }) => ({ labels: series.labels })),
    checkpoint,
    nowMs,
  });
}

const times = <T>(count: number, value: T): T[] => Array<T>(count).fill(value);

// The sample of 45m is settled at 60m, and the three rounds without one are not; what comes behind them breaches.
it.each([
  ['of the rule', MINUTE],
  ['that is faster than the slowest of the rule', 10 * MINUTE],
])('what a node had before it was down is remembered, with a check %s', (_, intervalMs) => {
  const gone = node(
    [...times(46, 60), ...times(3, undefined), ...times(20, 95)],
    [...times(46, 1), ...times(3, 0), ...times(20, 1)],
  );
  const every = { intervalMs, ownMs: MINUTE };
  let { checkpoint } = apply([gone], { nowMin: -1, ...every });
  const emitted: string[] = [];
  for (let nowMin = 0; nowMin <= 64; nowMin++) {
    const result = apply([gone], { nowMin, checkpoint, ...every });
    checkpoint = result.checkpoint;
    emitted.push(...result.transitions.map(({ kind, atMs, reason }) => `${atMs / MINUTE} ${kind} ${reason}`));
    if (nowMin < 48) continue;
    expect(result.alerts).toMatchObject([{ status: 'firing', sinceMs: 46 * MINUTE, firedAtMs: 48 * MINUTE }]);
  }
  expect(emitted).toEqual(['48 firing no-data']);
});

it('nothing is remembered of nodes that have each sample', () => {
  const nodes = ['a', 'b', 'c'].map((name) => node(times(30, 60), times(30, 1), { ...NODE, node: name }));
  const { checkpoint } = apply(nodes, { nowMin: -1 });
  expect(apply(nodes, { nowMin: 29, checkpoint }).checkpoint.series).toEqual([]);
});
