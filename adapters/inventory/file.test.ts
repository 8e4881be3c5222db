import { expect, it } from 'vitest';
import { configOf, configText } from '../../test/config-cases.ts';
import { createFileInventory } from './file.ts';

it('targets are the nodes of all clusters, with the bastion of their cluster', async () => {
  const config = configOf(configText());
  expect(await createFileInventory(config).list()).toEqual([
    {
      cluster: 'prod',
      node: 'prod-1',
      role: 'apiserver',
      host: '10.0.1.11',
      port: 22,
      user: 'probe',
      bastion: 'seoul',
      hostKeys: [],
    },
    {
      cluster: 'prod',
      node: 'prod-2',
      role: 'etcd',
      host: '10.0.1.12',
      port: 22,
      user: 'probe',
      bastion: 'seoul',
      hostKeys: [],
    },
  ]);
});
