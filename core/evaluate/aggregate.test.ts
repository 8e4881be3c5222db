import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PartialAggregate } from '../model/checkpoint.ts';
import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { Series } from '../model/sample.ts';
import { evaluateRule } from './evaluate.ts';
import type { EvaluateInput } from './model.ts';
import { lookBackMs } from './range.ts';
import { comparedEveryMs, derivePartial, deriveSeries } from './rule-series.ts';

const MINUTE = 60_000;
const NODES: Labels[] = Array.from({ length: 8 }, (_, i) => ({
  cluster: `c${i % 4}`,
  node: `n${i}`,
  role: i % 3 === 0 ? 'etcd' : 'apiserver',
}));
const targets = NODES.map((labels) => ({ labels }));
const ruleOf = (extra: Partial<Rule>): Rule => ({
  name: 'r',
  title: 'R',
  metric: 'mem_usage',
  where: {},
  condition: { kind: 'above', threshold: 90 },
  forMs: 0,
  keepFiringForMs: 0,
  noData: 'keepLast',
  severity: 'warning',
  inhibitedBy: [],
  ...extra,
});
const seriesOf = (labels: Labels, values: readonly (number | undefined)[], metric = 'mem_usage'): Series => ({
  metric,
  labels,
  points: values.flatMap((value, i) => (value === undefined ? [] : [{ timeMs: i * MINUTE, value }])),
});
const apply = (input: Partial<EvaluateInput> & Pick<EvaluateInput, 'rule'>, nowMin = 5) =>
  evaluateRule({
    intervalMs: MINUTE,
    latenessMs: 15 * MINUTE,
    series: [],
    up: [],
    targets,
    checkpoint: undefined,
    nowMs: nowMin * MINUTE,
    ...input,
  });

describe('parts of an aggregate', () => {
  const value = fc.option(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { nil: undefined });
  const fleet = fc.record({
    values: fc.array(fc.array(value, { minLength: 6, maxLength: 6 }), { minLength: 8, maxLength: 8 }),
    partialOfCluster: fc.array(fc.nat({ max: 2 }), { minLength: 4, maxLength: 4 }),
    op: fc.constantFrom('avg', 'max', 'min', 'spread', 'sum', 'count' as const),
    by: fc.constantFrom([], ['role'], ['node']),
    reduce: fc.constantFrom(undefined, 'avg', 'rate', 'max' as const),
    order: fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
    /** Nodes that are measured at every third minute only. */
    slow: fc.oneof(fc.constant([]), fc.subarray(NODES.map(({ node = '' }) => node))),
  });
  const intervalsOf = (slow: readonly string[]) => {
    const intervalOf = (_: string, { node = '' }: Labels) => (slow.includes(node) ? 3 : 1) * MINUTE;
    return slow.length === 0 ? { intervalMs: MINUTE } : { intervalMs: 3 * MINUTE, intervalOf };
  };
  const measured = (slow: readonly string[], values: readonly (readonly (number | undefined)[])[]) =>
    NODES.map((labels, i) => {
      const isDue = (minute: number) => !slow.includes(labels.node ?? '') || minute % 3 === 0;
      return seriesOf(labels, values[i]?.map((one, minute) => (isDue(minute) ? one : undefined)) ?? []);
    });

  it('come to what the whole comes to, to the last bit (property)', () => {
    fc.assert(
      fc.property(fleet, ({ values, partialOfCluster, op, by, reduce, order, slow }) => {
        const window = reduce && { lastMs: 3 * MINUTE, reduce };
        const rule = ruleOf({ aggregate: { by, op }, ...(window && { window }) });
        const all = measured(slow, values);
        const input = { rule, ...intervalsOf(slow) };
        const isIn = (part: number) => (labels: Labels) =>
          partialOfCluster[Number(labels.cluster?.slice(1))] === part;
        const parts = order.map((part) =>
          derivePartial(
            {
              ...input,
              series: all.filter(({ labels }) => isIn(part)(labels)),
              targets: targets.filter(({ labels }) => isIn(part)(labels)),
            },
            { by, op },
            -1,
          ),
        );
        const kept = JSON.parse(JSON.stringify(parts)) as PartialAggregate[];
        const merged = deriveSeries({ ...input, series: [], targets, partials: kept }, -1);
        const whole = deriveSeries({ ...input, series: all, targets }, -1);
        expect(JSON.stringify(merged)).toBe(JSON.stringify(whole));
      }),
      { numRuns: 300 },
    );
  });

  it('come to the same whenever they begin: what is read back for them suffices (property)', () => {
    fc.assert(
      fc.property(fleet, fc.nat({ max: 5 }), ({ values, op, by, reduce, slow }, from) => {
        const window = reduce && { lastMs: 3 * MINUTE, reduce };
        const rule = ruleOf({ aggregate: { by, op }, ...(window && { window }) });
        const input = { rule, ...intervalsOf(slow), targets };
        const all = measured(slow, values);
        const fromMs = from * MINUTE;
        const sinceMs = fromMs - lookBackMs(rule, input);
        const read = all.map((one) => ({
          ...one,
          points: one.points.filter(({ timeMs }) => timeMs >= sinceMs),
        }));
        const whole = deriveSeries({ ...input, series: all }, -1).map((one) => ({
          ...one,
          points: one.points.filter(({ timeMs }) => timeMs >= fromMs),
        }));
        const rest = deriveSeries({ ...input, series: read }, fromMs - 1);
        expect(rest).toEqual(whole.filter(({ points }) => points.length > 0));
      }),
      { numRuns: 300 },
    );
  });

  it('have a slow member between its rounds, and not once it has missed one', () => {
    const [fast, slow] = [NODES[0], NODES[4]] as [Labels, Labels];
    const rule = ruleOf({ aggregate: { by: ['cluster'], op: 'count' } });
    const found = deriveSeries(
      {
        rule,
        ...intervalsOf(['n4']),
        series: [
          seriesOf(fast, [1, 1, 1, 1, 1, 1, 1, 1, 1]),
          seriesOf(slow, [1, undefined, undefined, undefined, undefined, undefined, 1]),
        ],
      },
      -1,
    );
    expect(found.map(({ points }) => points.map(({ value }) => value))).toEqual([
      [2, 2, 2, 1, 1, 1, 2, 2, 2],
    ]);
  });

  it('count a node once, however many series it has', () => {
    const mounts = ['/', '/var', '/srv'].map((mount) => ({ ...NODES[0], mount }) as Labels);
    const aggregate = { by: ['role'], op: 'max' } as const;
    const part = derivePartial(
      {
        rule: ruleOf({ aggregate }),
        series: mounts.map((labels) => seriesOf(labels, [1])),
        intervalMs: MINUTE,
      },
      aggregate,
      -1,
    );
    expect(part.groups[0]?.points).toEqual([{ timeMs: 0, nodes: 1, count: 3, numbers: [1] }]);
  });

  it('say nothing of times that one of them has not', () => {
    const part = (fromMin: number, node: number): PartialAggregate =>
      derivePartial(
        { rule, series: [seriesOf(NODES[node] ?? {}, [1, 2, 3])], intervalMs: MINUTE },
        aggregate,
        fromMin * MINUTE - 1,
      );
    const aggregate = { by: [], op: 'count' } as const;
    const rule = ruleOf({ aggregate });
    const found = deriveSeries(
      { rule, series: [], intervalMs: MINUTE, partials: [part(0, 0), part(1, 1)] },
      -1,
    );
    expect(found.map(({ points }) => points)).toEqual([
      [
        { timeMs: MINUTE, value: 2 },
        { timeMs: 2 * MINUTE, value: 2 },
      ],
    ]);
  });
});

