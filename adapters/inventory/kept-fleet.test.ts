import { expect, it } from 'vitest';
import { configOf, configText } from '../../test/config-cases.ts';
import { createMemoryState } from '../../test/memory-state.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import { createFleet } from './fleet.ts';
import { createKeptFleet } from './kept-fleet.ts';

const meter = { count() {}, gauge() {}, observe() {} };
const config = configOf(
  configText({
    clusters:
      'clusters: [{ name: prod, bastion: seoul, nodes: [{ name: a, role: etcd, host: h, hostKeys: [] }] }]\n',
  }),
);
const entry = (name: string, node: string) =>
  JSON.stringify({ name, bastion: 'seoul', nodes: [{ name: node, role: 'etcd', host: 'h' }] });

it('has the clusters that another process has read, as that one joins them, and asks no source', async () => {
  let nowMs = 1_000_000;
  const clock = { nowMs: () => nowMs };
  const kept = createMemoryState().counters;
  let listed = [
    { id: 'y', text: entry('two', 'c') },
    { id: 'x', text: entry('two', 'b') },
    { id: 'z', text: entry('prod', 'd') },
    { id: 'broken', text: '{' },
  ];
  const source = { name: 'http cmdb', list: async () => listed };
  const known = createKeptFleet({ config, sources: [source.name], kept, clock });
  await expect(known()).rejects.toThrow('http cmdb was never read');

  const fleet = createFleet({
    config,
    sources: [source],
    kept,
    clock,
    logger: createRecordingLogger(),
    meter,
  });
  const nodesOf = (targets: readonly { cluster: string; node: string }[]) =>
    targets.map(({ cluster, node }) => `${cluster}/${node}`);
  expect(nodesOf(await fleet.list())).toEqual(['prod/a', 'two/b']);
  const first = await known();
  expect(nodesOf(first.targets)).toEqual(['prod/a', 'two/b']);
  expect(first.config.clusters.map(({ name }) => name)).toEqual(['prod', 'two']);

  nowMs += 60_000;
  expect((await known()).targets).toBe(first.targets);
  listed = [...listed, { id: 'w', text: entry('three', 'e') }];
  await fleet.list();
  expect((await known()).targets).toBe(first.targets);
  nowMs += 20_000;
  expect(nodesOf((await known()).targets)).toEqual(nodesOf(await fleet.list()));
});

it('reads no state without sources', async () => {
  const kept = { load: () => Promise.reject(new Error('state was read')) };
  const known = createKeptFleet({ config, sources: [], kept, clock: { nowMs: () => 0 } });
  const { targets } = await known();
  expect(targets).toHaveLength(1);
  expect((await known()).targets).toBe(targets);
});
