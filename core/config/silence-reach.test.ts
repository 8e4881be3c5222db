import { describe, expect, it } from 'vitest';
import { rule } from '../../test/incidents.ts';
import type { Matcher } from '../model/silence.ts';
import { silenceReach } from './silence-reach.ts';

describe('what a silence can be about today', () => {
  const nodes = [
    { cluster: 'prod', node: 'n1', role: 'apiserver' },
    { cluster: 'prod', node: 'n2', role: 'etcd' },
  ];
  const rules = [
    rule('memory'),
    rule('etcd-memory', { where: { role: ['etcd'] }, severity: 'critical' }),
    rule('disk', { metric: 'disk_usage' }),
    rule('by-cluster', { aggregate: { by: ['cluster'], op: 'max' } }),
    rule('lost', { metric: 'bastion_up' }),
  ];
  const reach = (...texts: string[]) => {
    const matchers = texts.map((text): Matcher => {
      const [, name = '', op = '=', value = ''] = /^(\w+)(=~|!~|!=|=)(.*)$/.exec(text) ?? [];
      return { name, op: op as Matcher['op'], value };
    });
    const found = silenceReach(matchers, { rules, nodes, bastions: ['gate'] });
    return [found.nodes, ...found.rules].join(' ');
  };

  it.each([
    [['node=n1'], '1 memory disk'],
    [['node=~n.'], '2 memory etcd-memory disk'],
    [['node=n3'], '0'],
    [['cluster=prod'], '2 memory etcd-memory disk by-cluster'],
    [['node='], '0 by-cluster lost'],
    [['severity=critical'], ' etcd-memory'],
    [['severity=critical', 'node=n1'], '1'],
    [['mount=/data'], ' disk'],
    [['bastion=gate'], ' lost'],
    [['rule!=memory', 'role=etcd'], '1 etcd-memory disk'],
  ])('%j: %s', (texts, expected) => {
    expect(reach(...texts)).toBe(expected);
  });
});
