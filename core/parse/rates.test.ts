import { describe, expect, it } from 'vitest';
import { areComparable, computeRates, isUsageCounters, type UsageCounters } from './rates.ts';

const BEFORE: UsageCounters = {
  boot: 'a',
  uptimeSeconds: 1_000,
  cpu: [1000, 0, 500, 8000, 100, 0, 0, 0],
  oomKills: 2,
  net: [['eth0', 1_000, 2_000]],
  disk: [['vda', 100, 200, 3_000]],
};
const AFTER: UsageCounters = {
  boot: 'a',
  uptimeSeconds: 1_010,
  cpu: [1500, 0, 700, 8200, 150, 20, 10, 20],
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

  it('counts no idle core as busy when idle or iowait step back', () => {
    const cpu = [1100, 0, 500, 7990, 99, 0, 0, 0];
    expect(rates(BEFORE, { ...AFTER, cpu })).toMatchObject({ cpu_usage: 100, cpu_iowait: 0 });
  });

  it.each([
    ['went back', [900, 0, 500, 9000, 100, 0, 0, 0]],
    ['did not move', [1000, 0, 500, 8000, 100, 0, 0, 0]],
    ['are others in number', [2000, 0, 500, 9000, 100, 0, 0]],
    ['are missing', undefined],
  ])('has no cpu rates where counters %s', (_, cpu) => {
    const { notes, ...found } = rates(BEFORE, { ...AFTER, cpu });
    expect(Object.keys(found).filter((name) => name.startsWith('cpu'))).toEqual([]);
    expect(notes).toContain('no cpu rates');
  });

  it('has no steal on a kernel that does not count it', () => {
    const found = rates({ ...BEFORE, cpu: [10, 0, 10, 80] }, { ...AFTER, cpu: [20, 0, 20, 160] });
    expect(found).toMatchObject({ cpu_usage: 20 });
    expect(found).not.toHaveProperty('cpu_steal');
    expect(found).not.toHaveProperty('cpu_iowait');
  });

  it('skips a device whose counter wrapped, that came, or that went', () => {
    const net = [['eth0', 5, 2_500] as const, ['eth1', 7, 7] as const];
    const found = rates({ ...BEFORE, net: [...BEFORE.net, ['eth9', 1, 1]] }, { ...AFTER, net });
    expect(Object.keys(found).filter((name) => name.startsWith('net'))).toEqual([]);
    expect(found.notes).toEqual(['counters of eth0 went back']);
  });

  it('says at most 100 % busy', () => {
    expect(rates(BEFORE, { ...AFTER, disk: [['vda', 100, 200, 13_100]] })['disk_busy vda']).toBe(100);
  });

  it('has no count of OOM kills where the counter was reset or is missing', () => {
    expect(rates(BEFORE, { ...AFTER, oomKills: 0 })).not.toHaveProperty('oom_kills');
    expect(rates({ ...BEFORE, oomKills: undefined }, AFTER)).not.toHaveProperty('oom_kills');
  });

  it.each([
    ['what was kept', JSON.parse(JSON.stringify(BEFORE)), true],
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