it('a group has the interval of its fastest member, and a bastion its own', () => {
  const intervalOf = (_: string, { node, bastion }: Labels) => {
    if (bastion !== undefined) return 5 * MINUTE;
    return (node === 'n0' ? 1 : 60) * MINUTE;
  };
  const minutes = (rule: Rule, labels: Labels) =>
    comparedEveryMs({ rule, intervalMs: 60 * MINUTE, intervalOf, targets }, labels) / MINUTE;
  const rule = ruleOf({ aggregate: { by: ['cluster'], op: 'max' } });
  expect(['c0', 'c1', 'gone'].map((cluster) => minutes(rule, { cluster }))).toEqual([1, 60, 60]);
  const lost = ruleOf({ metric: 'bastion_up', aggregate: { by: ['bastion'], op: 'max' } });
  expect(minutes(lost, { bastion: 'b' })).toBe(5);
  expect(minutes(ruleOf({ metric: 'bastion_up', aggregate: { by: [], op: 'max' } }), {})).toBe(60);
});

describe('alerts of an aggregate', () => {
  const up = NODES.map((labels) => seriesOf(labels, [1, 1, 1, 1, 1, 1], 'up'));

  it('are none of its targets: a rule that misses data misses them in no node of its own', () => {
    for (const by of [[], ['role'], ['cluster']]) {
      const rule = ruleOf({ aggregate: { by, op: 'max' }, noData: 'alerting' });
      const series = NODES.map((labels) => seriesOf(labels, [1, 1, 1, 1, 1, 1]));
      expect(apply({ rule, series, up }).transitions).toEqual([]);
    }
  });

  it('of all batches of all bastions need no half of the nodes', () => {
    const rule = ruleOf({
      metric: 'bastion_up',
      aggregate: { by: [], op: 'max' },
      condition: { kind: 'below', threshold: 1 },
    });
    const series = [seriesOf({ bastion: 'b', batch: '0' }, [0, 0], 'bastion_up')];
    expect(apply({ rule, series }, 1).alerts.map(({ labels, status }) => [labels, status])).toEqual([
      [{}, 'firing'],
    ]);
  });

  it('end when an edit gives the rule other labels', () => {
    const nodes = ruleOf({});
    const fleet = ruleOf({ aggregate: { by: [], op: 'max' } });
    const series = [seriesOf(NODES[0] ?? {}, [95, 95, 95, 95, 95, 95, 95])];
    for (const [before, after] of [
      [nodes, fleet],
      [fleet, nodes],
    ] as const) {
      const few = { targets: targets.slice(0, 1), series };
      const { checkpoint, alerts } = apply({ ...few, rule: before });
      const edited = apply({ ...few, rule: after, checkpoint, alerts }, 6);
      expect(edited.transitions.map(({ kind, reason, labels }) => [kind, reason, labels])).toEqual(
        expect.arrayContaining([
          ['resolved', 'rule-changed', alerts[0]?.labels],
          ['firing', 'rule-changed', after === fleet ? {} : NODES[0]],
        ]),
      );
      expect(edited.transitions).toHaveLength(2);
    }
  });
});
