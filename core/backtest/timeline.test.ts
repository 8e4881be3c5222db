import { describe, expect, it } from 'vitest';
import type { Backtest, BacktestEpisode } from './backtest.ts';
import { compareBacktests } from './compare.ts';
import { backtestTimeline, comparisonTimeline } from './timeline.ts';

const MINUTE = 60_000;
const FROM = Date.UTC(2026, 10, 24);
const TO = FROM + 360 * MINUTE;
const OPTIONS = { timeZone: 'UTC', theme: 'dark' } as const;

interface Fired {
  rule?: string;
  node: string;
  /** Minutes of the range. */
  since: number;
  fired: number;
  resolved?: number;
  channels?: string[];
}

function episodeFrom({ rule = 'memory', node, since, fired, resolved, channels = ['ops'] }: Fired) {
  const at = (minute: number) => FROM + minute * MINUTE;
  const times = { sinceMs: at(since), firedAtMs: at(fired) };
  const ended = resolved !== undefined && { resolvedAtMs: at(resolved) };
  const labels = { cluster: 'prod', node, role: 'etcd' };
  const alertId = `${rule} ${node}`;
  return {
    alertId,
    rule,
    labels,
    severity: 'warning',
    ...times,
    ...ended,
    reason: 'threshold',
    channels,
  } as const;
}

function backtestOf(
  fired: readonly Fired[],
  { quiet = [] as string[], unknown = [] as Backtest['rules'][number]['unknown'] } = {},
): Backtest {
  const episodes: BacktestEpisode[] = fired.map(episodeFrom);
  const names = [...new Set([...episodes.map(({ rule }) => rule), ...quiet])];
  const rules = names.map((rule) => {
    const own = episodes.filter((one) => one.rule === rule);
    const firingMs = own.reduce((sum, one) => sum + (one.resolvedAtMs ?? TO) - one.firedAtMs, 0);
    return {
      rule,
      severity: 'warning' as const,
      episodes: own.length,
      cancelled: 0,
      firingMs,
      messages: own.length,
      unknown,
    };
  });
  const messages = episodes
    .filter(({ channels }) => channels.length > 0)
    .map((one) => {
      const id = `${one.alertId}@${one.firedAtMs}`;
      const at = { incidentId: 'inc', number: 1, atMs: one.firedAtMs, route: 'all', channel: 'ops' };
      return { ...at, reason: 'first' as const, statuses: { [id]: 'firing' as const }, news: [id] };
    });
  return { fromMs: FROM, toMs: TO, rules, episodes, messages, goneNodes: [], unseenNodes: [], samples: 1 };
}

const minutes = (spans: readonly { fromMs: number; toMs: number }[] = []) =>
  spans.map(({ fromMs, toMs }) => [(fromMs - FROM) / MINUTE, (toMs - FROM) / MINUTE]);

describe('the picture of a backtest', () => {
  it('has a lane for each alert with what was pending, firing, withheld, unknown and sent', () => {
    const unknown = [
      {
        metric: 'mem_usage',
        fromMs: FROM + 100 * MINUTE,
        toMs: FROM + 130 * MINUTE,
        left: 'nothing' as const,
      },
    ];
    const spec = backtestTimeline(
      backtestOf(
        [
          { node: 'n2', since: 60, fired: 70, channels: [] },
          { node: 'n1', since: 10, fired: 20, resolved: 50 },
          { node: 'n1', since: 150, fired: 160, resolved: 170 },
        ],
        { unknown },
      ),
      OPTIONS,
    );
    expect([spec.title, spec.subtitle]).toEqual([
      'Backtest: 3 firings, 2 messages',
      '00:00 to 06:00 (6h) · 1 rule · UTC',
    ]);
    const [memory] = spec.groups;
    expect([memory?.name, memory?.note]).toEqual(['memory', 'fired 3 times for 5h30m, 3 messages']);
    const [first, second] = memory?.lanes ?? [];
    expect([first?.name, second?.name]).toEqual(['prod / n1', 'prod / n2']);
    const [bar] = first?.bars ?? [];
    expect(minutes(bar?.pending)).toEqual([
      [10, 20],
      [150, 160],
    ]);
    expect(minutes(bar?.firing)).toEqual([
      [20, 50],
      [160, 170],
    ]);
    expect(minutes(bar?.unknown)).toEqual([[100, 130]]);
    expect(bar?.messagesMs.map((ms) => (ms - FROM) / MINUTE)).toEqual([20, 160]);
    expect([minutes(second?.bars[0]?.firing), minutes(second?.bars[0]?.unsent)]).toEqual([[], [[70, 360]]]);
  });

  it('shows of many alerts those that fire for longest, and counts the others', () => {
    const many = Array.from({ length: 40 }, (_, i) => ({
      node: `n${i}`,
      since: i,
      fired: i,
      resolved: 2 * i + 10,
    }));
    const spec = backtestTimeline(
      backtestOf([...many, { rule: 'disk', node: 'n0', since: 1, fired: 2, resolved: 3 }]),
      OPTIONS,
    );
    const [memory, disk] = spec.groups;
    expect([memory?.lanes.length, memory?.omitted, disk?.lanes.length, disk?.omitted]).toEqual([
      23, 17, 1, 0,
    ]);
    expect(memory?.lanes[0]?.name).toBe('prod / n17');
  });

  it('counts rules that did not fire, and draws those of which something is unknown', () => {
    const quiet = ['load', 'disk'];
    const fired = [{ node: 'n1', since: 1, fired: 2, resolved: 3 }];
    const known = backtestTimeline(backtestOf(fired, { quiet }), OPTIONS);
    expect([known.groups.length, known.rest]).toEqual([1, '2 rules did not fire']);
    const unknown = [{ metric: 'load1', fromMs: FROM, toMs: TO, left: 'roll-ups' as const }];
    const unsure = backtestTimeline(backtestOf(fired, { quiet, unknown }), OPTIONS);
    expect(unsure.groups.map(({ lanes }) => lanes[0]?.name)).toEqual(['prod / n1', 'no alert', 'no alert']);
    const rules = Array.from({ length: 14 }, (_, i) => ({
      rule: `r${i}`,
      node: 'n',
      since: 1,
      fired: 2,
      resolved: 3 + i,
    }));
    const { groups, rest } = backtestTimeline(backtestOf(rules, { quiet }), OPTIONS);
    expect([groups.map(({ name }) => name).slice(0, 2), groups.length, rest]).toEqual([
      ['r2', 'r3'],
      12,
      'and 2 more rules that fired, 2 that did not',
    ]);
  });

  it('shows both versions, and first the alerts that differ', () => {
    const same = Array.from({ length: 30 }, (_, i) => ({ node: `s${i}`, since: 0, fired: 1 }));
    const before = backtestOf([...same, { node: 'n', since: 10, fired: 12, resolved: 20 }]);
    const after = backtestOf([...same, { node: 'n', since: 10, fired: 15, resolved: 20 }]);
    const compared = { against: 'old/main.yaml', after, rules: compareBacktests(before, after) };
    const spec = comparisonTimeline(before, compared, OPTIONS);
    expect([spec.title, spec.versions]).toEqual([
      'Backtest against old/main.yaml: 1 of 1 rule differs',
      ['was', 'now'],
    ]);
    const [memory] = spec.groups;
    expect([memory?.note, memory?.omitted]).toEqual(['1 later by 3m', 7]);
    const changed = memory?.lanes.find(({ name }) => name === 'prod / n');
    expect(changed?.bars.map(({ firing }) => minutes(firing))).toEqual([[[12, 20]], [[15, 20]]]);
  });
});
