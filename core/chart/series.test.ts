import { expect, it } from 'vitest';
import { sampleAlert } from '../../test/contract/notifications.ts';
import { labelKey } from '../labels.ts';
import type { Labels } from '../model/labels.ts';
import type { Series } from '../model/sample.ts';
import type { SampleStore, SeriesQuery } from '../ports.ts';
import { isSelected } from '../selection.ts';
import { type PictureOrder, pictureSpec, readPictureSeries } from './series.ts';
import { MAX_LINES } from './spec.ts';

const MINUTE = 60_000;
const NOW = 480_000 * 3_600_000;
const labelsOf = (cluster: string, node: string): Labels => ({ cluster, node, role: 'etcd' });

function orderOf(alerts: readonly Labels[], extra: Partial<PictureOrder['rule']> = {}): PictureOrder {
  return {
    rule: {
      name: 'memory',
      title: 'Memory',
      metric: 'mem_usage',
      where: { role: ['etcd'] },
      condition: { kind: 'above', threshold: 90 },
      forMs: 5 * MINUTE,
      keepFiringForMs: 0,
      noData: 'keepLast',
      severity: 'warning',
      inhibitedBy: [],
      ...extra,
    },
    alerts: alerts.map((labels) =>
      sampleAlert({ labels, sinceMs: NOW - 10 * MINUTE, firedAtMs: NOW - 5 * MINUTE }),
    ),
    status: 'firing',
    fromMs: NOW - 30 * MINUTE,
    toMs: NOW,
    nowMs: NOW,
    timeZone: 'UTC',
    intervalMs: MINUTE,
    theme: 'dark',
  };
}

/** A store that keeps what it was asked for. */
function createStore(all: readonly Labels[]) {
  const asked: SeriesQuery[] = [];
  const find = (where: SeriesQuery['where'] = {}, whereNot?: SeriesQuery['where']): Series[] =>
    all
      .filter((labels) => isSelected({ where, whereNot }, labels))
      .map((labels) => ({ metric: 'mem_usage', labels, points: [{ timeMs: NOW, value: 95 }] }));
  const store: Pick<SampleStore, 'query' | 'latest'> = {
    latest: async ({ where, whereNot }) => find(where, whereNot),
    query: async (query) => {
      asked.push(query);
      return find(query.where);
    },
  };
  return { store, asked, read: () => asked.flatMap(({ where }) => find(where)) };
}

const nodesOf = (cluster: string, count: number) =>
  Array.from({ length: count }, (_, i) => labelsOf(cluster, `node-${i + 1}`));

it('reads the series of the alerts and of their cluster, in its time', async () => {
  const { store, asked } = createStore([...nodesOf('a', 3), ...nodesOf('b', 3)]);
  const { series, others } = await readPictureSeries(orderOf([labelsOf('a', 'node-2')]), store);
  expect([series.map(({ labels }) => labelKey(labels)).sort(), others]).toEqual([
    nodesOf('a', 3).map(labelKey),
    0,
  ]);
  expect(asked).toMatchObject([{ metric: 'mem_usage', fromMs: NOW - 30 * MINUTE, toMs: NOW }]);
});

it('reads those of all clusters that its alerts are of', async () => {
  const { store } = createStore([...nodesOf('a', 2), ...nodesOf('b', 2), ...nodesOf('c', 2)]);
  const { series } = await readPictureSeries(
    orderOf([labelsOf('a', 'node-1'), labelsOf('b', 'node-2')]),
    store,
  );
  expect(new Set(series.map(({ labels }) => labels.cluster))).toEqual(new Set(['a', 'b']));
});

it('reads of a large cluster the alerts and as many others as there are lines, and counts the rest', async () => {
  const fixture = createStore(nodesOf('a', 500));
  const order = orderOf([labelsOf('a', 'node-400'), labelsOf('a', 'node-77')]);
  const read = await readPictureSeries(order, fixture.store);
  expect(read.series).toHaveLength(MAX_LINES);
  expect(fixture.read()).toHaveLength(MAX_LINES);
  expect(read.others).toBe(500 - MAX_LINES);
  const names = read.series.map(({ labels }) => labels.node);
  expect(names).toEqual(expect.arrayContaining(['node-400', 'node-77', 'node-1', 'node-28']));
  const { lines, omitted } = pictureSpec(order, read);
  expect([lines.length, lines.filter(({ breaching }) => breaching).length, omitted]).toEqual([30, 2, 470]);
});

