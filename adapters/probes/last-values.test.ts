import { describe, expect, it } from 'vitest';
import type { Check } from '../../core/model/check.ts';
import type { Observation } from '../../core/model/observation.ts';
import { batchOf, targetOf } from '../../test/prober-fixture.ts';
import { healthyNode, setupProber, useBastion } from '../../test/prober-fleet.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import { repeatLastValues } from './last-values.ts';

const HOUR = 3_600_000;
const target = targetOf('n', { host: 'h', port: 22, hostKey: 'k' });
const usage: Check = { name: 'usage', probe: 'usage', everyMs: 60_000, where: {}, options: {} };
const pki: Check = { ...usage, name: 'pki', probe: 'pki', everyMs: HOUR };

function seen(roundMs: number): Observation {
  const { cluster, node, role } = target;
  const labels = { cluster, node, role, file: '/ca.crt' };
  const samples = [{ metric: 'cert_expiry', labels, timeMs: roundMs, value: 9 }];
  const base = { check: 'pki', probe: 'pki', target, roundMs, observedAtMs: roundMs, durationMs: 1 };
  return { ...base, result: { ok: true, samples, notes: [] } };
}

function setup() {
  const kept = new Map<string, string>();
  const logger = createRecordingLogger();
  const calls: string[] = [];
  const counters = {
    async load(key: string): Promise<unknown> {
      calls.push(`load ${key}`);
      const text = kept.get(key);
      return text === undefined ? undefined : JSON.parse(text);
    },
    async save(key: string, value: unknown): Promise<void> {
      calls.push(`save ${key}`);
      kept.set(key, JSON.stringify(value));
    },
  };
  const round = async (
    roundMs: number,
    observations: readonly Observation[],
    checks = [usage, pki],
    intervalMs?: number,
  ) => {
    const batch = { ...batchOf([target]), roundMs, ...(intervalMs !== undefined && { intervalMs }) };
    return (await repeatLastValues(batch, observations, { checks, counters, logger })).map((s) => s.metric);
  };
  return { round, kept, calls, logger, counters };
}

describe('last values of a batch', () => {
  it('are kept in one object, which is written when a slow check ran', async () => {
    const { round, calls, kept } = setup();
    expect(await round(HOUR, [seen(HOUR)])).toEqual([]);
    const [key = ''] = kept.keys();
    expect(calls).toEqual([`load ${key}`, `save ${key}`]);
    expect(await round(HOUR + 60_000, [])).toEqual(['probe_success', 'probe_duration', 'cert_expiry']);
    expect(calls.slice(2)).toEqual([`load ${key}`]);
  });

  it('are written again every two minutes, and cost nothing in rounds between', async () => {
    const { round, calls, kept } = setup();
    await round(HOUR, [seen(HOUR)], undefined, 60_000);
    const [key = ''] = kept.keys();
    const written: boolean[] = [];
    for (let minute = 1; minute <= 4; minute++)
      written.push((await round(HOUR + minute * 60_000, [], undefined, 60_000)).length > 0);
    expect(written).toEqual([false, true, false, true]);
    expect(calls.slice(2)).toEqual([`load ${key}`, `load ${key}`]);
  });

  it('cost nothing where no check is slow', async () => {
    const { round, calls } = setup();
    expect(await round(HOUR, [], [usage])).toEqual([]);
    expect(calls).toEqual([]);
  });

  it.each([
    ['of another version', { version: 2, nodes: [] }],
    ['that is no list', { version: 1, nodes: 'x' }],
    ['with values that are none', { version: 1, nodes: [['k', { roundMs: 1, values: [['m', null, 1]] }]] }],
    [
      'with labels that are none',
      { version: 1, nodes: [['k', { roundMs: 1, values: [['m', { a: 1 }, 1]] }]] },
    ],
    ['with entries that are none', { version: 1, nodes: [7, ['k', null]] }],
  ])('an object %s counts as lost', async (_, value) => {
    const { round, kept, logger } = setup();
    await round(HOUR, [seen(HOUR)]);
    const [key = ''] = kept.keys();
    kept.set(key, JSON.stringify(value));
    expect(await round(HOUR + 60_000, [])).toEqual([]);
    expect(logger.lines).toEqual([]);
  });

  it('do not fail a round whose object cannot be read or written', async () => {
    const { round, counters, logger } = setup();
    counters.save = async () => {
      throw new Error('no bucket');
    };
    expect(await round(HOUR, [seen(HOUR)])).toEqual([]);
    expect(JSON.stringify(logger.lines)).toMatch(/last values .* not written again.*no bucket/);
  });
});

describe('a prober', () => {
  useBastion();

  it.each([
    ['that a store needs them of repeats last values', true],
    ['that no store needs them of keeps none', false],
  ])('%s', async (_, repeatsValues) => {
    const { prober, counters } = await setupProber({}, { everyMs: HOUR, repeatsValues });
    const nodes = [targetOf('n', await healthyNode())];
    const roundMs = Math.floor(Date.now() / HOUR) * HOUR;
    const first = await prober.probe(batchOf(nodes, { roundMs }));
    expect(first).not.toHaveProperty('repeats');
    const second = await prober.probe(batchOf(nodes, { roundMs: roundMs + 60_000, checks: [] }));
    const load = second.repeats?.filter(({ metric }) => metric === 'load1') ?? [];
    const measured = first.observations.flatMap(({ result }) => (result.ok ? result.samples : []));
    const wanted = measured.filter(({ metric }) => metric === 'load1');
    expect(wanted).toHaveLength(1);
    expect(load).toEqual(repeatsValues ? wanted.map((one) => ({ ...one, timeMs: roundMs + 60_000 })) : []);
    expect([...counters.keys()].some((key) => key.endsWith('last-values'))).toBe(repeatsValues);
  });
});
