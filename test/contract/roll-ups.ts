import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { labelKey } from '../../core/labels.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { RollUp, RollUpSeries, Sample } from '../../core/model/sample.ts';
import { hourOf } from '../../core/numbers/roll-up.ts';
import type { SampleStore } from '../../core/ports.ts';
import { OURS, type SampleStoreHarness, tooLateOf } from './store-harness.ts';

const MINUTE_MS = 60_000;
const NODE = { cluster: 'nks-1', node: 'etcd-0', role: 'etcd' };

/** The contract of the roll-ups of every sample store. Registers tests; call it at the top of a test file. */
export function describeRollUps(
  name: string,
  create: () => Promise<SampleStoreHarness>,
  traits = OURS,
): void {
  describe(`roll-ups contract: ${name}`, () => {
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
    const sample = (minute: number, value: number, labels: Labels = NODE): Sample => ({
      metric: 'mem_usage',
      labels,
      timeMs: at(minute),
      value,
    });
    const raw = async () => {
      const series = await store.query({ metric: 'mem_usage', fromMs: at(-1440), toMs: at(180) });
      return series.map((one) => [one.labels.node, ...one.points.map((point) => point.value)]);
    };
    /** If the server is not ours, it decides between which ranks p95 lies. */
    const shown = ({ p95, ...rest }: RollUp) => (traits.nearestRank ? { ...rest, p95 } : rest);
    const mem = (series: readonly RollUpSeries[]) =>
      [...series]
        .sort((a, b) => (labelKey(a.labels) < labelKey(b.labels) ? -1 : 1))
        .map(({ labels, points }) => [labels.node, ...points.map(shown)]);
    const all = () => store.rollUps({ metric: 'mem_usage', fromMs: at(-1440), toMs: at(180) });
    const of = (minute: number, ...values: number[]) =>
      shown({
        timeMs: at(minute),
        avg: values.reduce((sum, value) => sum + value, 0) / values.length,
        max: Math.max(...values),
        p95: Math.max(...values),
      });

    it('are the same before and after samples are rolled up, and after they are pruned', async () => {
      const other = { ...NODE, node: 'other' };
      await store.write([0, 1, 2, 3, 4, 5, 12].map((minute) => sample(minute, minute * minute)));
      await store.write([sample(3, 7, other), sample(7, 7, other)]);
      const expected = [
        ['etcd-0', of(0, 0, 1, 4, 9, 16), of(5, 25), of(10, 144)],
        ['other', of(0, 7), of(5, 7)],
      ];
      expect(mem(await all())).toEqual(expected);
      await store.rollUp(at(11));
      expect(mem(await all())).toEqual(expected);
      if (!traits.prunes) return;
      await store.prune(at(10), at(-1440));
      expect(await raw()).toEqual([['etcd-0', 144]]);
      expect(mem(await all())).toEqual(expected);
      await store.prune(at(10), at(5));
      expect(mem(await all())).toEqual([
        ['etcd-0', of(5, 25), of(10, 144)],
        ['other', of(5, 7)],
      ]);
    });

    it('of a constant have that constant, however it is divided', async () => {
      const levels = [90.1, 0.1, 33.3, 1];
      await store.write(
        levels.flatMap((level, i) =>
          Array.from({ length: 11 + i }, (_, j) => ({
            ...sample(0, level, { ...NODE, node: `level-${i}` }),
            timeMs: at(0) + j * 15_000,
          })),
        ),
      );
      const expected = levels.map((level, i) => [
        `level-${i}`,
        { timeMs: at(0), avg: level, max: level, p95: level },
      ]);
      const whole = async () => (await all()).map(({ labels, points }) => [labels.node, ...points]).sort();
      expect(await whole()).toEqual(expected);
      await store.rollUp(at(5));
      expect(await whole()).toEqual(expected);
    });

    if (traits.nearestRank)
      it('take the nearest rank of many samples', async () => {
        await store.write(
          Array.from({ length: 40 }, (_, i) => ({ ...sample(0, 40 - i), timeMs: at(0) + i * 5_000 })),
        );
        const expected = [['etcd-0', { timeMs: at(0), avg: 20.5, max: 40, p95: 38 }]];
        expect(mem(await all())).toEqual(expected);
        await store.rollUp(at(5));
        expect(mem(await all())).toEqual(expected);
      });

    it('cover the periods that begin in the range, of the series that match', async () => {
      await store.write([0, 5, 10].flatMap((m) => [sample(m, m), sample(m, 1, { ...NODE, node: 'other' })]));
      for (const untilMs of [at(0), at(10)]) {
        await store.rollUp(untilMs);
        const query = { metric: 'mem_usage', where: { node: ['etcd-*'] }, fromMs: at(1), toMs: at(10) };
        expect(mem(await store.rollUps(query))).toEqual([['etcd-0', of(5, 5), of(10, 10)]]);
      }
      expect(await store.rollUps({ metric: 'no_such', fromMs: at(0), toMs: at(10) })).toEqual([]);
    });

    describe('of hours', () => {
      const hours = async (query?: { where: { node: string[] } }) => {
        const read = store.hourlyRollUps ?? (async () => undefined);
        const found = await read({ metric: 'mem_usage', fromMs: at(-1440), toMs: at(240), ...query });
        return found?.map(({ labels, points }) => [labels.node, ...points]).sort();
      };
      const hour = (minute: number, avg: number, max: number) => ({ timeMs: at(minute), avg, max });

      beforeEach(() => {
        t0 = Math.ceil(t0 / (60 * MINUTE_MS)) * 60 * MINUTE_MS - 120 * MINUTE_MS;
      });

      it('count each sample once, before and after they are rolled up, late ones as well', async () => {
        const other = { ...NODE, node: 'other' };
        await store.write([sample(0, 1), sample(1, 1), sample(2, 1), sample(59, 9), sample(60, 4)]);
        await store.write([sample(3, 90.1, other), sample(4, 90.1, other), sample(27, 90.1, other)]);
        if (!store.hourlyRollUps) return;
        const expected = [
          ['etcd-0', hour(0, 3, 9), hour(60, 4, 4)],
          ['other', hour(0, 90.1, 90.1)],
        ];
        for (const untilMinute of [0, 5, 59, 60, 61, 90, 120]) {
          await store.rollUp(at(untilMinute));
          expect(await hours()).toEqual(expected);
        }
        await store.write([sample(30, 13)]);
        await store.rollUp(at(120));
        expect(await hours()).toEqual([['etcd-0', hour(0, 5, 13), hour(60, 4, 4)], expected[1]]);
        expect(await hours({ where: { node: ['o*'] } })).toEqual([expected[1]]);
        const late = await store.hourlyRollUps({ metric: 'mem_usage', fromMs: at(1), toMs: at(60) });
        expect(late.map(({ points }) => points)).toEqual([[hour(60, 4, 4)]]);
      });

      if (traits.prunes)
        it('outlive samples, and go when the last of their periods is too old', async () => {
          await store.write([sample(0, 1), sample(50, 2), sample(55, 6), sample(61, 5)]);
          await store.rollUp(at(120));
          await store.prune(at(120), at(55));
          expect(await hours()).toEqual([['etcd-0', hour(0, 3, 6), hour(60, 5, 5)]]);
          await store.prune(at(120), at(60));
          expect(await hours()).toEqual([['etcd-0', hour(60, 5, 5)]]);
        });
    });

    if (traits.prunes)
      it('include late samples after the next time, unless others of their period were pruned', async () => {
        await store.write([sample(0, 1), sample(5, 2)]);
        await store.rollUp(at(10));
        await store.write([sample(1, 3)]);
        await store.rollUp(at(10));
        expect(mem(await all())).toEqual([['etcd-0', of(0, 1, 3), of(5, 2)]]);
        await store.prune(at(2), at(-1440));
        await store.write([sample(3, 100)]);
        await store.rollUp(at(15));
        expect(mem(await all())).toEqual([['etcd-0', of(0, 1, 3), of(5, 2)]]);
      });

    it('do not depend on the order of samples and roll-ups (property)', async () => {
      const steps = fc.array(
        fc.oneof(
          fc.record({ minute: fc.integer({ min: -60, max: 30 }), value: fc.integer({ min: 0, max: 9 }) }),
          fc.record({ until: fc.integer({ min: -60, max: 40 }) }),
        ),
        { maxLength: 30 },
      );
      let round = 0;
      await fc.assert(
        fc.asyncProperty(steps, async (list) => {
          const labels = { ...NODE, node: `run-${round++}` };
          const model = new Map<number, number>();
          for (const step of list) {
            if ('until' in step) await store.rollUp(at(step.until));
            // A server that keeps repeated samples counts them in an average until it merges them.
            else if (traits.countsRepeats || !model.has(step.minute)) {
              const value = traits.countsRepeats ? step.value : (model.get(step.minute) ?? step.value);
              const result = await store.write([sample(step.minute, value, labels)]);
              const isTaken = tooLateOf(result, traits).length === 0;
              if (isTaken && !model.has(step.minute)) model.set(step.minute, value);
            }
          }
          await store.rollUp(at(0));
          const periods = Map.groupBy([...model], ([minute]) => Math.floor(minute / 5) * 5);
          const expected = [...periods]
            .sort(([a], [b]) => a - b)
            .map(([minute, found]) =>
              of(minute, ...found.sort(([a], [b]) => a - b).map(([, value]) => value)),
            );
          const query = {
            metric: 'mem_usage',
            where: { node: [labels.node] },
            fromMs: at(-90),
            toMs: at(60),
          };
          expect(mem(await store.rollUps(query))).toEqual(model.size ? [[labels.node, ...expected]] : []);
          if (!store.hourlyRollUps) return;
          const [hourly] = await store.hourlyRollUps({ ...query, fromMs: at(-180) });
          const byHour = Map.groupBy(model, ([minute]) => hourOf(at(minute)));
          expect(hourly?.points.map((point) => ({ ...point, avg: point.avg.toFixed(9) })) ?? []).toEqual(
            [...byHour]
              .sort(([a], [b]) => a - b)
              .map(([timeMs, found]) => {
                const values = found.map(([, value]) => value);
                const avg = values.reduce((sum, value) => sum + value, 0) / values.length;
                return { timeMs, avg: avg.toFixed(9), max: Math.max(...values) };
              }),
          );
        }),
        { numRuns: traits.prunes ? 40 : 10 },
      );
    });
  });
}
