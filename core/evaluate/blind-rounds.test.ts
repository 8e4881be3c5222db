import { expect, it } from 'vitest';
import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import { createBlindRounds } from './blind-rounds.ts';
import { nodeKey } from './identity.ts';

const MINUTES = [1, 2, 3, 4, 5];
const node = (name: string): Labels => ({ cluster: 'c', node: name, role: 'etcd' });
const at = (...minutes: number[]) => minutes.map((timeMs) => ({ timeMs, value: 1 }));

/** n1 is down at 3, its check `a` blind at 1 and 2, `b` at 5; n2 is down from 3 on. Nothing is known of n3. */
function blindMinutes(labels: Labels, rule: Partial<Rule>): number[] | undefined {
  const ups = new Map([
    [nodeKey(node('n1')), MINUTES.map((timeMs) => ({ timeMs, value: timeMs === 3 ? 0 : 1 }))],
    [nodeKey(node('n2')), MINUTES.map((timeMs) => ({ timeMs, value: timeMs < 3 ? 1 : 0 }))],
  ]);
  const isBlind = createBlindRounds(
    {
      rule: { metric: 'etcd_has_leader', ...rule } as Rule,
      blind: [
        { labels: { ...node('n1'), check: 'a' }, points: at(1, 2) },
        { labels: { ...node('n1'), check: 'b' }, points: at(5) },
      ],
      targets: ['n1', 'n2', 'n3'].map((name) => ({ labels: node(name) })),
    },
    { ups: (key) => ups.get(key as string) ?? [] },
  )(labels);
  return isBlind && MINUTES.filter(isBlind);
}
const by = (...names: string[]): Partial<Rule> => ({ aggregate: { by: names, op: 'max' } });

it.each<[string, Labels, Partial<Rule>, number[] | undefined]>([
  ['a node, by any of its checks', node('n1'), {}, [1, 2, 5]],
  ['a series of one check, by that', { ...node('n1'), check: 'b' }, {}, [5]],
  ['a node whose checks saw all', node('n2'), {}, undefined],
  ['a group: no member is up and seen', { cluster: 'c' }, by('cluster'), [3, 5]],
  ['a group of one check', { cluster: 'c', check: 'a' }, by('cluster', 'check'), [3]],
  ['a group of other labels: any target may be a member', { name: 'x' }, by('name'), [3, 5]],
  ['a group without a member', { cluster: 'd' }, by('cluster'), undefined],
  ['a bastion', { bastion: 'b' }, { metric: 'bastion_up', ...by('bastion') }, undefined],
])('rounds that show nothing of %s', (_, labels, rule, expected) => {
  expect(blindMinutes(labels, rule)).toEqual(expected);
});
