import { expect, it } from 'vitest';
import type { Config } from '../../core/model/config.ts';
import type { LabelGlobs } from '../../core/model/labels.ts';
import type { Matcher } from '../../core/model/silence.ts';
import type { Target } from '../../core/model/target.ts';
import { configOf, configText } from '../../test/config-cases.ts';
import { limitConfig } from './limited-config.ts';
import { createSight } from './sight.ts';

const node = (cluster: string, name: string, customer: string): Target => ({
  ...{
    cluster,
    node: name,
    role: 'etcd',
    host: '10.0.0.1',
    port: 22,
    user: 'u',
    bastion: 'gate',
    hostKeys: [],
  },
  labels: { customer },
});
const TARGETS = [
  node('a', 'a1', 'acme'),
  node('b', 'b1', 'beta'),
  node('c', 'c1', 'acme'),
  node('c', 'c2', 'beta'),
];
const OF_ACME: Matcher[] = [{ name: 'customer', op: '=', value: 'acme' }];
const OF_A: Matcher[] = [{ name: 'cluster', op: '=', value: 'a' }];

function shown(match: LabelGlobs, selector: Matcher[]): Config['silences'] {
  const silences = [{ match, fromMs: 0, untilMs: 1, comment: 'beta moves' }];
  return limitConfig({ ...configOf(configText()), silences }, createSight(selector, TARGETS), selector)
    .silences;
}

it.each<[LabelGlobs, Matcher[]]>([
  [{ cluster: ['b'] }, OF_A],
  [{ customer: ['beta'] }, OF_ACME],
  [{ customer: ['*'] }, OF_ACME],
  [{ rule: ['mem'] }, OF_ACME],
  [{ role: ['etcd'] }, OF_A],
  [{ mount: ['/'] }, OF_A],
  [{ cluster: ['a'], customer: ['beta'] }, OF_ACME],
  [{ node: ['c2'] }, OF_ACME],
])('a silence of the configuration that is about %j is hidden', (match, selector) => {
  expect(shown(match, selector)).toEqual([]);
});

it.each<[LabelGlobs, Matcher[], LabelGlobs]>([
  [{ cluster: ['a', 'b'] }, OF_A, { cluster: ['a'] }],
  [{ cluster: ['b', 'c'], rule: ['mem'] }, OF_ACME, { cluster: ['c'], rule: ['mem'] }],
  [{ node: ['*'], customer: ['beta', 'acme'] }, OF_ACME, { node: ['*'], customer: ['acme'] }],
])(
  'one that is about %j is shown as far as it lists what is seen, without its comment',
  (match, selector, narrowed) => {
    expect(shown(match, selector)).toEqual([{ match: narrowed, fromMs: 0, untilMs: 1, comment: '' }]);
  },
);

it.each<[LabelGlobs, Matcher[]]>([
  [{ cluster: ['a'], mount: ['/beta'] }, OF_A],
  [{ customer: ['acme'] }, OF_ACME],
])('one that is about %j is shown whole', (match, selector) => {
  expect(shown(match, selector)).toMatchObject([{ match, comment: 'beta moves' }]);
});
