import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { labelKey } from '../../core/labels.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { Sample, Series } from '../../core/model/sample.ts';
import type { SampleStore } from '../../core/ports.ts';
import { OURS, type SampleStoreHarness, sorted, tooLateOf } from './store-harness.ts';
import { describeSelection } from './store-selection.ts';

const MINUTE_MS = 60_000;
const NODE = { cluster: 'nks-1', node: 'etcd-0', role: 'etcd' };

/** The contract of every sample store, without roll-ups. Registers tests; call it at the top of a test file. */
export function describeSampleStore(
  name: string,
  create: () => Promise<SampleStoreHarness>,
  traits = OURS,
): void {
  describe(`sample store contract: ${name}`, () => {
    let harness: SampleStoreHarness;
    let store: SampleStore;
    let t0 = 0;

    beforeEach(async () => {
      harness = await create();
      store = await harness.open();
      t0 = harness.nowMs - 120 * MINUTE_MS;
    });
    afterEach(async () => {
      await store.close();
      await harness.remove();
    });

    const at = (minute: number) => t0 + minute * MINUTE_MS;
    const sample = (minute: number, value: number, labels: Labels = NODE, metric = 'mem_usage'): Sample => ({
      metric,
      labels,
      timeMs: at(minute),
      value,
    });
    const everything = (metric = 'mem_usage') => store.query({ metric, fromMs: at(-1440), toMs: at(180) });
    const values = (series: readonly Series[]) =>
      sorted(series).map((one) => [one.labels.node, ...one.points.map((point) => point.value)]);

    it('returns what was written: labels, times, exact doubles, ascending', async () => {
      const extreme = traits.exact ? [0.1 + 0.2, 5e-324, Number.MAX_VALUE] : [];
      const exact = [0.3, ...extreme, -1.5, 2 ** 53, 100, 0];
      expect(await store.write(exact.map((value, minute) => sample(minute, value)))).toEqual({
        written: exact.length,
        duplicates: 0,
        rejected: [],
      });
      expect(await everything()).toEqual([
        {
          metric: 'mem_usage',
          labels: NODE,
          points: exact.map((value, minute) => ({ timeMs: at(minute), value })),
        },
      ]);
    });

    it('accepts an empty write, and returns nothing when it is empty', async () => {
      expect(await store.write([])).toEqual({ written: 0, duplicates: 0, rejected: [] });
      expect(await everything()).toEqual([]);
      expect(await store.latest({ metric: 'mem_usage', sinceMs: at(-1440) })).toEqual([]);
      expect(await store.query({ metric: 'no_such_metric', fromMs: 0, toMs: at(9) })).toEqual([]);
    });

    it('includes both ends of a range, and leaves out series without a point in it', async () => {
      const other = { ...NODE, node: 'etcd-1' };
      await store.write([0, 1, 2, 3].map((minute) => sample(minute, minute)));
      await store.write([sample(9, 9, other)]);
      const range = await store.query({ metric: 'mem_usage', fromMs: at(1), toMs: at(2) });
      expect(values(range)).toEqual([['etcd-0', 1, 2]]);
      expect(await store.query({ metric: 'mem_usage', fromMs: at(1) + 1, toMs: at(2) - 1 })).toEqual([]);
      expect(await store.query({ metric: 'mem_usage', fromMs: at(2), toMs: at(1) })).toEqual([]);
    });

    it('keeps metrics and label sets apart, whatever the order of labels', async () => {
      const mount = { ...NODE, mount: '/', device: '/dev/vda1' };
      await store.write([
        sample(0, 1),
        sample(0, 2, NODE, 'cpu_usage'),
        sample(0, 3, mount, 'disk_usage'),
        sample(0, 4, { ...mount, mount: '/var' }, 'disk_usage'),
        sample(1, 5, { role: 'etcd', node: 'etcd-0', cluster: 'nks-1' }),
      ]);
      expect(values(await everything())).toEqual([['etcd-0', 1, 5]]);
      expect(values(await everything('cpu_usage'))).toEqual([['etcd-0', 2]]);
      const disks = sorted(await everything('disk_usage'));
      expect(disks.map((one) => [one.labels.mount, one.points[0]?.value])).toEqual([
        ['/', 3],
        ['/var', 4],
      ]);
    });

    if (traits.countsRepeats)
      it('keeps the first write of a sample, and counts the others', async () => {
        const first = await store.write([sample(0, 1), sample(0, 2), sample(1, 3)]);
        expect(first).toEqual({ written: 2, duplicates: 1, rejected: [] });
        const second = await store.write([sample(0, 9), sample(1, 9), sample(2, 4)]);
        expect(second).toEqual({ written: 1, duplicates: 2, rejected: [] });
        expect(values(await everything())).toEqual([['etcd-0', 1, 3, 4]]);
      });

    it('accepts the same samples again without a change', async () => {
      const round = [sample(0, 1), sample(1, 2), sample(1, 3, NODE, 'cpu_usage')];
      for (let i = 0; i < 3; i++) tooLateOf(await store.write(round), traits);
      expect(values(await everything())).toEqual([['etcd-0', 1, 2]]);
      expect(values(await everything('cpu_usage'))).toEqual([['etcd-0', 3]]);
    });

    it('adds metrics to the known ones of a node at a time', async () => {
      await store.write([sample(0, 1), sample(0, 2, NODE, 'cpu_usage')]);
      const result = await store.write([
        sample(0, 8, NODE, 'up'),
        sample(0, traits.countsRepeats ? 9 : 2, NODE, 'cpu_usage'),
        sample(0, 3, NODE, 'load1'),
      ]);
      expect(result).toMatchObject({
        ...(traits.countsRepeats && { written: 2, duplicates: 1 }),
        rejected: [],
      });
      const stored = await Promise.all(['mem_usage', 'cpu_usage', 'up', 'load1'].map(everything));
      expect(stored.map((series) => series[0]?.points[0]?.value)).toEqual([1, 2, 8, 3]);
    });

    it('rejects invalid samples with a reason, and stores the others', async () => {
      const bad = [
        sample(0, Number.NaN),
        sample(1, Number.POSITIVE_INFINITY),
        sample(2, Number.NEGATIVE_INFINITY),
        sample(3, 1, NODE, 'no_such_metric'),
        { ...sample(4, 1), timeMs: at(4) + 0.5 },
        { ...sample(5, 1), timeMs: Number.NaN },
      ];
      const result = await store.write([...bad, sample(6, 6)]);
      expect(result).toMatchObject({ written: 1, duplicates: 0 });
      expect(result.rejected.map((one) => one.sample)).toEqual(bad);
      for (const { reason, cause } of result.rejected)
        expect([cause, reason]).toEqual(['invalid', expect.stringMatching(/metric|value|time/)]);
      expect(values(await everything())).toEqual([['etcd-0', 6]]);
    });

    it('inserts late samples, or reports which came too late', async () => {
      const tooLate: number[] = [];
      for (const minute of [5, 1, 3, 2, 4, 0]) {
        const refused = tooLateOf(await store.write([sample(minute, minute)]), traits);
        tooLate.push(...refused.map(({ value }) => value));
      }
      const isLate = (minute: number) => (5 - minute) * MINUTE_MS > traits.lateMs;
      expect(tooLate).toEqual([1, 3, 2, 4, 0].filter(isLate));
      expect(values(await everything())).toEqual([
        ['etcd-0', ...[0, 1, 2, 3, 4, 5].filter((minute) => !isLate(minute))],
      ]);
      const newest = await store.latest({ metric: 'mem_usage', sinceMs: at(0) });
      expect(newest[0]?.points).toEqual([{ timeMs: at(5), value: 5 }]);
    });

    it('returns the newest point of each series, none older than the limit', async () => {
      const [a, b, c] = ['a', 'b', 'c'].map((node) => ({ ...NODE, node }));
      await store.write([
        ...[-90, -1, 0, 1].map((minute) => sample(minute, minute, a)),
        ...[-90, -70, -1].map((minute) => sample(minute, minute, b)),
        sample(-90, 0, c),
      ]);
      // The node was down: it has newer samples, but not of this metric.
      await store.write([0, 1, 2].map((minute) => sample(minute, 0, b, 'up')));
      const newest = async (sinceMs: number) => values(await store.latest({ metric: 'mem_usage', sinceMs }));
      expect(await newest(at(-100))).toEqual([
        ['a', 1],
        ['b', -1],
        ['c', 0],
      ]);
      expect(await newest(at(-1))).toEqual([
        ['a', 1],
        ['b', -1],
      ]);
      expect(await newest(at(1))).toEqual([['a', 1]]);
      expect(await newest(at(1) + 1)).toEqual([]);
    });

    if (traits.prunes)
      it('prunes samples that are older, and no others', async () => {
        const gone = { ...NODE, node: 'gone' };
        const mount = { ...NODE, mount: '/', device: '/dev/vda1' };
        await store.write([-800, -700, 0, 1].map((minute) => sample(minute, minute)));
        await store.write([sample(-800, 1, gone), sample(-800, 2, mount, 'disk_usage')]);
        expect(await store.prune(at(0))).toBeGreaterThan(0);
        expect(values(await everything())).toEqual([['etcd-0', 0, 1]]);
        expect(await everything('disk_usage')).toEqual([]);
        expect(await store.prune(at(0))).toBe(0);
        await store.write([sample(2, 5, gone), sample(2, 6, mount, 'disk_usage')]);
        expect(values(await everything())).toEqual([
          ['etcd-0', 0, 1],
          ['gone', 5],
        ]);
        expect(values(await everything('disk_usage'))).toEqual([['etcd-0', 6]]);
      });

    it('has all samples after it was closed and opened', async () => {
      await store.write([sample(0, 1), sample(1, 2)]);
      await store.close();
      store = await harness.open();
      const repeat = sample(1, traits.countsRepeats ? 9 : 2);
      const counted = traits.countsRepeats ? { written: 1, duplicates: 1 } : {};
      expect(await store.write([repeat, sample(2, 3)])).toMatchObject({ ...counted, rejected: [] });
      expect(values(await everything())).toEqual([['etcd-0', 1, 2, 3]]);
    });

    it('shows the writes of one client to another, also new series', async () => {
      const second = await harness.open();
      try {
        await store.write([sample(0, 1)]);
        const range = { metric: 'mem_usage', fromMs: at(0), toMs: at(9) };
        expect(values(await second.query(range))).toEqual([['etcd-0', 1]]);
        await store.write([sample(1, 2), sample(1, 3, { ...NODE, node: 'new' })]);
        expect(values(await second.query(range))).toEqual([
          ['etcd-0', 1, 2],
          ['new', 3],
        ]);
      } finally {
        await second.close();
      }
    });

    it('behaves like a map from (metric, labels, time) to the first value (property)', async () => {
      const samples = fc.record({
        metric: fc.constantFrom('mem_usage', 'cpu_usage', 'up'),
        labels: fc.constantFrom('a', 'b', 'c').map((node) => ({ ...NODE, node })),
        timeMs: fc.integer({ min: -90, max: 5 }).map(at),
        value: traits.exact
          ? fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)
          : fc.integer({ min: -1e9, max: 1e9 }).map((value) => value / 1000),
      });
      const model = new Map<string, Sample>();
      const key = (one: Sample) => JSON.stringify([one.metric, labelKey(one.labels), one.timeMs]);
      await fc.assert(
        fc.asyncProperty(fc.array(samples, { maxLength: 12 }), async (made) => {
          const before = new Set(model.keys());
          for (const one of made) if (!model.has(key(one))) model.set(key(one), one);
          const batch = traits.countsRepeats ? made : made.map((one) => model.get(key(one)) ?? one);
          const written = model.size - before.size;
          const counted = { written, duplicates: batch.length - written };
          const result = await store.write(batch);
          if (traits.countsRepeats) expect(result).toMatchObject(counted);
          expect(result.written + result.duplicates + result.rejected.length).toBe(batch.length);
          for (const one of tooLateOf(result, traits)) if (!before.has(key(one))) model.delete(key(one));
          for (const metric of ['mem_usage', 'cpu_usage', 'up']) {
            const expected = [...model.values()]
              .filter((one) => one.metric === metric)
              .sort((a, b) => a.timeMs - b.timeMs);
            const found = sorted(await everything(metric));
            const points = found.flatMap((one) =>
              one.points.map((point) => [one.labels.node, point.timeMs, point.value]),
            );
            const wanted = ['a', 'b', 'c'].flatMap((node) =>
              expected.filter((one) => one.labels.node === node).map((one) => [node, one.timeMs, one.value]),
            );
            expect(points).toEqual(wanted);
            const newest = sorted(await store.latest({ metric, sinceMs: at(-90) }));
            expect(newest.map((one) => one.points)).toEqual(found.map((one) => one.points.slice(-1)));
          }
        }),
        { numRuns: traits.countsRepeats ? 40 : 15 },
      );
    });
  });
  describeSelection(name, create);
}
