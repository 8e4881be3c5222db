import { describe, expect, it } from 'vitest';
import type { QueryResult, QueryValue } from '../../core/promql/result.ts';
import { resultAnswer } from './answers.ts';
import { formatValue } from './numbers.ts';

describe('a number', () => {
  it.each([
    [0, '0'],
    [-0, '-0'],
    [1.5, '1.5'],
    [0.1 + 0.2, '0.30000000000000004'],
    [123456789012345680000, '123456789012345680000'],
    [1e21, '1e+21'],
    [1e-6, '0.000001'],
    [1e-7, '1e-07'],
    [-2.5e-10, '-2.5e-10'],
    [1e100, '1e+100'],
    [5e-324, '5e-324'],
    [NaN, 'NaN'],
    [Infinity, '+Inf'],
    [-Infinity, '-Inf'],
  ])('%d as Go prints it', (value, text) => expect(formatValue(value)).toBe(text));
});

describe('the answer to a query', () => {
  const columns = (...points: [number, number][]) => ({
    times: Float64Array.from(points, ([time]) => time),
    values: Float64Array.from(points, ([, value]) => value),
  });
  const read = async (value: QueryValue, limit = Infinity, notes = {}) =>
    JSON.parse(await (await resultAnswer({ value, warnings: [], infos: [], ...notes }, { limit })).text());

  it.each<readonly [QueryValue, unknown]>([
    [{ type: 'scalar', timeMs: 1500, value: Infinity }, [1.5, '+Inf']],
    [{ type: 'string', timeMs: 1000, value: 'a"b\n' }, [1, 'a"b\n']],
    [{ type: 'vector', timeMs: 0, samples: [] }, []],
    [
      {
        type: 'vector',
        timeMs: 1000,
        samples: [
          { labels: { a: '"' }, value: 1 },
          { labels: {}, value: NaN },
        ],
      },
      [
        { metric: { a: '"' }, value: [1, '1'] },
        { metric: {}, value: [1, 'NaN'] },
      ],
    ],
    [{ type: 'matrix', series: [] }, []],
    [
      {
        type: 'matrix',
        series: [
          { labels: { a: 'b' }, ...columns([1000, 1], [2001, 2]) },
          { labels: {}, ...columns([1000, 3]) },
        ],
      },
      [
        {
          metric: { a: 'b' },
          values: [
            [1, '1'],
            [2.001, '2'],
          ],
        },
        { metric: {}, values: [[1, '3']] },
      ],
    ],
  ])('%j', async (value, result) => {
    expect(await read(value)).toEqual({ status: 'success', data: { resultType: value.type, result } });
  });

  it('has at most so many series, and says what is missing', async () => {
    const samples = [1, 2, 3].map((value) => ({ labels: {}, value }));
    const { data, warnings } = await read({ type: 'vector', timeMs: 0, samples }, 2, {
      warnings: ['w'],
      infos: ['i'],
    });
    expect(data.result).toHaveLength(2);
    expect(warnings).toEqual(['w', 'results truncated due to limit']);
    expect(await read({ type: 'vector', timeMs: 0, samples }, 3, { infos: ['i'] })).toMatchObject({
      infos: ['i'],
    });
  });

  it('is whole where it is large', async () => {
    const points = Array.from({ length: 5_000 }, (_, i): [number, number] => [i * 1000, i]);
    const series = Array.from({ length: 20 }, (_, n) => ({
      labels: { n: String(n) },
      ...columns(...points),
    }));
    const { data } = await read({ type: 'matrix', series });
    expect(data.result.map((one: { values: unknown[] }) => one.values.length)).toEqual(Array(20).fill(5_000));
    expect(data.result[19].values[4_999]).toEqual([4_999, '4999']);
  });

  it('is refused before its first byte where it is too large', async () => {
    const points = Array.from({ length: 100 }, (_, i): [number, number] => [i * 1000, i]);
    const series = Array.from({ length: 10 }, (_, n) => ({
      labels: { n: String(n) },
      ...columns(...points),
    }));
    const result: QueryResult = { value: { type: 'matrix', series }, warnings: [], infos: [] };
    const whole = await (await resultAnswer(result)).text();
    const of = async (mostBytes: number) => (await resultAnswer(result, { mostBytes })).status;
    expect([await of(whole.length), await of(whole.length - 1)]).toEqual([200, 413]);
  });
});
