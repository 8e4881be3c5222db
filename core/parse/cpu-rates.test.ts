import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CpuCounters, cpuRates } from './cpu-rates.ts';

const CORES = 4;
const SECONDS = 60;
const ALL = CORES * SECONDS * 100;
/** Up for ten days: user nice system idle iowait irq softirq steal. */
const BEFORE: CpuCounters = {
  uptimeSeconds: 864_000,
  cpu: [1e8, 1e5, 4e7, 2e8, 3e6, 0, 1e6, 2e6],
  cores: CORES,
};
/** A minute of a node that is 95 % busy. */
const BUSY = [0.7 * ALL, 0, 0.2 * ALL, 0.04 * ALL, 0.01 * ALL, 0, 0.02 * ALL, 0.03 * ALL];
/** A minute of one that is 30 % busy. */
const CALM = [0.2 * ALL, 0, 0.1 * ALL, 0.65 * ALL, 0.05 * ALL, 0, 0, 0];

/** A look after these many ticks more; `jump` moves one column by so much. */
const later = (
  ticks: readonly number[],
  jump: readonly [column: number, by: number] = [0, 0],
  from = BEFORE,
) => ({
  uptimeSeconds: from.uptimeSeconds + SECONDS,
  cpu: from.cpu?.map((value, i) => value + (ticks[i] ?? 0) + (i === jump[0] ? jump[1] : 0)),
  cores: CORES,
});
const rates = (before: CpuCounters, after: CpuCounters) => {
  const { readings, notes } = cpuRates(before, after, after.uptimeSeconds - before.uptimeSeconds);
  const values = readings.map(({ metric, value }) => [metric, Math.round(value * 1e6) / 1e6]);
  return { ...Object.fromEntries(values), notes } as { cpu_usage?: number; notes: string[] };
};
const [USER, IDLE, IOWAIT, STEAL] = [0, 3, 4, 7] as const;

describe('cpu rates', () => {
  it('are shares of the time of all cores', () => {
    expect(rates(BEFORE, later(BUSY))).toEqual({ cpu_usage: 95, cpu_iowait: 1, cpu_steal: 3, notes: [] });
  });

  // Each of these read 100, 0.01 or the like.
  it.each([
    [
      'a core that comes back with its idle time',
      IDLE,
      5e7,
      'no cpu rates: idle grew by more than 4 cores have in 60 s',
    ],
    ['a core that takes its idle time along', IDLE, -5e7, 'no cpu rates: idle went back'],
    ['steal that wraps', STEAL, 2 ** 64 - 2e6, 'no cpu rates: steal grew by more than 4 cores have in 60 s'],
    ['steal that jumps', STEAL, 1e9, 'no cpu rates: steal grew by more than 4 cores have in 60 s'],
    ['user that jumps', USER, 1e6, 'no cpu rates: user grew by more than 4 cores have in 60 s'],
    ['user that was reset', USER, -1e8, 'no cpu rates: user went back'],
    ['iowait that jumps', IOWAIT, 1e6, 'no cpu rates: iowait grew by more than 4 cores have in 60 s'],
  ])('are unknown for the round of %s', (_, column, by, note) => {
    const after = later(BUSY, [column, by]);
    expect(rates(BEFORE, after)).toEqual({ notes: [note] });
    if (column !== STEAL) expect(rates(after, later(BUSY, undefined, after)).cpu_usage).toBe(95);
  });

  it.each([
    ['a core was plugged in', { ...later(CALM), cores: 5 }, 'cores went from 4 to 5'],
    ['the cores are not counted', { ...later(CALM), cores: undefined }, 'the number of cores is not known'],
    ['the machine stood still', later(CALM.map((ticks) => ticks / 4)), 'they account for 15 of 60 s'],
    [
      'all columns together are too much',
      later(CALM.map((ticks) => ticks * 1.3)),
      'they grew by more than 4 cores have in 60 s',
    ],
    ['nothing moved', { ...later([]), cores: 4 }, 'they account for 0 of 60 s'],
  ])('are unknown where %s', (_, after, why) => {
    expect(rates(BEFORE, after)).toEqual({ notes: [`no cpu rates: ${why}`] });
  });

  it.each([
    ['missing', undefined],
    ['others in number', [1, 2, 3, 4]],
  ])('are unknown where the counters are %s', (_, cpu) => {
    expect(rates(BEFORE, { ...later(CALM), cpu })).toEqual({ notes: ['no cpu rates'] });
  });

  it('do without a steal that falls each round', () => {
    let before = BEFORE;
    for (let round = 0; round < 3; round++) {
      const after = later(CALM, [STEAL, -1_000], before);
      expect(rates(before, after)).toEqual({
        cpu_usage: 30,
        cpu_iowait: 5,
        notes: ['steal went back: cpu_usage without it'],
      });
      before = after;
    }
  });

  it('do without a steal that has wrapped, from the next round on', () => {
    const wrapped = later(CALM, [STEAL, 2 ** 64 - 2e6]);
    const after = later(CALM, [STEAL, 4_096], wrapped);
    expect(rates(wrapped, after)).toEqual({
      cpu_usage: 30,
      cpu_iowait: 5,
      notes: ['steal is more than the time since boot: cpu_usage without it'],
    });
    expect(rates(after, later(CALM, [STEAL, -(2 ** 64)], after)).cpu_usage).toBe(30);
  });

  it('do without an iowait that goes back: what it loses, idle has', () => {
    const moved = [...CALM];
    moved[IOWAIT] = -500;
    moved[IDLE] = 0.7 * ALL + 500;
    expect(rates(BEFORE, later(moved))).toEqual({
      cpu_usage: 30,
      cpu_steal: 0,
      notes: ['iowait went back: no cpu_iowait'],
    });
  });

  it('bear steps of some ticks, as idle makes on real kernels', () => {
    const busy = [ALL, 0, 0, -10, 0, 0, 0, 0];
    expect(rates(BEFORE, later(busy))).toEqual({
      cpu_usage: 100,
      cpu_steal: 0,
      notes: ['idle went back: no cpu_iowait'],
    });
  });

  it('know no steal or iowait where the kernel does not', () => {
    const old = { ...BEFORE, cpu: BEFORE.cpu?.slice(0, 4) };
    const after = { ...later(CALM), cpu: later(CALM).cpu?.slice(0, 4) };
    const { notes, ...found } = rates(old, after);
    expect(Object.keys(found)).toEqual(['cpu_usage']);
    expect(notes).toEqual([]);
  });

  it('take what an earlier release kept, which had no cores', () => {
    expect(rates({ ...BEFORE, cores: undefined }, later(CALM)).cpu_usage).toBe(30);
  });

  it('are unknown or right, wherever one column jumps to: no hold ends over a jump', () => {
    const size = fc.oneof(
      fc.integer({ min: ALL / 8, max: 100 * ALL }),
      fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63, 2 ** 64),
    );
    fc.assert(
      fc.property(fc.constantFrom(USER, 2, IDLE, IOWAIT, STEAL), size, (column, by) => {
        const { cpu_usage: usage } = rates(BEFORE, later(BUSY, [column, by]));
        if (usage !== undefined) expect(usage).toBeGreaterThan(90);
      }),
      { numRuns: 1_000 },
    );
  });
});
