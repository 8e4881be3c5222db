import { describe, expect, it } from 'vitest';
import { type Data, instant, MINUTE_MS, range, sourceOf } from './evaluate.fixture.ts';
import { evaluate } from './evaluate.ts';
import { parseQuery } from './parse.ts';
import type { SeriesSource } from './source.ts';

const CPU: Data = { 'cpu{node="a"}': '10 20 _ 40', 'cpu{node="b"}': '1 2 3 4' };

describe('selectors', () => {
  it.each<[text: string, minute: number, answer: string[]]>([
    ['cpu', 1, ['cpu{node="a"} 20', 'cpu{node="b"} 2']],
    ['cpu{node="b"}', 1, ['cpu{node="b"} 2']],
    ['cpu{node!="b"}', 1, ['cpu{node="a"} 20']],
    ['cpu{node=~"b|c"}', 1, ['cpu{node="b"} 2']],
    ['{__name__!~"c.*",node="b"}', 1, []],
    // The last value counts for less than 5 minutes.
    ['cpu{node="b"}', 7, ['cpu{node="b"} 4']],
    ['cpu{node="b"}', 8, []],
    ['cpu{node="b"} offset 1m', 1, ['cpu{node="b"} 1']],
    ['cpu{node="b"} offset -1m', 1, ['cpu{node="b"} 3']],
    ['cpu{node="b"} @ 60', 3, ['cpu{node="b"} 2']],
    ['cpu{node="b"} @ 120 offset 1m', 0, ['cpu{node="b"} 2']],
    // A range is open at the left and closed at the right.
    ['cpu{node="b"}[2m]', 3, ['cpu{node="b"} 3@2 4@3']],
    ['cpu{node="a"}[2m]', 3, ['cpu{node="a"} 40@3']],
    ['cpu[1m] offset 10m', 3, []],
    ['cpu{node="b"}[1m] @ end()', 3, ['cpu{node="b"} 4@3']],
    ['"a text"', 0, ['a text']],
  ])('%s at minute %i', async (text, minute, answer) => {
    expect(await instant(text, CPU, minute)).toEqual(answer);
  });

  it('the look-back may be another', async () => {
    expect(await instant('cpu{node="b"}', CPU, 4, { lookbackMs: MINUTE_MS })).toEqual([]);
  });

  it('start() and end() are those of the whole query, in subqueries too', async () => {
    const text = 'max_over_time((cpu{node="b"} @ start() + cpu{node="b"} @ end())[2m:1m])';
    expect(await range(text, CPU, [1, 3])).toEqual(['{node="b"} 6 6 6']);
  });

  it('a query for steps has each value at most once per step, and NaN is a value', async () => {
    expect(await range('cpu', { ...CPU, 'cpu{node="c"}': '_ NaN' }, [0, 3])).toEqual([
      'cpu{node="a"} 10 20 20 40',
      'cpu{node="b"} 1 2 3 4',
      'cpu{node="c"} _ NaN NaN NaN',
    ]);
  });
});

it('a series that has ended has no value until its next sample', async () => {
  const { select } = sourceOf({ 'cpu{node="a"}': '1 2 _ _ 5' });
  const source: SeriesSource = {
    select: async (query) =>
      (await select(query)).map((one) => ({ ...one, endsMs: [0, 2, 5].map((minute) => minute * MINUTE_MS) })),
  };
  expect(await range('cpu', {}, [0, 6], { source })).toEqual(['cpu{node="a"} 1 2 _ _ 5 _ _']);
});

