import { describe, expect, it } from 'vitest';
import type { Alert } from '../model/alert.ts';
import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { Point, Series } from '../model/sample.ts';
import { evaluateRule, evaluationRange, expectedTargets, removeRule } from './evaluate.ts';
import type { EvaluateInput, EvaluateResult } from './model.ts';

const MINUTE = 60_000;
const NODE: Labels = { cluster: 'blue', node: 'node-1', role: 'etcd' };
const RULE: Rule = {
  name: 'memory-usage',
  title: 'Memory usage',
  metric: 'mem_usage',
  where: {},
  condition: { kind: 'above', threshold: 90 },
  forMs: 2 * MINUTE,
  keepFiringForMs: 2 * MINUTE,
  noData: 'keepLast',
  severity: 'warning',
  inhibitedBy: [],
};

function points(values: readonly number[], fromMin = 0): Point[] {
  return values.map((value, i) => ({ timeMs: (fromMin + i) * MINUTE, value }));
}

function series(values: readonly number[], labels = NODE, fromMin = 0): Series {
  return { metric: 'mem_usage', labels, points: points(values, fromMin) };
}

function apply(input: Partial<EvaluateInput> & { nowMin: number }): EvaluateResult {
  const { nowMin, ...rest } = input;
  return evaluateRule({
    rule: RULE,
    intervalMs: MINUTE,
    latenessMs: 15 * MINUTE,
    series: [],
    up: [],
    targets: [{ labels: NODE }],
    checkpoint: undefined,
    nowMs: nowMin * MINUTE,
    ...rest,
  });
}

const installed = apply({ nowMin: -1 }).checkpoint;
const brief = ({ transitions }: EvaluateResult) =>
  transitions.map(({ kind, atMs, reason }) => `${atMs / MINUTE} ${kind} ${reason}`);

