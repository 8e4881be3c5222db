import { describe, expect, it } from 'vitest';
import { type Data, instant, range, sourceOf } from './evaluate.fixture.ts';
import { evaluate } from './evaluate.ts';
import { FUNCTIONS, functionType } from './functions.ts';
import { parseQuery } from './parse.ts';

it.each([
  ['rate', { args: ['matrix'], returns: 'vector' }],
  ['histogram_quantile', undefined],
  ['constructor', undefined],
])('the type of %s', (name, type) => expect(functionType(name)).toEqual(type));

describe('ranges', () => {
  const data: Data = {
    'sent_total{node="a"}': '0+60x9',
    // The counter begins anew at minute 3.
    'reset_total{node="a"}': '100 160 220 30 90',
    'gauge{node="a"}': '4 2 8 6 6',
    'late_total{node="a"}': '_ _ _ 10 20 30',
    'once{node="a"}': '7',
    'huge{node="a"}': '1e308 1e308 1e308',
    'holes{node="a"}': '1 NaN 3 NaN NaN',
  };
  it.each<[text: string, minute: number, answer: string[]]>([
    ['rate(sent_total[3m])', 8, ['{node="a"} 1']],
    // Two minutes between the samples, extended to the four of the range.
    ['increase(sent_total[4m])', 8, ['{node="a"} 240']],
    // The counter was zero at minute 0: it is not extended to before that.
    ['increase(sent_total[4m])', 2, ['{node="a"} 120']],
    // Far from both ends of the range: extended by half the distance of samples.
    ['increase(late_total[10m])', 9, ['{node="a"} 30']],
    ['increase(reset_total[5m])', 4, ['{node="a"} 262.5']],
    ['delta(gauge[4m])', 4, ['{node="a"} 5.333333333333333']],
    ['irate(reset_total[5m])', 3, ['{node="a"} 0.5']],
    ['irate(sent_total[5m])', 3, ['{node="a"} 1']],
    ['idelta(gauge[5m])', 3, ['{node="a"} -2']],
    ['rate(once[5m])', 0, []],
    ['deriv(sent_total[5m])', 5, ['{node="a"} 1']],
    ['predict_linear(sent_total[5m], 60)', 5, ['{node="a"} 360']],
    ['predict_linear(once[5m], 60)', 0, []],
    ['changes(gauge[5m])', 4, ['{node="a"} 3']],
    ['changes(holes[5m])', 4, ['{node="a"} 3']],
    ['resets(reset_total[5m])', 4, ['{node="a"} 1']],
    ['resets(reset_total[2m])', 4, ['{node="a"} 0']],
    ['avg_over_time(gauge[5m])', 4, ['{node="a"} 5.2']],
    ['avg_over_time(huge[5m])', 4, ['{node="a"} 1e+308']],
    ['sum_over_time(huge[5m])', 4, ['{node="a"} Infinity']],
    ['min_over_time(gauge[5m])', 4, ['{node="a"} 2']],
    ['max_over_time(gauge[5m])', 4, ['{node="a"} 8']],
    ['max_over_time(holes[5m])', 4, ['{node="a"} 3']],
    ['min_over_time(holes[2m])', 4, ['{node="a"} NaN']],
    ['sum_over_time(gauge[2m])', 4, ['{node="a"} 12']],
    ['count_over_time(gauge[3m])', 9, []],
    ['count_over_time(gauge[6m])', 9, ['{node="a"} 1']],
    ['last_over_time(gauge[6m])', 9, ['gauge{node="a"} 6']],
    ['present_over_time(gauge[6m])', 9, ['{node="a"} 1']],
    ['stdvar_over_time(gauge[3m])', 3, ['{node="a"} 6.222222222222222']],
    ['stddev_over_time(gauge[1m])', 3, ['{node="a"} 0']],
    ['quantile_over_time(0.5, gauge[4m])', 3, ['{node="a"} 5']],
    ['quantile_over_time(0.25, gauge[4m])', 3, ['{node="a"} 3.5']],
    ['quantile_over_time(0.4, holes[5m])', 4, ['{node="a"} NaN']],
    ['quantile_over_time(0.75, holes[5m])', 4, ['{node="a"} 1']],
    ['quantile_over_time(2, gauge[4m])', 3, ['{node="a"} Infinity']],
    ['quantile_over_time(-1, gauge[4m])', 3, ['{node="a"} -Infinity']],
    ['absent_over_time(gauge[5m])', 3, []],
    ['absent_over_time(none{a="b",c=~"d"}[5m])', 3, ['{a="b"} 1']],
  ])('%s at minute %i', async (text, minute, answer) => {
    expect(await instant(text, data, minute)).toEqual(answer);
  });

  it('two metrics that lose their names are one series, which is an error', async () => {
    const same = { 'a{x="1"}': '1 2', 'b{x="1"}': '1 2' };
    await expect(instant('rate({x="1"}[5m])', same, 1)).rejects.toThrow('same labelset');
    expect(await instant('absent_over_time({x="1"}[5m])', same, 1)).toEqual([]);
  });

  it('predict_linear over a fixed range predicts from each step', async () => {
    expect(await range('predict_linear(sent_total[5m] @ 300, 0)', data, [5, 7])).toEqual([
      '{node="a"} 300 360 420',
    ]);
  });
});

