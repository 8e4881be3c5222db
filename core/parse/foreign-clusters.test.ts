import { expect, it } from 'vitest';
import { foreignClusters } from './foreign-clusters.ts';

const NO_LABELS = { clusterLabels: {}, nodeLabels: {} };
const PLAIN = { cluster: {}, node: {}, ...NO_LABELS, clusterDefaults: {}, nodeDefaults: {} };
const node = (name: string, ip: string) => ({ hostname: name, addresses: [{ ip }], vendor: 'x' });
const answer = {
  data: {
    clusters: [
      { metadata: { name: 'a' }, site: 'seoul', vms: [node('a-1', '10.0.0.1')] },
      { metadata: { name: 'b' }, site: null, vms: [node('b-1', '10.0.0.2'), 'broken'] },
    ],
  },
};

it('takes what the paths name, and fills in what is missing', () => {
  const shape = {
    ...NO_LABELS,
    list: 'data.clusters',
    cluster: { name: 'metadata.name', bastion: 'site', nodes: 'vms' },
    node: { name: 'hostname', host: 'addresses[0].ip' },
    clusterDefaults: { bastion: 'gate' },
    nodeDefaults: { role: 'controlplane', port: 2222 },
  };
  const filled = { role: 'controlplane', port: 2222 };
  expect(foreignClusters(answer, shape)).toEqual([
    { name: 'a', bastion: 'seoul', nodes: [{ ...filled, name: 'a-1', host: '10.0.0.1' }] },
    { name: 'b', bastion: 'gate', nodes: [{ ...filled, name: 'b-1', host: '10.0.0.2' }, filled] },
  ]);
});

it('takes elements as they are without paths, whatever else is in the list', () => {
  const list = [
    { name: 'a', bastion: 'b', nodes: [{ name: 'n' }] },
    'text',
    null,
    7,
    { name: 'c', nodes: 'none' },
  ];
  expect(foreignClusters(list, PLAIN)).toEqual([list[0], {}, {}, {}, list[4]]);
});

it.each([[{}], [null], ['text'], [{ data: {} }]])('has no list in %j', (one) => {
  expect(foreignClusters(one, { ...PLAIN, list: 'data.clusters' })).toBeUndefined();
});

it('reads no inherited field', () => {
  expect(foreignClusters([{}], { ...PLAIN, cluster: { name: 'constructor.name' } })).toEqual([{}]);
});

it('takes labels from where paths say, as text, and leaves out those that an element lacks', () => {
  const shape = {
    cluster: { name: 'id', nodes: 'vms' },
    node: { name: 'id' },
    clusterLabels: { customer: 'tenant.name', version: 'k8s', managed: 'managed' },
    nodeLabels: { zone: 'at.zone', rack: 'at.rack', image: 'image' },
    clusterDefaults: {},
    nodeDefaults: {},
  };
  const vms = [{ id: 'n', at: { zone: 'z1', rack: null }, image: ' ' }, { id: 'm' }];
  expect(
    foreignClusters([{ id: 'a', tenant: { name: 'acme' }, k8s: 1.29, managed: false, vms }], shape),
  ).toEqual([
    {
      name: 'a',
      labels: { customer: 'acme', version: '1.29', managed: 'false' },
      nodes: [{ name: 'n', labels: { zone: 'z1' } }, { name: 'm' }],
    },
  ]);
});

it('takes labels from elsewhere beside those of the element, and keeps what is no text for its check', () => {
  const shape = { ...PLAIN, clusterLabels: { site: 'dc', tags: 'list' } };
  const list = [{ name: 'a', dc: 'kr', list: ['x'], labels: { site: 'old', customer: 'acme' } }];
  expect(foreignClusters(list, shape)?.[0]).toMatchObject({
    labels: { site: 'kr', customer: 'acme', tags: ['x'] },
  });
});