describe('evaluate', () => {
  it('emits an alert through its life', () => {
    const at = (values: readonly number[]) =>
      apply({ nowMin: values.length - 1, checkpoint: installed, series: [series(values)] }).alerts[0];
    const common = { rule: 'memory-usage', labels: NODE, reason: 'threshold', sinceMs: 0 };
    expect(at([95, 96])).toMatchObject({ ...common, status: 'pending', value: 96, valueAtMs: MINUTE });
    expect(at([95, 96, 97])).toMatchObject({ ...common, status: 'firing', firedAtMs: 2 * MINUTE, value: 97 });
    expect(at([95, 96, 97, 60])).toMatchObject({ ...common, status: 'firing', clearedAtMs: 3 * MINUTE });
    expect(at([95, 96, 97, 60, 95])?.clearedAtMs).toBeUndefined();
    expect(at([95, 96, 97, 60, 60, 50])).toEqual({
      ...common,
      id: at([95])?.id,
      status: 'ok',
      firedAtMs: 2 * MINUTE,
      resolvedAtMs: 5 * MINUTE,
      clearedAtMs: 3 * MINUTE,
      value: 50,
    });
    expect(at([60, 60])).toBeUndefined();
  });

  it('makes ids that follow from rule, labels, kind and times alone', () => {
    const reversed = Object.fromEntries(Object.entries(NODE).reverse());
    const [a, b] = [NODE, reversed].map(
      (labels) =>
        apply({ nowMin: 2, checkpoint: installed, series: [series([95, 95, 95], labels)] }).transitions,
    );
    expect(a?.map(({ id }) => id)).toEqual(b?.map(({ id }) => id));
    const suffixes = a?.map(({ id, alertId }) => id.slice(alertId.length));
    expect(suffixes).toEqual(['-pending-0-0', '-firing-0-120000']);
    expect(a?.[0]?.alertId).toMatch(/^memory-usage-[0-9a-f]{16}$/);
  });

  it('orders transitions by time, whatever the order of the series', () => {
    const other = { ...NODE, node: 'node-2' };
    const both = [series([60, 95, 95, 95], other), series([95, 95, 95, 95])];
    const targets = [{ labels: NODE }, { labels: other }];
    const results = [both, both.toReversed()].map((all) =>
      apply({ nowMin: 3, checkpoint: installed, series: all, targets }),
    );
    expect(brief(results[0] as EvaluateResult)).toEqual([
      '0 pending threshold',
      '1 pending threshold',
      '2 firing threshold',
      '3 firing threshold',
    ]);
    expect(results[1]).toEqual(results[0]);
  });

  it('says beside the state since when there is no data', () => {
    const up = [{ metric: 'up', labels: NODE, points: points([1, 1, 1, 1, 1, 1]) }];
    const at = (nowMin: number) =>
      apply({ nowMin, checkpoint: installed, series: [series([95, 95, 95])], up }).alerts[0];
    expect(at(4)).toMatchObject({ status: 'firing', noDataSinceMs: undefined });
    expect(at(5)).toMatchObject({
      status: 'firing',
      noDataSinceMs: 3 * MINUTE,
      reason: 'threshold',
      value: 95,
    });
  });

  it('emits no value of an alert that fires for lack of one', () => {
    const rule = { ...RULE, noData: 'alerting' as const };
    const up = [{ metric: 'up', labels: NODE, points: points([1, 1, 1, 1]) }];
    const { checkpoint } = apply({ nowMin: -1, rule });
    const { alerts, transitions } = apply({ nowMin: 3, rule, checkpoint, series: [series([60])], up });
    expect(alerts).toMatchObject([
      { status: 'firing', reason: 'no-data', sinceMs: MINUTE, value: undefined },
    ]);
    expect(transitions).toMatchObject([{ kind: 'firing', value: undefined }]);
  });

  it('emits nothing twice at one time, so that no id is taken', () => {
    const holed = [
      { ...series([]), points: points([95, 95, 95, 95]).filter(({ timeMs }) => timeMs !== MINUTE) },
    ];
    const pending = apply({ nowMin: 1, checkpoint: installed, series: [series([95])] });
    const firing = apply({ nowMin: 2, checkpoint: pending.checkpoint, series: holed });
    const late = apply({ nowMin: 2, checkpoint: firing.checkpoint, series: [series([95, 60, 95])] });
    expect(brief(firing)).toEqual(['2 firing threshold']);
    expect(late.transitions.map(({ kind, atMs }) => [kind, atMs])).toEqual([
      ['resolved', 2 * MINUTE + 1],
      ['pending', 2 * MINUTE + 1],
    ]);
  });

  it('keeps in its checkpoint only what is not ok', () => {
    const many = ['a', 'b', 'c'].map((node) => ({ ...NODE, node }));
    const targets = many.map((labels) => ({ labels }));
    const all = many.map((labels, i) => series(Array(30).fill(i === 1 ? 95 : 60), labels));
    const { checkpoint } = apply({ nowMin: 29, checkpoint: installed, series: all, targets });
    expect(checkpoint).toMatchObject({ settledToMs: 14 * MINUTE, evaluatedToMs: 29 * MINUTE, emitted: [] });
    expect(checkpoint.series).toMatchObject([{ labels: many[1], status: 'firing', sinceMs: 0 }]);
    expect(JSON.parse(JSON.stringify(checkpoint))).toEqual(checkpoint);
  });

  it('is not moved by an evaluation of an older round', () => {
    const { checkpoint } = apply({ nowMin: 9, checkpoint: installed, series: [series(Array(10).fill(95))] });
    const again = apply({ nowMin: 5, checkpoint, series: [series([95, 95, 95, 95, 95, 95])] });
    expect(again).toEqual({ checkpoint, transitions: [], alerts: [], ignoredSamples: 0 });
  });

  it('ignores and counts samples older than what is settled, and newer than the round', () => {
    const first = apply({ nowMin: 20, checkpoint: installed, series: [series([60], NODE, 20)] });
    const late = apply({ nowMin: 21, checkpoint: first.checkpoint, series: [series(Array(25).fill(95))] });
    // Settled up to 5m: of 0m to 24m, 6m to 21m are evaluated.
    expect(late.ignoredSamples).toBe(6 + 3);
    expect(late.alerts[0]).toMatchObject({ status: 'firing', sinceMs: 6 * MINUTE, valueAtMs: 21 * MINUTE });
  });

  it('does not evaluate series of nodes that the inventory does not know', () => {
    const unknownNode = series([95, 95, 95], { ...NODE, node: 'node-9' });
    expect(apply({ nowMin: 2, checkpoint: installed, series: [unknownNode] }).alerts).toEqual([]);
  });

  it('emits anew for a node that comes back into the inventory', () => {
    const all = series(Array(12).fill(95));
    const at = (nowMin: number, checkpoint = installed, targets = [{ labels: NODE }]) =>
      apply({ nowMin, checkpoint, targets, series: [{ ...all, points: all.points.slice(0, nowMin + 1) }] });
    const firing = at(5);
    const gone = at(6, firing.checkpoint, []);
    const still = at(7, gone.checkpoint, []);
    const back = at(8, still.checkpoint);
    expect(brief(firing)).toEqual(['0 pending threshold', '2 firing threshold']);
    expect(brief(gone)).toEqual(['6 resolved removed']);
    expect(brief(still)).toEqual([]);
    expect(brief(back)).toEqual(['8 firing revised']);
    expect(brief(at(9, back.checkpoint))).toEqual([]);
  });

  it('evaluates series of another role than the inventory has: the node is the same', () => {
    const before = series([95, 95, 95], { ...NODE, role: 'apiserver' });
    expect(apply({ nowMin: 2, checkpoint: installed, series: [before] }).alerts).toHaveLength(1);
  });
});

