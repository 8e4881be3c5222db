import { describe, expect, it } from 'vitest';
import { meterTo } from '../../core/meter.ts';
import type { Observation } from '../../core/model/observation.ts';
import { batchOf, targetOf } from '../../test/prober-fixture.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';

import { openLabelLimit } from './label-limit.ts';

const target = targetOf('n', { host: 'h', port: 22, hostKey: 'k' });
const batch = batchOf([target]);

function observe(mounts: number, length = 10): Observation {
  const labels = { cluster: 'c', node: 'n', role: 'etcd' };
  const samples = Array.from({ length: mounts }, (_, i) => ({
    metric: 'disk_usage',
    labels: { mount: `/${String(i).padStart(length, 'm')}`, device: 'd', ...labels },
    timeMs: batch.roundMs,
    value: 1,
  }));
  const { roundMs } = batch;
  return {
    check: 'usage',
    target,
    roundMs,
    observedAtMs: roundMs,
    durationMs: 1,
    result: { ok: true, samples, notes: ['as it was'] },
  };
}

function setup() {
  const kept = new Map<string, string>();
  const logger = createRecordingLogger();
  const counts = new Map<string, number>();
  const meter = meterTo(({ name, labels, value }) => {
    counts.set([name, ...Object.values(labels)].join(' '), value);
  });
  let broken = false;
  const use = () => {
    if (broken) throw new Error('no bucket');
  };
  const counters = {
    load: async (key: string) => {
      use();
      const text = kept.get(key);
      return text === undefined ? undefined : JSON.parse(text);
    },
    save: async (key: string, value: unknown) => {
      use();
      kept.set(key, JSON.stringify(value));
    },
  };
  const round = async (observation: Observation, maxNewLabelSets = 100) => {
    const limit = await openLabelLimit(batch, { counters, logger, meter });
    const admitted = limit.admit({ name: 'usage', maxNewLabelSets }, observation);
    await limit.save();
    if (!admitted.result.ok) return admitted.result;
    const { samples, notes } = admitted.result;
    const dropped = samples.find(({ metric }) => metric === 'label_sets_dropped');
    return { disks: samples.length - 1, dropped, notes };
  };
  const breakIt = () => {
    broken = true;
  };
  return { round, kept, counts, logger, breakIt };
}

describe('the limit of label sets', () => {
  it('reports how many it dropped, also if none', async () => {
    const { round, counts } = setup();
    const none = await round(observe(100));
    expect(none).toMatchObject({ disks: 100, dropped: { value: 0 }, notes: ['as it was'] });
    const some = await round(observe(140));
    expect(some).toMatchObject({
      disks: 100,
      dropped: {
        value: 40,
        timeMs: batch.roundMs,
        labels: { cluster: 'c', node: 'n', role: 'etcd', check: 'usage' },
      },
      notes: ['as it was', expect.stringMatching(/^40 new label sets left out/)],
    });
    expect(counts).toEqual(new Map([['label_sets_dropped_total usage', 40]]));
  });

  it('holds over rounds and restarts: the known sets are one object per batch, which rarely changes', async () => {
    const { round, kept } = setup();
    await round(observe(100));
    expect([...kept.keys()]).toEqual(['b/0of1/label-sets']);
    const before = kept.get('b/0of1/label-sets');
    await round(observe(200));
    expect(kept.get('b/0of1/label-sets')).toBe(before);
  });

  it('keeps long names as hashes', async () => {
    const { round, kept } = setup();
    await round(observe(100, 250));
    expect(kept.get('b/0of1/label-sets')?.length).toBeLessThan(100 * 60);
    expect(await round(observe(101, 250))).toMatchObject({ disks: 100, dropped: { value: 1 } });
  });

  it('leaves all else of the observation unchanged', async () => {
    const counters = { load: async () => undefined, save: async () => {} };
    const limit = await openLabelLimit(batch, { counters, logger: createRecordingLogger() });
    const seen = observe(1);
    const unknown = { ...seen.result, login: 'unknown' } as Observation['result'];
    const admitted = limit.admit({ name: 'usage' }, { ...seen, result: unknown });
    expect(admitted).toMatchObject({
      durationMs: seen.durationMs,
      result: { login: 'unknown', notes: ['as it was'] },
    });
  });

  it('leaves a failed observation unchanged', async () => {
    const failure = { reason: 'timeout', phase: 'exec', detail: '' } as const;
    const { round, kept } = setup();
    expect(await round({ ...observe(1), result: { ok: false, failure } })).toEqual({ ok: false, failure });
    expect(kept.size).toBe(0);
  });

  it('begins anew with a warning if nothing can be read or stored, and does not fail the round', async () => {
    const fixture = setup();
    fixture.breakIt();
    expect(await fixture.round(observe(120))).toMatchObject({ disks: 100, dropped: { value: 20 } });
    expect(fixture.logger.lines.map(({ message }) => message.split(':')[0])).toEqual([
      'the known label sets are lost',
      'the known label sets could not be stored',
    ]);
  });

  it.each([
    ['garbage', '7'],
    ['of another release', '{"version":9,"nodes":[]}'],
    ['of another shape', '{"version":1,"nodes":[["c/n/usage",{"seen":7}],7]}'],
  ])('begins anew if the stored value is %s', async (_, text) => {
    const { round, kept } = setup();
    kept.set('b/0of1/label-sets', text);
    expect(await round(observe(120))).toMatchObject({ disks: 100, dropped: { value: 20 } });
  });

  it('forgets nodes that have left the batch', async () => {
    const { round, kept } = setup();
    kept.set('b/0of1/label-sets', '{"version":1,"nodes":[["c/gone/usage",{"seen":[],"added":[]}]]}');
    await round(observe(1));
    expect(kept.get('b/0of1/label-sets')).not.toContain('gone');
  });
});