describe('subqueries', () => {
  it.each<[text: string, minute: number, answer: string[]]>([
    ['cpu{node="b"}[3m:1m]', 3, ['cpu{node="b"} 2@1 3@2 4@3']],
    // At multiples of the step, wherever the range begins.
    ['cpu{node="b"}[3m:2m]', 3, ['cpu{node="b"} 3@2']],
    ['cpu{node="b"}[2m:]', 3, ['cpu{node="b"} 3@2 4@3']],
    ['sum_over_time((cpu * 2)[2m:1m])', 3, ['{node="a"} 120', '{node="b"} 14']],
    ['sum_over_time(cpu{node="b"}[2m:1m] offset 1m)', 3, ['{node="b"} 5']],
    ['sum_over_time(cpu{node="b"}[2m:1m] @ 60)', 3, ['{node="b"} 3']],
    ['max_over_time(sum_over_time(cpu{node="b"}[2m])[2m:1m])', 3, ['{node="b"} 7']],
    ['(cpu > 100)[5m:1m]', 3, []],
  ])('%s at minute %i', async (text, minute, answer) => {
    expect(await instant(text, CPU, minute)).toEqual(answer);
  });
});

describe('scalars', () => {
  it.each([
    ['1+1', '2'],
    ['-2^2', '-4'],
    ['7 % 4', '3'],
    ['-7 % 4', '-3'],
    ['1 / 0', 'Infinity'],
    ['NaN ^ 0', '1'],
    ['1 ^ NaN', '1'],
    ['(-1) ^ Inf', '1'],
    ['2 > bool 1', '1'],
    ['NaN == bool NaN', '0'],
    ['1 atan2 0', String(Math.PI / 2)],
    ['time()', '60'],
    ['pi()', String(Math.PI)],
    ['scalar(cpu{node="b"})', '2'],
    ['scalar(cpu)', 'NaN'],
    ['scalar(none)', 'NaN'],
  ])('%s is %s', async (text, answer) => expect(await instant(text, CPU, 1)).toEqual([answer]));

  it('for steps a scalar is a series without labels', async () => {
    expect(await range('time() - 60', {}, [1, 3])).toEqual(['{} 0 60 120']);
  });
});

describe('bounds', () => {
  const select = (data: Data, text: string, more: object) =>
    evaluate(parseQuery(text), {
      source: sourceOf(data),
      startMs: 0,
      endMs: 10 * MINUTE_MS,
      stepMs: MINUTE_MS,
      text,
      ...more,
    });

  it.each([
    ['cpu', 20],
    ['vector(1)[100d:1s] @ 0', 1000],
    ['max_over_time(vector(1)[10y:1ms])', 1_000_000],
    ['sum_over_time(cpu[10m])', 15],
    ['cpu + on (node) group_left () cpu', 40],
  ])('%s with at most %i samples in memory', async (text, maxSamples) => {
    const wrapped = text.startsWith('vector') ? `sum_over_time(${text})` : text;
    await expect(select(CPU, wrapped, { maxSamples })).rejects.toMatchObject({
      type: 'limit',
      message: expect.stringContaining('ask for a shorter range, a longer step or fewer series'),
    });
  });

  it('what operands held is free again', async () => {
    // 22 values of the vector, and its 7 samples while it is read.
    const sums = Array.from({ length: 20 }, () => 'abs(').join('');
    await select(CPU, `${sums}cpu${')'.repeat(20)}`, { maxSamples: 40 });
  });

  it('a query ends when it is aborted while it computes', async () => {
    const controller = new AbortController();
    let pauses = 0;
    const pause = async () => {
      if (++pauses === 3) controller.abort();
    };
    const text = 'sum_over_time(sum_over_time(vector(1)[1d:10s])[1d:10s])';
    await expect(select({}, text, { signal: controller.signal, pause })).rejects.toMatchObject({
      type: 'timeout',
    });
    expect(pauses).toBe(3);
  });

  it('a step of 0 and an end before the start are errors', async () => {
    await expect(select(CPU, 'cpu', { stepMs: 0 })).rejects.toMatchObject({ type: 'bad_data' });
    await expect(select(CPU, 'cpu', { endMs: -1 })).rejects.toMatchObject({ type: 'bad_data' });
  });

  it('an error names where the innermost expression is that it comes from', async () => {
    const data = { 'a{x="1"}': '1', 'b{x="1"}': '1' };
    await expect(instant('1 +\n  sum(-{x="1"})', data)).rejects.toThrow(
      /^2:7: vector cannot contain metrics with the same labelset$/,
    );
  });
});
