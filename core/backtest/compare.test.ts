import { describe, expect, it } from 'vitest';
import type { Backtest, BacktestEpisode } from './backtest.ts';
import { compareBacktests, comparisonText, differs, medianOf } from './compare.ts';

const MINUTE = 60_000;

/** `n1 10-12-20`: since 10, fired 12, ended 20; without the last it fires at the end. */
function backtestOf(episodes: readonly string[], rule = 'memory', channels = ['ops']): Backtest {
  const list = episodes.map((text): BacktestEpisode => {
    const [node = '', times = ''] = text.split(' ');
    const [since = 0, fired = 0, ended] = times.split('-').map((minute) => Number(minute) * MINUTE);
    const labels = { cluster: 'prod', node, role: 'etcd' };
    return {
      ...{ alertId: `${rule}-${node}`, rule, severity: 'warning', labels, reason: 'threshold', channels },
      ...{ sinceMs: since, firedAtMs: fired, ...(ended !== undefined && { resolvedAtMs: ended }) },
    };
  });
  const summary = {
    ...{ rule, severity: 'warning' as const, episodes: list.length, cancelled: 0, firingMs: 0 },
    ...{ messages: 2 * list.length, unknown: [] },
  };
  const rest = { messages: [], goneNodes: [], unseenNodes: [], samples: 0 };
  return { fromMs: 0, toMs: 100 * MINUTE, rules: [summary], episodes: list, ...rest };
}

const textOf = (before: Backtest, after: Backtest) => compareBacktests(before, after).map(comparisonText);

describe('two backtests', () => {
  it.each([
    ['nothing', ['n1 10-12-20'], ['n1 10-12-20'], 'the same'],
    ['what no longer fires', ['n1 10-12-20', 'n1 30-32-40', 'n2 10-12-20'], ['n2 10-12-20'], '2 fewer'],
    ['what fires now', ['n1 10-12-20'], ['n1 10-12-20', 'n2 5-7-9'], '1 more'],
    ['what fires later', ['n1 10-12-20', 'n2 10-12-20'], ['n1 10-16-20', 'n2 10-12-20'], '1 later by 4m'],
    ['what fires earlier', ['n1 10-12-20'], ['n1 8-9-20'], '1 earlier by 3m'],
    ['what lasts longer', ['n1 10-12-20'], ['n1 10-12-29'], '1 longer by 9m'],
    ['what does not end', ['n1 10-12-20'], ['n1 10-12'], '1 end otherwise'],
    [
      'two firings that are one now',
      ['n1 10-12-20', 'n1 22-24-30'],
      ['n1 10-12-30'],
      '1 fewer, 1 longer by 10m',
    ],
    ['another time of the same series', ['n1 10-12-20'], ['n1 21-23-30'], '1 fewer, 1 more'],
  ])('differ in %s', (_, before, after, text) => {
    const [comparison] = compareBacktests(backtestOf(before), backtestOf(after));
    expect(comparison && comparisonText(comparison)).toBe(text);
    expect(comparison && differs(comparison)).toBe(text !== 'the same');
  });

  it('differ in channels, and in rules that only one has', () => {
    const before = backtestOf(['n1 10-12-20']);
    expect(textOf(before, backtestOf(['n1 10-12-20'], 'memory', ['pager']))).toEqual(['1 to other channels']);
    expect(textOf(before, backtestOf([], 'disk'))).toEqual(['the rule is new', 'the rule is gone, 1 fewer']);
  });

  it('have a median that is one of the values', () => {
    expect([medianOf([]), medianOf([3]), medianOf([9, 1]), medianOf([5, 1, 9])]).toEqual([0, 3, 1, 5]);
  });
});
