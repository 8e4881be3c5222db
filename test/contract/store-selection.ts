import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { labelsMatch } from '../../core/labels.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { Sample } from '../../core/model/sample.ts';
import type { SampleStore } from '../../core/ports.ts';
import { type SampleStoreHarness, sorted } from './store-harness.ts';

const MINUTE_MS = 60_000;
const NODE = { cluster: 'nks-1', node: 'etcd-0', role: 'etcd' };

/** Which series a store finds by `where` and `whereNot`. A part of the contract of sample stores. */
export function describeSelection(name: string, create: () => Promise<SampleStoreHarness>): void {
  describe(`sample store contract, selection: ${name}`, () => {
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

    it('selects by globs: every label must match any of its globs, as a whole value, and only * and ? are special', async () => {
      const nodes = ['etcd-0', 'etcd-1', 'etcd-10', 'api-0', 'e.cd-0', 'o\'br%n_"x\n', '감시-0', 'a*b'];
      await store.write(nodes.map((node, i) => sample(0, i, { ...NODE, node })));
      const select = async (where: Record<string, string[]>) => {
        const query = { metric: 'mem_usage', where };
        const found = sorted(await store.query({ ...query, fromMs: at(0), toMs: at(0) }));
        expect(sorted(await store.latest({ ...query, sinceMs: at(0) }))).toEqual(found);
        return found.map((one) => one.labels.node).sort();
      };
      expect(await select({})).toEqual([...nodes].sort());
      expect(await select({ node: ['etcd-?'] })).toEqual(['etcd-0', 'etcd-1']);
      expect(await select({ node: ['etcd-*', 'api-0'] })).toEqual(['api-0', 'etcd-0', 'etcd-1', 'etcd-10']);
      expect(await select({ node: ['e.cd-0'] })).toEqual(['e.cd-0']);
      expect(await select({ node: ['감*'] })).toEqual(['감시-0']);
      expect(await select({ node: ['o\'br%n_"x\n'] })).toEqual(['o\'br%n_"x\n']);
      expect(await select({ node: ['a?b'] })).toEqual(['a*b']);
      expect(await select({ node: ['cd-0'], cluster: ['nks-1'] })).toEqual([]);
      expect(await select({ node: ['etcd-0'], cluster: ['nks-2'] })).toEqual([]);
      expect(await select({ mount: ['*'] })).toEqual([]);
    });

    it('leaves out by globs: any label that matches any of its globs; a missing label leaves nothing out', async () => {
      const mounts = ['/', '/var', '/var/lib/kubelet/pods/a', "/o'brien", '감시'];
      const disks = mounts.map((mount, i) => ({ ...NODE, mount, device: `/dev/sd${i % 2}` }));
      await store.write(disks.map((labels, i) => sample(0, i, labels, 'disk_usage')));
      await store.write([sample(0, 7)]);
      const select = async (whereNot: Record<string, string[]>, where = {}, metric = 'disk_usage') => {
        const query = { metric, where, whereNot };
        const found = sorted(await store.query({ ...query, fromMs: at(0), toMs: at(0) }));
        expect(sorted(await store.latest({ ...query, sinceMs: at(0) }))).toEqual(found);
        return found.map(({ labels }) => labels.mount ?? labels.node).sort();
      };
      const without = (...gone: string[]) => mounts.filter((mount) => !gone.includes(mount)).sort();
      expect(await select({})).toEqual(without());
      expect(await select({ mount: ['/var/lib/kubelet/*'] })).toEqual(without('/var/lib/kubelet/pods/a'));
      expect(await select({ mount: ["/o'brien", '감*'] })).toEqual(without("/o'brien", '감시'));
      expect(await select({ mount: ['/var'], device: ['/dev/sd0'] })).toEqual(["/o'brien"]);
      expect(await select({ mount: ['/'] }, { mount: ['/', '/v*'] })).toEqual([
        '/var',
        '/var/lib/kubelet/pods/a',
      ]);
      expect(await select({ cluster: ['*'] })).toEqual([]);
      // The metric has no such label.
      expect(await select({ mount: ['*', '/var'], device: ['?*'] }, {}, 'mem_usage')).toEqual([NODE.node]);
      const range = { metric: 'disk_usage', fromMs: at(0) - 300_000, toMs: at(0) };
      const rolled = await store.rollUps({ ...range, whereNot: { mount: ['/var*', '감시'] } });
      expect(rolled.map(({ labels }) => labels.mount).sort()).toEqual(['/', "/o'brien"]);
    });

    it('finds few of many series as well as all of them', async () => {
      const nodes = Array.from({ length: 40 }, (_, i) => ({ ...NODE, node: `n-${i}` }));
      for (let minute = 0; minute < 5; minute++) {
        await store.write(nodes.map((labels, i) => sample(minute, minute * 100 + i, labels)));
      }
      const range = { metric: 'mem_usage', fromMs: at(1), toMs: at(3) };
      const all = sorted(await store.query(range));
      expect(all).toHaveLength(40);
      for (const where of [
        { node: ['n-7'] },
        { node: ['n-1?'] },
        { node: ['n-?', 'n-[12]', 'n-2*', 'n-3*'] },
      ]) {
        const expected = all.filter((series) => labelsMatch(where, series.labels));
        expect(sorted(await store.query({ ...range, where }))).toEqual(expected);
        const between = { ...range, fromMs: at(1) - 1, toMs: at(4) - 1, where };
        expect(sorted(await store.query(between))).toEqual(expected);
        expect(await store.query({ ...between, fromMs: at(3) + 1 })).toEqual([]);
      }
    });
  });
}
