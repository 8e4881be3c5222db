import { describe, expect, it } from 'vitest';
import { parseExposition } from './exposition.ts';
import { readSelected, type SelectedSeries, type SelectedValues } from './selected-series.ts';

const TEXT = `workqueue_depth{name="foo"} 3
workqueue_depth{name="foo-bar"} 5
workqueue_depth{name="baz",shard="1"} 10
single 7
broken NaN
endless{a="1"} +Inf
endless{a="2"} -Inf
negative -2.5
`;
const { samples } = parseExposition(
  TEXT,
  new Set(['workqueue_depth', 'single', 'broken', 'endless', 'negative']),
);

/** All of it, and how often others had a turn meanwhile. */
function readAll(...input: Parameters<typeof readSelected>): SelectedValues & { turns: number } {
  const parts = readSelected(...input);
  let turns = 0;
  for (;;) {
    const part = parts.next();
    if (part.done) return { ...part.value, turns };
    turns++;
  }
}

const read = (selection: Omit<SelectedSeries, 'name' | 'labels'> & Partial<SelectedSeries>) => {
  const { readings, notes } = readAll([{ name: 'x', labels: {}, ...selection }], samples);
  return readings[0]?.value ?? notes[0];
};
const foo = { metric: 'workqueue_depth', labels: { name: ['foo*'] } };

describe('a value from chosen series', () => {
  it.each<[Parameters<typeof read>[0], number | string]>([
    [{ metric: 'single' }, 7],
    [{ metric: 'negative' }, -2.5],
    [{ metric: 'workqueue_depth', labels: { name: ['foo'] } }, 3],
    [{ metric: 'workqueue_depth', labels: { name: ['ba?'], shard: ['*'] } }, 10],
    [{ ...foo, reduce: 'sum' }, 8],
    [{ ...foo, reduce: 'avg' }, 4],
    [{ ...foo, reduce: 'min' }, 3],
    [{ ...foo, reduce: 'max' }, 5],
    [{ ...foo, reduce: 'count' }, 2],
    [{ metric: 'absent', reduce: 'count' }, 0],
    [{ metric: 'absent' }, 'no value for x: no series matches'],
    [{ metric: 'absent', reduce: 'sum' }, 'no value for x: no series matches'],
    [{ metric: 'workqueue_depth', labels: { name: ['fo'] } }, 'no value for x: no series matches'],
    [foo, 'no value for x: 2 series match; write `reduce`, or more `labels`'],
    [{ metric: 'broken' }, 'no value for x: it is NaN'],
    [{ metric: 'endless', labels: { a: ['1'] } }, 'no value for x: it is Infinity'],
    [{ metric: 'endless', reduce: 'sum' }, 'no value for x: it is NaN'],
    [{ metric: 'endless', reduce: 'min' }, 'no value for x: it is -Infinity'],
  ])('%j', (selection, expected) => {
    expect(read(selection)).toBe(expected);
  });

  it('has its name as a label', () => {
    const selections = [
      { name: 'depth', metric: 'single', labels: {} },
      { name: 'below', metric: 'negative', labels: {} },
    ];
    expect(readAll(selections, samples).readings).toEqual([
      { metric: 'check_value', labels: { name: 'depth' }, value: 7 },
      { metric: 'check_value', labels: { name: 'below' }, value: -2.5 },
    ]);
  });
});

it.each([
  [10, 0],
  [1_000, 2],
  [10_000, 2],
])('gives others a turn between selections where %i series are compared', (count, turns) => {
  const many = Array.from({ length: count }, (_, i) => ({ name: 'm', labels: { i: String(i) }, value: 1 }));
  const selections = ['a', 'b', 'c'].map((name) => ({
    name,
    metric: 'm',
    labels: { i: ['*'] },
    reduce: 'sum' as const,
  }));
  const found = readAll(selections, many);
  expect(found.turns).toBe(turns);
  expect(found.readings.map(({ value }) => value)).toEqual([count, count, count]);
});
