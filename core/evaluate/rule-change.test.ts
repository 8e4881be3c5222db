import { describe, expect, it } from 'vitest';
import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { Series } from '../model/sample.ts';
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
  forMs: 2 * MINUTE,
  keepFiringForMs: 2 * MINUTE,
  noData: 'keepLast',
  severity: 'warning',
  inhibitedBy: [],
};

const series = (values: readonly number[]): Series => ({
  metric: 'mem_usage',
  labels: NODE,
  points: values.map((value, i) => ({ timeMs: i * MINUTE, value })),
});

function apply({ nowMin, ...rest }: Partial<EvaluateInput> & { nowMin: number }) {
  const common = { rule: RULE, intervalMs: MINUTE, latenessMs: 15 * MINUTE, series: [], up: [] };
  const nowMs = nowMin * MINUTE;
  return evaluateRule({ ...common, targets: [{ labels: NODE }], checkpoint: undefined, nowMs, ...rest });
}

const installed = apply({ nowMin: -1 }).checkpoint;

describe('a checkpoint of an older release', () => {
  const values = (count: number) => series(Array(count).fill(95));

  it('of a rule that was new goes on', () => {
    const { checkpoint: now, transitions } = apply({ nowMin: 30, series: [values(31)] });
    expect(transitions).toMatchObject([{ kind: 'firing', atMs: 30 * MINUTE }]);
    const { start: _, ...before } = now;
    const next = apply({ nowMin: 31, checkpoint: before, series: [values(32)] });
    expect(next).toMatchObject({ transitions: [], alerts: [{ status: 'firing', firedAtMs: 30 * MINUTE }] });
  });

  it('of a rule that was edited, settled up to the edit, goes on', () => {
    const edited: Rule = { ...RULE, forMs: 30 * MINUTE };
    const firing = apply({ nowMin: 5, checkpoint: installed, series: [values(6)] });
    const { checkpoint: now, transitions } = apply({
      nowMin: 6,
      rule: edited,
      checkpoint: firing.checkpoint,
      series: [values(7)],
    });
    expect(transitions).toEqual([]);
    const { start: _, ...rest } = now;
    const state = { labels: NODE, status: 'firing', reason: 'threshold', lacking: 0 } as const;
    const known = { sinceMs: 0, firedAtMs: 2 * MINUTE, seenAtMs: 6 * MINUTE, value: 95 };
    const before = { ...rest, settledToMs: 6 * MINUTE, series: [{ ...state, ...known }] };
    const next = apply({ nowMin: 7, rule: edited, checkpoint: before, series: [values(8)] });
    expect(next).toMatchObject({ transitions: [], alerts: [{ status: 'firing', firedAtMs: 2 * MINUTE }] });
  });
});

describe('an edited rule of a node that has no data', () => {
  /** Fires, then the metric is missing for some rounds beside an `up`; the edit comes with the next one. */
  function edit(noData: Rule['noData'], missing: number) {
    const up: Series = {
      ...series(Array(7 + missing).fill(1)),
      metric: 'up',
    };
    const values = [series(Array(6).fill(95))];
    const before = apply({ nowMin: 5, checkpoint: installed, series: values, up: [up] });
    expect(before.alerts).toMatchObject([{ status: 'firing' }]);
    const rule: Rule = { ...RULE, forMs: 3 * MINUTE, noData };
    const { checkpoint, alerts } = before;
    const nowMin = 5 + missing;
    const { transitions } = apply({ nowMin, rule, checkpoint, alerts, series: values, up: [up] });
    return transitions.map(({ kind, reason }) => `${kind} ${reason}`);
  }

  it.each([
    ['ok', 2, []],
    ['ok', 3, ['resolved rule-changed']],
    ['keepLast', 3, []],
    ['alerting', 3, []],
  ] as const)('with `noData: %s` after %d rounds: %j', (noData, missing, expected) => {
    expect(edit(noData, missing)).toEqual(expected);
  });
});