describe('vectors', () => {
  const data: Data = {
    'v{case="a"}': '-1.5',
    'v{case="b"}': '2.5',
    'v{case="c"}': 'NaN',
    't{case="x"}': '1709210096',
  };
  it.each<[text: string, answer: string[]]>([
    ['abs(v)', ['{case="a"} 1.5', '{case="b"} 2.5', '{case="c"} NaN']],
    ['ceil(v)', ['{case="a"} -1', '{case="b"} 3', '{case="c"} NaN']],
    ['floor(v)', ['{case="a"} -2', '{case="b"} 2', '{case="c"} NaN']],
    ['round(v)', ['{case="a"} -1', '{case="b"} 3', '{case="c"} NaN']],
    ['round(v, 5)', ['{case="a"} 0', '{case="b"} 5', '{case="c"} NaN']],
    ['sgn(v)', ['{case="a"} -1', '{case="b"} 1', '{case="c"} NaN']],
    ['clamp(v, 0, 1)', ['{case="a"} 0', '{case="b"} 1', '{case="c"} NaN']],
    ['clamp(v, 1, 0)', []],
    ['clamp_max(v, 1)', ['{case="a"} -1.5', '{case="b"} 1', '{case="c"} NaN']],
    ['clamp_min(v, Inf)', ['{case="a"} Infinity', '{case="b"} Infinity', '{case="c"} Infinity']],
    ['sort(v)', ['v{case="a"} -1.5', 'v{case="b"} 2.5', 'v{case="c"} NaN']],
    ['sort_desc(v)', ['v{case="b"} 2.5', 'v{case="a"} -1.5', 'v{case="c"} NaN']],
    ['vector(1)', ['{} 1']],
    ['absent(v)', []],
    ['absent(none{a="b",c!="d",e="1",e="2"})', ['{a="b"} 1']],
    ['absent(sum(none{a="b"}))', ['{} 1']],
    ['timestamp(v{case="a"})', ['{case="a"} 0']],
    ['timestamp(v{case="a"} * 1)', ['{case="a"} 120']],
    ['day_of_month(t)', ['{case="x"} 29']],
    ['day_of_week(t)', ['{case="x"} 4']],
    ['day_of_year(t)', ['{case="x"} 60']],
    ['days_in_month(t)', ['{case="x"} 29']],
    ['hour(t)', ['{case="x"} 12']],
    ['minute(t)', ['{case="x"} 34']],
    ['month(t)', ['{case="x"} 2']],
    ['year(t)', ['{case="x"} 2024']],
    ['minute()', ['{} 2']],
    ['year(vector(1e300))', ['{} NaN']],
    ['deg(vector(pi()))', ['{} 180']],
  ])('%s', async (text, answer) => expect(await instant(text, data, 2)).toEqual(answer));

  it('absent has a value where no series has one', async () => {
    expect(await range('absent(v)', { 'v{x="1"}': '_ 1', 'v{x="2"}': '_x8 1' }, [0, 8])).toEqual([
      '{} 1 _ _ _ _ _ 1 1 1',
    ]);
  });

  it('each function is implemented', async () => {
    for (const [name, { args }] of Object.entries(FUNCTIONS)) {
      const given = { scalar: '1', vector: 'v', matrix: 'v[5m]', string: '"x"' };
      await instant(`${name}(${args.map((arg) => given[arg]).join(', ')})`, data, 2);
    }
  });
});

