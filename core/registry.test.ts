import { expect, it } from 'vitest';
import { PROBES } from '../adapters/probes/registry.ts';
import { readOptions } from './registry.ts';

it('the options of a check get the defaults of its kind, and invalid ones are none', () => {
  const etcd = PROBES.find(({ type }) => type === 'etcd') as (typeof PROBES)[number];
  const options = readOptions(etcd, {});
  expect(options).toMatchObject({ via: 'node', port: 2381, backups: [] });
  expect(etcd.endpointsFor(options ?? {})).toEqual([{ via: 'node', port: 2381, optional: false }]);
  expect(readOptions(etcd, { port: 'none' })).toBeUndefined();
});
