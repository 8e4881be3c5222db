// A strict server with several nodes whose series it refuses: only their samples are lost.

import { describe, expect, it } from 'vitest';
import type { Sample } from '../../../core/model/sample.ts';
import { writeIsolating } from './isolation.ts';
import type { Refusal } from './refusals.ts';
import type { WrittenSeries } from './remote-write.ts';
import { toSeries } from './remote-write.ts';

const METRICS = ['mem_usage', 'load1', 'up', 'cpu_usage'];

/** As a batch gives them: 300 nodes of thirty series. */
function fleet(nodes: number, mounts = 13): Sample[] {
  const hop = { bastion: 'b', batch: '0' };
  const ofNodes = Array.from({ length: nodes }, (_, i): Sample[] => {
    const labels = { cluster: `c${Math.floor(i / 3)}`, node: `n${i}`, role: 'etcd' };
    const ofMounts = Array.from({ length: mounts }, (__, m) =>
      ['disk_usage', 'inode_usage'].map((metric) => ({
        ...{ metric, timeMs: 60_000, value: 5 },
        labels: { ...labels, mount: `/m${m}` },
      })),
    );
    const own = METRICS.map((metric) => ({ metric, labels, timeMs: 60_000, value: 1 }));
    return [...own, ...ofMounts.flat()];
  });
  return [{ metric: 'bastion_up', labels: hop, timeMs: 60_000, value: 1 }, ...ofNodes.flat()];
}

/** Refuses a request with such a series whole, and keeps nothing of it. */
function strictServer(isBad: (sample: Sample) => boolean, cause: Refusal['cause']) {
  const taken = new Set<Sample>();
  let requests = 0;
  return {
    taken,
    requests: () => requests,
    write: async (series: readonly WrittenSeries[]): Promise<Refusal | undefined> => {
      requests++;
      const samples = series.flatMap(({ source }) => source);
      if (samples.some(isBad)) return { cause, reason: 'refused' };
      for (const sample of samples) taken.add(sample);
      return undefined;
    },
  };
}

async function written(
  samples: readonly Sample[],
  isBad: (sample: Sample) => boolean,
  cause: Refusal['cause'] = 'invalid',
) {
  const server = strictServer(isBad, cause);
  const refused = await writeIsolating(
    toSeries(samples, (metric) => metric),
    server.write,
  );
  const ofCause = (wanted: Refusal['cause']) =>
    refused.filter((one) => one.cause === wanted).flatMap(({ series }) => series.source);
  expect(server.taken.size + refused.length).toBe(samples.length);
  return { ...server, refused, ofCause };
}

const nodesOf = (samples: readonly Sample[]) => [...new Set(samples.map(({ labels }) => labels.node))].sort();

describe.each(['invalid', 'duplicate', 'too-late'] as const)('series that are %s', (cause) => {
  it.each([
    [['n150']],
    [['n40', 'n150']],
    [['n40', 'n150', 'n260']],
    [Array.from({ length: 12 }, (_, i) => `n${i * 25}`)],
    [Array.from({ length: 19 }, (_, i) => `n${i * 15 + 7}`)],
  ])('of the nodes %j cost nobody else a sample', async (bad) => {
    const { refused, requests } = await written(
      fleet(300),
      ({ labels }) => bad.includes(labels.node ?? ''),
      cause,
    );
    expect(nodesOf(refused.flatMap(({ series }) => series.source))).toEqual([...bad].sort());
    expect(refused).toHaveLength(30 * bad.length);
    expect(requests()).toBeLessThan(300);
  });
});

it('the mounts of nodes are found, and their `up` is written', async () => {
  const bad = ['n3', 'n99', 'n201'];
  const isBad = ({ labels: { node = '', mount } }: Sample) => bad.includes(node) && mount === '/m5';
  const { refused, requests } = await written(fleet(300), isBad);
  expect(refused.every(({ series: { source } }) => source.every(isBad))).toBe(true);
  expect(refused).toHaveLength(6);
  expect(requests()).toBeLessThan(150);
});

it('a node all of whose five hundred mounts are refused keeps its `up` and takes no cut from the others', async () => {
  const isBad = ({ labels: { node = '', mount } }: Sample) =>
    ['n1', 'n5'].includes(node) && mount !== undefined;
  const { refused, requests, taken } = await written(fleet(10, 250), isBad);
  const lost = refused.flatMap(({ series }) => series.source);
  expect(nodesOf(lost)).toEqual(['n1', 'n5']);
  expect([...taken].filter(({ metric }) => metric === 'up')).toHaveLength(10);
  expect(requests()).toBeLessThan(150);
});

it('of more bad nodes than can be found, what is unclear is kept for rules, and is no duplicate', async () => {
  const isBad = ({ labels: { node = '' } }: Sample) => node.endsWith('0') || node.endsWith('5');
  for (const cause of ['invalid', 'duplicate'] as const) {
    const { ofCause, requests, taken } = await written(fleet(300), isBad, cause);
    expect(ofCause(cause).every(isBad)).toBe(true);
    expect(ofCause('too-late').length).toBeGreaterThan(0);
    expect([...taken].some(({ metric }) => metric === 'bastion_up')).toBe(true);
    expect(requests()).toBeLessThan(300);
  }
});

it('a server that takes nothing at all refuses all, in its words', async () => {
  const { ofCause } = await written(fleet(300), () => true);
  expect(ofCause('invalid')).toHaveLength(300 * 30 + 1);
});