describe('stored alerts', () => {
  const firing = apply({ nowMin: 3, checkpoint: installed, series: [series([95, 95, 95, 95])] });
  const alerts = firing.alerts as Alert[];

  it('go on silently when their checkpoint is lost and they still hold, however short', () => {
    const result = apply({ nowMin: 30, series: [series([95], NODE, 30)], alerts });
    expect(result.transitions).toEqual([]);
    expect(result.alerts).toMatchObject([{ status: 'firing', sinceMs: 0, firedAtMs: 2 * MINUTE }]);
    const next = apply({
      nowMin: 31,
      series: [series([95], NODE, 31)],
      checkpoint: result.checkpoint,
      alerts,
    });
    expect(next).toMatchObject({ transitions: [], alerts: [{ status: 'firing' }] });
  });

  it('end when their checkpoint is lost and they no longer hold', () => {
    const result = apply({ nowMin: 30, series: [series([60], NODE, 30)], alerts });
    expect(brief(result)).toEqual(['30 resolved revised']);
  });

  it('end when late samples undo what a crash kept out of the checkpoint', () => {
    const before = apply({ nowMin: 1, checkpoint: installed, series: [series([95, 95])] }).checkpoint;
    const holed = [
      { ...series([]), points: points([95, 95, 95, 95, 95]).filter(({ timeMs }) => timeMs !== MINUTE) },
    ];
    const committed = apply({ nowMin: 3, checkpoint: before, series: holed });
    expect(brief(committed)).toEqual(['2 firing threshold']);
    const whole = [series([95, 60, 60, 60, 60])];
    const undone = apply({ nowMin: 4, checkpoint: before, series: whole, alerts: committed.alerts });
    expect(brief(undone)).toEqual(['4 resolved revised']);
    expect(apply({ nowMin: 4, checkpoint: before, series: whole }).transitions).toMatchObject([
      { kind: 'cancelled' },
    ]);
  });

  it('that resolved before the crash are not resolved again', () => {
    const values = [95, 95, 95, 60, 60, 60, 60];
    const result = apply({ nowMin: 6, checkpoint: firing.checkpoint, series: [series(values)], alerts: [] });
    expect(brief(result)).toEqual([]);
    expect(brief(apply({ nowMin: 6, checkpoint: firing.checkpoint, series: [series(values)] }))).toEqual([
      '5 resolved threshold',
    ]);
  });

  it('that were cancelled before the crash are not emitted as fired before that', () => {
    const rule = { ...RULE, forMs: MINUTE, keepFiringForMs: 0 };
    const holed = [{ ...series([]), points: points([95, 95, 60]).filter(({ timeMs }) => timeMs !== MINUTE) }];
    const before = apply({
      nowMin: 1,
      rule,
      checkpoint: apply({ nowMin: -1, rule }).checkpoint,
      series: holed,
    });
    const committed = apply({ nowMin: 2, rule, checkpoint: before.checkpoint, series: holed });
    expect([...brief(before), ...brief(committed)]).toEqual(['0 pending threshold', '2 cancelled threshold']);
    const whole = { rule, series: [series([95, 95, 60, 60])], nowMin: 3 };
    expect(brief(apply({ ...whole, checkpoint: committed.checkpoint, alerts: [] }))).toEqual([]);
    expect(brief(apply({ ...whole, checkpoint: before.checkpoint, alerts: [] }))).toEqual([]);
  });

  it('of a removed rule never end before they fired, wherever the clock is', () => {
    const { transitions } = removeRule({ rule: 'memory-usage', alerts, nowMs: MINUTE });
    expect(transitions).toMatchObject([{ kind: 'resolved', atMs: 2 * MINUTE }]);
  });

  it('of a removed rule end, each by its state', () => {
    const pending: Alert = { ...(alerts[0] as Alert), id: 'other', status: 'pending' };
    const { alerts: ended, transitions } = removeRule({
      rule: 'memory-usage',
      alerts: [...alerts, pending],
      nowMs: 9 * MINUTE,
    });
    expect(transitions).toMatchObject([
      { kind: 'resolved', atMs: 9 * MINUTE, reason: 'removed', sinceMs: 0 },
      { kind: 'cancelled', atMs: 9 * MINUTE, reason: 'removed', alertId: 'other' },
    ]);
    expect(ended).toMatchObject([
      { status: 'ok', resolvedAtMs: 9 * MINUTE },
      { status: 'ok', resolvedAtMs: undefined },
    ]);
  });
});

