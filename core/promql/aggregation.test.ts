import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Data, instant, range } from './evaluate.fixture.ts';
import { formatDecimal } from './value-counts.ts';

const data: Data = {
  'm{node="a",disk="x"}': '1 5 NaN 1e308',
  'm{node="a",disk="y"}': '2 1 NaN 1e308',
  'm{node="b",disk="x"}': '3 3 7 1e308',
  'm{node="c"}': '6 3 _ 1e308',
};

describe('aggregations', () => {
  it.each<[text: string, minute: number, answer: string[]]>([
    ['sum(m)', 0, ['{} 12']],
    ['sum by (node) (m)', 0, ['{node="a"} 3', '{node="b"} 3', '{node="c"} 6']],
    ['sum by (disk) (m)', 0, ['{disk="x"} 4', '{disk="y"} 2', '{} 6']],
    ['sum without (disk) (m)', 0, ['{node="a"} 3', '{node="b"} 3', '{node="c"} 6']],
    ['sum by (__name__) (m)', 0, ['m{} 12']],
    ['sum(m)', 2, ['{} NaN']],
    ['sum(m)', 3, ['{} Infinity']],
    ['avg(m)', 0, ['{} 3']],
    ['avg(m)', 3, ['{} 1e+308']],
    ['min(m)', 0, ['{} 1']],
    ['max(m)', 0, ['{} 6']],
    ['max by (node) (m)', 2, ['{node="a"} NaN', '{node="b"} 7', '{node="c"} 3']],
    ['max(m)', 2, ['{} 7']],
    ['count(m)', 0, ['{} 4']],
    ['count(none)', 0, []],
    ['group by (node) (m)', 0, ['{node="a"} 1', '{node="b"} 1', '{node="c"} 1']],
    ['stdvar(m)', 0, ['{} 3.5']],
    ['stddev by (node) (m)', 0, ['{node="a"} 0.5', '{node="b"} 0', '{node="c"} 0']],
    ['stddev(m)', 2, ['{} NaN']],
    ['quantile(0.5, m)', 0, ['{} 2.5']],
    ['quantile(1, m)', 2, ['{} 7']],
    ['quantile(0.3, m)', 2, ['{} NaN']],
    ['quantile(-1, m)', 0, ['{} -Infinity']],
    ['quantile(NaN, m)', 0, ['{} NaN']],
    ['topk(2, m)', 0, ['m{node="c"} 6', 'm{disk="x", node="b"} 3']],
    ['bottomk(2, m)', 0, ['m{disk="x", node="a"} 1', 'm{disk="y", node="a"} 2']],
    ['topk by (disk) (1, m)', 0, ['m{disk="x", node="b"} 3', 'm{disk="y", node="a"} 2', 'm{node="c"} 6']],
    ['topk(0, m)', 0, []],
    ['topk(9.9, m{node="a"})', 2, ['m{disk="x", node="a"} NaN', 'm{disk="y", node="a"} NaN']],
    ['topk(1, m)', 2, ['m{disk="x", node="b"} 7']],
    ['bottomk(1, m)', 2, ['m{node="c"} 3']],
    ['count_values("v", m)', 1, ['{v="1"} 1', '{v="3"} 2', '{v="5"} 1']],
    ['count_values by (node) ("node", m{node="a"})', 2, ['{node="NaN"} 2']],
    ['count_values without (disk) ("v", m{node="b"})', 2, ['{node="b", v="7"} 1']],
  ])('%s at minute %i', async (text, minute, answer) => {
    const found = await instant(text, data, minute);
    expect(/^(top|bottom)k/.test(text) ? found : found.sort()).toEqual(answer);
  });

  it.each(['topk(NaN, m)', 'topk(Inf, m)', 'bottomk(-1e300 + time(), m) or topk(scalar(m) - 1, m)'])(
    '%s fails',
    async (text) => {
      await expect(instant(text, data)).rejects.toMatchObject({ type: 'execution' });
    },
  );

  it('at each step those series are the best that are so at this step', async () => {
    expect(await range('topk(1, m)', data, [0, 2])).toEqual([
      'm{disk="x", node="a"} _ 5 _',
      'm{disk="x", node="b"} _ _ 7',
      'm{node="c"} 6 _ _',
    ]);
  });

  it('sums do not lose small values beside large ones', async () => {
    const lossy = { 's{x="1"}': '1e100', 's{x="2"}': '1', 's{x="3"}': '-1e100' };
    expect(await instant('sum(s)', lossy)).toEqual(['{} 1']);
    expect(await instant('avg(s) * 3', lossy)).toEqual(['{} 1']);
    expect(await instant('sum_over_time(s[5m])', { s: '1e100 1 -1e100' }, 2)).toEqual(['{} 1']);
  });
});

it('a number without exponent reads back as itself', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), (value) => {
      const text = formatDecimal(value);
      expect(text).not.toContain('e');
      expect(Number(text.replace('Inf', 'Infinity'))).toBe(value);
    }),
  );
});