it('reads all breaching ones, of which the picture has the choice', async () => {
  const alerts = nodesOf('a', 60);
  const { store } = createStore(nodesOf('a', 100));
  const { series, others } = await readPictureSeries(orderOf(alerts), store);
  expect([series.length, others]).toEqual([60, 40]);
});

it('leaves out what only looks alike: names that are globs, and other label sets with the same values', async () => {
  const mount = (node: string, name: string) => ({ ...labelsOf('a*', node), mount: name });
  const { store } = createStore([mount('n1', '/'), mount('n2', '/data'), ...nodesOf('ab', 2)]);
  const { series } = await readPictureSeries(orderOf([mount('n1', '/')]), store);
  expect(series.map(({ labels }) => labels.cluster)).toEqual(['a*', 'a*']);
});

it('reads all that an aggregate is made of', async () => {
  const fixture = createStore(nodesOf('a', 100));
  const order = orderOf([{ cluster: 'a' }], { aggregate: { by: ['cluster'], op: 'max' } });
  const read = await readPictureSeries(order, fixture.store);
  expect(read.series).toHaveLength(100);
  expect(pictureSpec(order, read).lines).toHaveLength(1);
});

it('reads both sides of a ratio, and draws what they come to', async () => {
  const disk = (node: string, mount: string) => ({ ...labelsOf('a', node), mount, device: 'd' });
  const { store, asked } = createStore([
    disk('n1', '/'),
    disk('n1', '/var'),
    disk('n2', '/'),
    labelsOf('a', 'n1'),
  ]);
  const given = { metric: 'disk_size', over: 'mem_total', where: {}, whereNot: { node: ['n2'] } };
  const order = orderOf([disk('n1', '/')], given);
  const both: typeof store = {
    latest: async (query) => (await store.latest(query)).filter(({ labels }) => labels.mount !== undefined),
    query: async (query) => {
      const isOfNode = query.metric === 'mem_total';
      const found = (await store.query(query)).filter(
        ({ labels }) => (labels.mount === undefined) === isOfNode,
      );
      return found.map((one) => ({ ...one, metric: query.metric }));
    },
  };
  const spec = pictureSpec(order, await readPictureSeries(order, both));
  expect(asked.map(({ metric, where, fromMs }) => [metric, Object.keys(where ?? {}), NOW - fromMs])).toEqual([
    ['disk_size', ['cluster', 'node', 'role', 'mount', 'device'], 35 * MINUTE],
    ['mem_total', ['cluster', 'node', 'role'], 35 * MINUTE],
  ]);
  expect(spec.lines.map(({ name, value }) => [name, value])).toEqual([
    ['n1, mount /, device d', '100%'],
    ['n1, mount /var, device d', '100%'],
  ]);
  expect(spec.thresholdLines.map(({ label }) => label)).toEqual(['warning 90%']);
  expect(spec.subtitle).toContain(' · disk_size / mem_total · ');
});

it('reads nothing where nothing is known', async () => {
  const { store, asked } = createStore([]);
  expect(await readPictureSeries(orderOf([labelsOf('a', 'n')]), store)).toEqual({ series: [], others: 0 });
  expect(asked).toEqual([]);
});

it('draws of a long time at most two points for each of its bins', async () => {
  const order = {
    ...orderOf([labelsOf('a', 'node-1')]),
    fromMs: NOW - 24 * 60 * MINUTE,
    intervalMs: MINUTE / 6,
  };
  const points = Array.from({ length: 24 * 360 }, (_, i) => ({
    timeMs: order.fromMs + i * order.intervalMs,
    value: i === 5_000 ? 99 : 50 + (i % 10),
  }));
  const { lines } = pictureSpec(order, {
    series: [{ metric: 'mem_usage', labels: labelsOf('a', 'node-1'), points }],
    others: 0,
  });
  const segments = lines[0]?.segments ?? [];
  expect(segments).toHaveLength(1);
  expect(segments[0]?.length).toBeLessThanOrEqual(1_800);
  // A spike of one sample is seen all the same.
  expect(segments[0]?.some(({ value }) => value === 99)).toBe(true);
});