describe('what is queried', () => {
  const range = { rule: RULE, intervalMs: MINUTE, latenessMs: 15 * MINUTE, nowMs: 60 * MINUTE };

  it('begins where the checkpoint is settled', () => {
    expect(evaluationRange({ ...range, checkpoint: installed }).fromMs).toBe(-16 * MINUTE + 1);
  });

  it('looks back for a rule that is new or edited', () => {
    const holdMs = 3 * MINUTE;
    const fromMs = (60 - 15) * MINUTE - 2 * holdMs - RULE.keepFiringForMs;
    expect(evaluationRange({ ...range, checkpoint: undefined })).toEqual({ fromMs });
    const edited = { ...RULE, condition: { kind: 'above', threshold: 80 } } as const;
    expect(evaluationRange({ ...range, rule: edited, checkpoint: installed })).toEqual({ fromMs });
    const reworded = { ...RULE, title: 'Memory', severity: 'critical' } as const;
    expect(evaluationRange({ ...range, rule: reworded, checkpoint: installed }).fromMs).toBe(
      -16 * MINUTE + 1,
    );
  });

  it('expects the metric on targets that `where` allows, as far as it speaks of targets', () => {
    const nodes = (['etcd', 'apiserver'] as const).map((role) => ({ cluster: 'blue', node: role, role }));
    const names = (where: Rule['where']) =>
      expectedTargets({ where }, nodes).map(({ labels }) => labels.node);
    expect(names({ role: ['etcd'] })).toEqual(['etcd']);
    expect(names({ mount: ['/data'] })).toEqual(['etcd', 'apiserver']);
    expect(names({ mount: ['/'], cluster: ['green'] })).toEqual([]);
  });
});
