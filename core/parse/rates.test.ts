import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findMetric } from '../catalogue.ts';
import { areComparable, computeRates, isUsageCounters, type UsageCounters } from './rates.ts';

const BEFORE: UsageCounters = {
  boot: 'a',
  uptimeSeconds: 1_000,
  cpu: [1000, 0, 500, 8000, 100, 0, 0, 0],
  cores: 1,
  oomKills: 2,
  net: [['eth0', 1_000, 2_000]],
  disk: [['vda', 100, 200, 3_000]],
};
const AFTER: UsageCounters = {
  boot: 'a',
  uptimeSeconds: 1_010,
  cpu: [1500, 0, 700, 8200, 150, 20, 10, 20],
  cores: 1,
  oomKills: 3,
  net: [['eth0', 11_000, 2_500]],
  disk: [['vda', 110, 220, 8_000]],
};

const rates = (before: UsageCounters, after: UsageCounters) => {
  const { readings, notes } = computeRates(before, after);
  const values = readings.map(({ metric, labels, value }) => [
    [metric, ...Object.values(labels)].join(' '),
    value,
  ]);
  return { ...Object.fromEntries(values), notes } as Record<string, unknown>;
};

describe('rates', () => {
  it('are what grew between two looks, per second of the node', () => {
    expect(rates(BEFORE, AFTER)).toEqual({
      cpu_usage: 75,
      cpu_iowait: 5,
      cpu_steal: 2,
      oom_kills: 1,
      'net_rx eth0': 1_000,
      'net_tx eth0': 50,
      'disk_read vda': 512,
      'disk_write vda': 1_024,
      'disk_busy vda': 50,
      notes: [],
    });
  });

  it.each([
    ['another boot', { boot: 'b' }, 60, false],
    ['an earlier look', { uptimeSeconds: 999 }, 60, false],
    ['the same look', { uptimeSeconds: 1_000 }, 60, false],
    ['a look a tick later', { uptimeSeconds: 1_000.01 }, 60, false],
    ['a look long after', {}, 5, false],
    ['a look in time', {}, 60, true],
  ])('are taken against %s or not', (_, change, maxSeconds, expected) => {
    expect(areComparable(BEFORE, { ...AFTER, ...change }, maxSeconds)).toBe(expected);
  });

  it('skips a device whose counter wrapped, that came, or that went', () => {
    const net = [['eth0', 5, 2_500] as const, ['eth1', 7, 7] as const];
    const found = rates({ ...BEFORE, net: [...BEFORE.net, ['eth9', 1, 1]] }, { ...AFTER, net });
    expect(Object.keys(found).filter((name) => name.startsWith('net'))).toEqual([]);
    expect(found.notes).toEqual(['counters of eth0 went back']);
  });

  const LEFT_OUT = {
    back: 'counters of vda went back',
    jumped: 'counters of vda grew faster than any device can',
    busy: 'busy time of vda is not to be believed',
  };
  it.each([
    ['sectors of 32 bits wrapped', [5, 220, 8_000], ['disk_read', 'disk_write', 'disk_busy'], LEFT_OUT.back],
    ['it was swapped for another', [5, 6, 7], ['disk_read', 'disk_write', 'disk_busy'], LEFT_OUT.back],
    ['sectors jumped', [110, 2 ** 63, 8_000], ['disk_read', 'disk_write', 'disk_busy'], LEFT_OUT.jumped],
    ['busy time of 32 bits wrapped', [110, 220, 12], ['disk_busy'], LEFT_OUT.busy],
    ['busy time jumped', [110, 220, 2 ** 32], ['disk_busy'], LEFT_OUT.busy],
  ])('tell no lie of a disk of which %s', (_, counters, absent, note) => {
    const { notes, ...found } = rates(BEFORE, { ...AFTER, disk: [['vda', ...counters]] });
    const names = ['disk_read', 'disk_write', 'disk_busy'].filter((name) => !(`${name} vda` in found));
    expect(names).toEqual(absent);
    expect(notes).toEqual([note]);
    expect(found).toMatchObject({ cpu_usage: 75, 'net_rx eth0': 1_000 });
  });

  it('name the first few of many devices that went back', () => {
    const net = Array.from({ length: 256 }, (_, i) => [`eth${i}`, 9, 9] as const);
    const found = rates({ ...BEFORE, net }, { ...AFTER, net: net.map(([device]) => [device, 1, 1]) });
    expect(found.notes).toEqual(['counters of eth0, eth1, eth2 and 253 more went back']);
  });

  it('tell nothing of an interface that carried more than any can', () => {
    const found = rates(BEFORE, { ...AFTER, net: [['eth0', 11_000, 2 ** 64 - 1]] });
    expect(Object.keys(found).filter((name) => name.startsWith('net'))).toEqual([]);
    expect(found.notes).toEqual(['counters of eth0 grew faster than any device can']);
  });

  it('says at most 100 % busy', () => {
    expect(rates(BEFORE, { ...AFTER, disk: [['vda', 100, 200, 13_100]] })['disk_busy vda']).toBe(100);
  });

  it.each([
    ['was reset', 0, ['count of OOM kills went back']],
    ['jumped', 2 ** 40, ['count of OOM kills jumped']],
    ['is missing', undefined, []],
  ])('has no count of OOM kills where the counter %s', (_, oomKills, notes) => {
    const found = rates(BEFORE, { ...AFTER, oomKills });
    expect(found).not.toHaveProperty('oom_kills');
    expect(found.notes).toEqual(notes);
  });

  it('are never outside the range of their metric, whatever the counters are', () => {
    const counter = fc.oneof(
      fc.nat(),
      fc.constantFrom(0, 2 ** 31, 2 ** 32 - 1, 2 ** 53, 2 ** 63, 2 ** 64 - 1, 1e20),
    );
    const device = fc.tuple(fc.constantFrom('a', 'b'), counter, counter, counter);
    const probe = fc.record({
      boot: fc.constant('a'),
      uptimeSeconds: fc.double({ min: 0, max: 1e9, noNaN: true }),
      cpu: fc.option(fc.array(counter, { minLength: 4, maxLength: 8 }), { nil: undefined }),
      cores: fc.option(fc.nat({ max: 8_192 }), { nil: undefined }),
      oomKills: fc.option(counter, { nil: undefined }),
      net: fc.array(device, { maxLength: 2 }),
      disk: fc.array(device, { maxLength: 2 }),
    });
    fc.assert(
      fc.property(probe, probe, (before, after) => {
        fc.pre(areComparable(before, after, 1e9));
        for (const { metric, value } of computeRates(before, after).readings) {
          expect(Number.isFinite(value) && value >= 0).toBe(true);
          if (findMetric(metric)?.unit === 'percent') expect(value).toBeLessThanOrEqual(100);
          if (findMetric(metric)?.unit === 'bytes_per_second') expect(value).toBeLessThanOrEqual(125e9);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['what was kept', JSON.parse(JSON.stringify(BEFORE)), true],
    ['what an earlier release kept', JSON.parse(JSON.stringify({ ...BEFORE, cores: undefined })), true],
    ['counters without cpu', JSON.parse(JSON.stringify({ ...BEFORE, cpu: undefined })), true],
    ['nothing', undefined, false],
    ['null', null, false],
    ['a text', 'boot', false],
    ['a list', [], false],
    ['devices of another release', { ...BEFORE, net: { eth0: [1, 2] } }, false],
    ['a counter that is a text', { ...BEFORE, disk: [['vda', '1', 2, 3]] }, false],
  ])('are taken against %s: %#', (_, value, expected) => {
    expect(isUsageCounters(value)).toBe(expected);
  });
});
