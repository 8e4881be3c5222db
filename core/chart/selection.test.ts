import { describe, expect, it } from 'vitest';
import { sampleAlert } from '../../test/contract/notifications.ts';
import type { Labels } from '../model/labels.ts';
import type { Condition, Rule } from '../model/rule.ts';
import type { Series } from '../model/sample.ts';
import { badness } from '../notify/badness.ts';
import { neighbourhoodsOf, worstFirst } from './selection.ts';
import { buildChartSpec } from './spec.ts';

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 10, 24, 9, 40);
const rule: Rule = {
  name: 'memory-usage',
  title: 'Memory usage',
  metric: 'mem_usage',
  where: { role: ['etcd'] },
  condition: { kind: 'above', threshold: 90 },
  forMs: 10 * MINUTE,
  keepFiringForMs: 0,
  noData: 'keepLast',
  severity: 'critical',
  inhibitedBy: [],
};
const node = (name: string, cluster: string): Labels => ({ cluster, node: name, role: 'etcd' });
const alertOf = (labels: Labels, value = 95, minutesAgo = 20) =>
  sampleAlert({
    labels,
    alertId: JSON.stringify(labels),
    value,
    sinceMs: NOW - (minutesAgo + 10) * MINUTE,
    firedAtMs: NOW - minutesAgo * MINUTE,
  });

it('what fires comes before what has ended, then the worst', () => {
  const ended = { ...alertOf(node('n0', 'a'), 99), status: 'resolved' as const };
  const alerts = [ended, ...[92, 98, 95].map((value) => alertOf(node(`n${value}`, 'a'), value))];
  expect(worstFirst(alerts, rule).map(({ labels }) => labels.node)).toEqual(['n98', 'n95', 'n92', 'n0']);
});

it.each([
  ['clusters', [node('n1', 'c10'), node('n1', 'c2')], { name: 'cluster', values: ['c2', 'c10'] }],
  ['bastions', [{ bastion: 'x' }], { name: 'bastion', values: ['x'] }],
  ['nowhere', [{}], { name: 'cluster', values: [] }],
])('alerts are of %s', (_, labels, found) => {
  expect(neighbourhoodsOf((labels as Labels[]).map((own) => ({ labels: own })))).toEqual(found);
});

it.each<[Condition, number[]]>([
  [{ kind: 'above', threshold: 90 }, [99, 91, 50]],
  [{ kind: 'below', threshold: 10 }, [1, 9, 50]],
  [{ kind: 'outside', low: 10, high: 90 }, [-20, 99, 9, 50]],
  [{ kind: 'equals', value: 1 }, [1, 0]],
])('%o finds the first of these the worst: %o', (condition, values) => {
  const sorted = [...values].reverse().sort((a, b) => badness(condition, b) - badness(condition, a));
  expect(sorted).toEqual(values);
  expect(badness(condition, undefined)).toBe(-Infinity);
});

describe('a picture of several clusters', () => {
  const seriesOf = (labels: Labels, value: number): Series => ({
    metric: 'mem_usage',
    labels,
    points: [NOW - MINUTE, NOW].map((timeMs) => ({ timeMs, value })),
  });
  const build = (alerts: ReturnType<typeof alertOf>[], series: Series[]) =>
    buildChartSpec({
      alerts,
      rule,
      series,
      fromMs: NOW - 90 * MINUTE,
      toMs: NOW,
      nowMs: NOW,
      timeZone: 'UTC',
      intervalMs: MINUTE,
      status: 'firing',
    });

  it('has the breaching series of all, the worst first, each with its firing, and says so', () => {
    const [a, b] = [node('n1', 'a'), node('n1', 'b')];
    const spec = build(
      [alertOf(a, 94, 20), alertOf(b, 96, 5)],
      [seriesOf(a, 94), seriesOf(node('n2', 'a'), 50), seriesOf(b, 96), seriesOf(node('n2', 'b'), 97)],
    );
    expect(spec.subtitle).toBe('2 breaching series of 2 clusters (a, b) · mem_usage · last 30m · UTC');
    expect(spec.lines.map(({ name, breaching, firedAtMs }) => [name, breaching, firedAtMs])).toEqual([
      ['b / n1', true, NOW - 5 * MINUTE],
      ['a / n1', true, NOW - 20 * MINUTE],
    ]);
    expect(spec.firing).toEqual({ fromMs: NOW - 20 * MINUTE, toMs: NOW, label: '2 FIRED 09:20 – 09:35' });
    expect([spec.pending, spec.omitted]).toEqual([undefined, 0]);
  });

  it('counts what is not drawn, read or not', () => {
    const all = Array.from({ length: 40 }, (_, i) => node(`n${i}`, `c${i % 4}`));
    const alerts = all.map((labels, i) => alertOf(labels, 91 + i / 10));
    const whole = build(
      alerts,
      all.map((labels, i) => seriesOf(labels, 91 + i / 10)),
    );
    const part = build(
      alerts,
      all.slice(30).map((labels, i) => seriesOf(labels, 94 + i / 10)),
    );
    for (const spec of [whole, part]) {
      expect([spec.lines.length, spec.omitted, spec.lines[0]?.name]).toEqual([10, 30, 'c3 / n39']);
      expect(spec.subtitle).toContain('40 breaching series of 4 clusters · mem_usage');
    }
  });
});
