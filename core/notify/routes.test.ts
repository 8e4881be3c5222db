import { describe, expect, it } from 'vitest';
import { n1, route, rule } from '../../test/incidents.ts';
import { badness, compareBadness } from './badness.ts';
import { destinationsOf, groupOf, matchRoutes, routedLabels } from './routes.ts';

const memory = rule('memory', { severity: 'warning' });

describe('routes', () => {
  it.each<[string, Parameters<typeof route>[], string[]]>([
    ['the first that matches', [['a', { match: { cluster: ['c2'] } }], ['b'], ['c']], ['b']],
    [
      'and those behind it while it says so',
      [['a', { continue: true }], ['b', { continue: true }], ['c'], ['d']],
      ['a', 'b', 'c'],
    ],
    ['which match', [['a', { continue: true }], ['b', { match: { node: ['n9'] } }], ['c']], ['a', 'c']],
    [
      'by the name of the rule',
      [
        ['a', { match: { rule: ['cpu'] } }],
        ['b', { match: { rule: ['mem*'] } }],
      ],
      ['b'],
    ],
    [
      'by its severity',
      [
        ['a', { match: { severity: ['critical'] } }],
        ['b', { match: { severity: ['warning'] } }],
      ],
      ['b'],
    ],
    ['none', [['a', { match: { cluster: ['c2'] } }]], []],
  ])('take an alert: %s', (_, routes, expected) => {
    const taken = matchRoutes(
      routes.map((one) => route(...one)),
      memory,
      n1,
    );
    expect(taken.map(({ name }) => name)).toEqual(expected);
  });

  it('see the labels, and rule and severity before labels of these names', () => {
    expect(routedLabels(memory, { ...n1, rule: 'x', severity: 'y' })).toEqual({
      ...n1,
      rule: 'memory',
      severity: 'warning',
    });
  });

  it('group by the labels they name that the alert has', () => {
    const by = (groupBy: string[], labels = n1) => groupOf(route('r', { groupBy }), memory, labels);
    expect(by(['cluster', 'mount', 'rule']).labels).toEqual({ cluster: 'c1', rule: 'memory' });
    expect(by(['cluster', 'rule']).key).toBe(by(['rule', 'cluster', 'mount']).key);
    expect(by(['cluster']).key).not.toBe(by(['cluster'], { ...n1, cluster: 'c2' }).key);
    expect(by(['cluster']).key).not.toBe(by(['cluster', 'node']).key);
  });

  it('send to each channel once: the first route that names it decides its group', () => {
    const routes = [
      route('a', { channels: ['ops', 'mail'], continue: true, groupBy: ['node'] }),
      route('b', { channels: ['mail', 'sms', 'sms'], groupBy: ['cluster'] }),
    ];
    const found = destinationsOf(routes, memory, n1);
    expect(found.map((one) => [one.channel, one.route.name, one.group.labels])).toEqual([
      ['ops', 'a', { node: 'n1' }],
      ['mail', 'a', { node: 'n1' }],
      ['sms', 'b', { cluster: 'c1' }],
    ]);
    expect(destinationsOf(routes, undefined, n1)).toEqual([]);
  });
});

it.each([
  [{ kind: 'above', threshold: 90 }, [95, 90, 80], [5, 0, -10]],
  [{ kind: 'below', threshold: 10 }, [4, 10, 15], [6, 0, -5]],
  [{ kind: 'outside', low: 10, high: 20 }, [5, 15, 24], [5, -5, 4]],
  [{ kind: 'equals', value: 1 }, [1, 0, 2], [0, -1, -1]],
] as const)('of %j the values %j are bad by %j', (condition, values, expected) => {
  expect(values.map((value) => badness(condition, value))).toEqual(expected);
  expect([undefined, Number.NaN, Infinity].map((value) => badness(condition, value))).toEqual([
    -Infinity,
    -Infinity,
    -Infinity,
  ]);
});

it('the worse is first, and what has no value is last', () => {
  expect([1, -Infinity, 5, -2, -Infinity].toSorted(compareBadness)).toEqual([5, 1, -2, -Infinity, -Infinity]);
  expect(compareBadness(-Infinity, -Infinity)).toBe(0);
});
