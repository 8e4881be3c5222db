import { expect, it } from 'vitest';
import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import { canHaveLabels } from './alert-labels.ts';

const NODE = { cluster: 'c', node: 'n' };
const OWN = { ...NODE, role: 'etcd' };
const DISK = { ...OWN, mount: '/' };
const of = (by?: string[], extra: Partial<Rule> = {}) => ({
  metric: 'disk_usage',
  noData: 'keepLast' as const,
  ...(by && { aggregate: { by, op: 'max' as const } }),
  ...extra,
});
const alerting = { noData: 'alerting' } as const;

it.each<[string, ReturnType<typeof of>, Labels, boolean]>([
  ['a series', of(), DISK, true],
  ['a node that lacks all series', of(), OWN, true],
  ['a group of nodes', of(), NODE, false],
  ['a group of disks', of(), { ...NODE, mount: '/' }, false],
  ['a cluster', of(), { cluster: 'c' }, false],
  ['a series, of groups', of(['cluster', 'node']), DISK, false],
  ['a smaller group', of(['cluster', 'node', 'mount']), NODE, false],
  ['a larger group', of(['cluster', 'node']), { ...NODE, mount: '/' }, false],
  ['the group', of(['node', 'cluster']), NODE, true],
  ['the group, a label named twice', of(['cluster', 'node', 'node']), NODE, true],
  ['a node, of groups', of(['cluster', 'node']), OWN, false],
  ['a node that lacks all series, of groups', of(['cluster', 'node'], alerting), OWN, true],
  ['a node that lacks all series, of groups without nodes', of(['cluster'], alerting), OWN, false],
  ['a batch of a bastion', of(undefined, { metric: 'bastion_up' }), { bastion: 'b', batch: '0' }, true],
  ['a node, of bastions', of(undefined, { metric: 'bastion_up' }), OWN, false],
  ['a bastion, of groups', of(['bastion'], { metric: 'bastion_up' }), { bastion: 'b' }, true],
])('labels of %s', (_, rule, labels, expected) => {
  expect(canHaveLabels(rule, labels)).toBe(expected);
});
