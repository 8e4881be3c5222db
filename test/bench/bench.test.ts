import { describe, expect, it } from 'vitest';
import { type Comparison, compare, median, ratioOf, spreadOf } from './harness.ts';
import { benchmarkText, digits, goalOf, reportMarkdown, rowsOf, verdictOf } from './report.ts';

/** A contender whose runs take the listed times, one after the other. */
const taking = (name: string, values: readonly number[], order: string[] = []) => ({
  name,
  run: async (round: number) => {
    order.push(name);
    return { wallMs: values[round] as number };
  },
});

const absent = (name: string) => ({
  name,
  missing: 'apt-get install it',
  run: async () => {
    throw new Error('it is not there');
  },
});

const two = (a: number[], b: number[]): Promise<Comparison> =>
  compare([taking('a', a), taking('b', b)], a.length);

describe('arithmetic', () => {
  it.each([
    [[3], 3],
    [[9, 1, 5], 5],
    [[10, 9, 1, 2], 5.5],
    [[10, 9, 100], 10],
  ])('the median of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it('gives the spread beside the median, and throws when there are no values', () => {
    expect(spreadOf([4, 2, 9])).toEqual({ median: 4, low: 2, high: 9, runs: 3 });
    expect(() => median([])).toThrow('no median');
  });

  it('a ratio is the median of ratios of neighbouring runs, so that a slow minute of the machine does not change it', async () => {
    const comparison = await two([1, 10, 1], [2, 20, 4]);
    expect(ratioOf(comparison, 'wallMs', 'a', 'b')).toEqual({ median: 0.5, low: 0.25, high: 0.5, runs: 3 });
  });

  it.each([
    [0.0126, '0.0126'],
    [0, '0'],
    [1.234, '1.23'],
    [56.78, '56.8'],
    [12_345.6, '12346'],
  ])('writes %d as %s', (value, shown) => {
    expect(digits(value)).toBe(shown);
  });
});

describe('contenders', () => {
  it('run in turns (A B, A B), not all runs of one first', async () => {
    const order: string[] = [];
    await compare(
      ['a', 'b', 'c'].map((name) => taking(name, [1, 1], order)),
      2,
    );
    expect(order.join('')).toBe('abcabc');
  });

  it('a missing contender does not run, has no figure, and the report says how to install it', async () => {
    const comparison = await compare([taking('a', [1, 2]), absent('b')], 2);
    expect(comparison.missing).toEqual([{ name: 'b', get: 'apt-get install it' }]);
    const rows = rowsOf(comparison, 'wallMs', { what: 'wall', unit: 'ms' });
    expect(rows.map(({ contender }) => contender)).toEqual(['a']);
    const goal = goalOf(comparison, 'wallMs', { what: 'wall', ours: 'a', against: 'b', limit: 1 });
    expect(verdictOf(goal)).toBe('not measured');
    const report = { title: 'T', how: [], rows, goals: [goal], missing: comparison.missing };
    expect(benchmarkText(report)).toContain('not measured: b: apt-get install it');
  });

  it('a contender that fails ends the benchmark, so that no report leaves it out', async () => {
    const failing = { name: 'a', run: () => Promise.reject(new Error('no output of n1')) };
    await expect(compare([failing], 1)).rejects.toThrow('no output of n1');
  });
});

describe('goals', () => {
  it.each([
    [[10, 10], [10, 10], 'held'],
    [[11, 11], [10, 10], 'missed'],
  ])('%j against %j, at most once: %s', async (a, b, verdict) => {
    const goal = goalOf(await two(a, b), 'wallMs', { what: 'wall', ours: 'a', against: 'b', limit: 1 });
    expect(verdictOf(goal)).toBe(verdict);
  });

  it('are rows of the Markdown of a run, which also has date and machine', async () => {
    const comparison = await two([1, 1], [4, 4]);
    const text = reportMarkdown({
      date: '2026-11-24',
      machine: '2 cores',
      size: 'full',
      loadAtStart: 0.1,
      parts: [
        {
          title: 'Wall',
          how: ['Both did nothing.'],
          rows: rowsOf(comparison, 'wallMs', { what: 'wall', unit: 'ms' }),
          goals: [goalOf(comparison, 'wallMs', { what: 'wall', ours: 'a', against: 'b', limit: 1 })],
          missing: [],
        },
      ],
    });
    expect(text.split('\n').filter((line) => line.startsWith('| wall'))).toEqual([
      '| wall | b | 0.250 | 0.250–0.250 | 1.00 | held |',
      '| wall | a | 1.00 ms | 1.00–1.00 | 2 |',
      '| wall | b | 4.00 ms | 4.00–4.00 | 2 |',
    ]);
    expect(text).toContain('Run of 2026-11-24, full, on 2 cores; load average 0.1 when it began.');
  });
});