describe('labels', () => {
  const data: Data = { 'm{node="cp-1.eu",zone="z"}': '1' };
  it.each<[text: string, answer: string[]]>([
    ['label_replace(m, "host", "$1", "node", "(.*)[.].*")', ['m{host="cp-1", node="cp-1.eu", zone="z"} 1']],
    ['label_replace(m, "zone", "", "node", ".*")', ['m{node="cp-1.eu"} 1']],
    ['label_replace(m, "zone", "$1", "node", "(cp|cp-1).*")', ['m{node="cp-1.eu", zone="cp"} 1']],
    ['label_replace(m, "zone", "$1", "node", "(cp|cp-1)[.]eu")', ['m{node="cp-1.eu", zone="cp-1"} 1']],
    ['label_replace(m, "zone", "x", "node", "cp")', ['m{node="cp-1.eu", zone="z"} 1']],
    ['label_replace(m, "zone", "${1}x$2", "node", "(cp).*")', ['m{node="cp-1.eu", zone="cpx"} 1']],
    ['label_replace(m, "zone", "$1x", "node", "(cp).*")', ['m{node="cp-1.eu"} 1']],
    [
      'label_replace(m, "zone", "$$-$n-${n", "node", "(?P<n>cp).*")',
      ['m{node="cp-1.eu", zone="$-cp-${n"} 1'],
    ],
    ['label_replace(m, "zone", "$constructor", "node", "(?P<n>cp).*")', ['m{node="cp-1.eu"} 1']],
    ['label_replace(m, "__name__", "n", "node", ".*")', ['n{node="cp-1.eu", zone="z"} 1']],
    ['label_replace(m, "a", "[$1]", "missing", "(.*)")', ['m{a="[]", node="cp-1.eu", zone="z"} 1']],
    [
      'label_join(m, "all", "-", "zone", "missing", "node")',
      ['m{all="z--cp-1.eu", node="cp-1.eu", zone="z"} 1'],
    ],
    ['label_join(m, "zone", "-")', ['m{node="cp-1.eu"} 1']],
    ['sum by (constructor) (m)', ['{} 1']],
  ])('%s', async (text, answer) => expect(await instant(text, data)).toEqual(answer));

  it('__proto__ is a label like others', async () => {
    expect(await instant('sum by (__proto__) (label_replace(m, "__proto__", "x", "", ""))', data)).toEqual([
      '{__proto__="x"} 1',
    ]);
  });

  it.each([
    ['label_replace(m, "a", "b", "c", "(")', /label_replace\(\): the regular expression .* is invalid/],
    [
      `label_replace(m, "a", "b", "c", "${'a{999}.'.repeat(20)}")`,
      /label_replace\(\): the regular expression .* is too large/,
    ],
    ['label_replace(m, "", "b", "c", "")', '"" is none'],
    [`${'label_join('.repeat(20)}m${', "a", "x", "a", "a")'.repeat(20)}`, 'at most 4096 are allowed'],
  ])('%s fails', async (text, message) => {
    await expect(instant(text, data)).rejects.toThrow(message);
  });
});

it('tells what is doubtful about a query', async () => {
  const report = async (text: string, stepMs = 60_000) => {
    const source = sourceOf({ gauge: '1 2 3', c_total: '1 2 3' });
    const { warnings, infos } = await evaluate(parseQuery(text), {
      source,
      startMs: 60_000,
      endMs: 120_000,
      stepMs,
      text,
    });
    return [...warnings, ...infos];
  };
  expect(await report('rate(c_total[5m])')).toEqual([]);
  expect(await report('1 + rate(gauge[5m])')).toEqual([
    'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "gauge" (1:10)',
  ]);
  expect(await report('quantile(1 + time() / 60, gauge)')).toEqual([
    'PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)',
  ]);
  expect(await report('sort(gauge)')).toEqual([
    'PromQL warning: sort is ineffective for range queries since results are always ordered by labels (1:1)',
  ]);
});

it('a query has ten notes at most', async () => {
  const data = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`m{x="${i}"}`, '1 2 3']));
  const text = 'rate(label_replace(m, "__name__", "n$1", "x", "(.*)")[3m:1m])';
  const options = { source: sourceOf(data), startMs: 120_000, endMs: 120_000, stepMs: 0 };
  const { infos } = await evaluate(parseQuery(text), options);
  expect(infos).toHaveLength(11);
  expect(infos.at(-1)).toBe('20 more omitted');
});
