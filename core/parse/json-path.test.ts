import { expect, it } from 'vitest';
import { numberOf, parseJsonPath, valueAtPath } from './json-path.ts';

it.each<[string, (string | number)[] | undefined]>([
  ['', []],
  ['$', []],
  ['status', ['status']],
  ['$.status', ['status']],
  ['.status', ['status']],
  ['a.b-c.d_e', ['a', 'b-c', 'd_e']],
  ['items[0].count', ['items', 0, 'count']],
  ['[1][2]', [1, 2]],
  ['$["odd. name"].x', ['odd. name', 'x']],
  ['$x', undefined],
  ['a..b', undefined],
  ['a.', undefined],
  ['a b', undefined],
  ['items[-1]', undefined],
  ['items[*]', undefined],
  ['items[0', undefined],
  ['a'.padEnd(100, '.a'), undefined],
])('the path %j is %j', (text, path) => {
  expect(parseJsonPath(text)).toEqual(path);
});

it.each<[string, unknown]>([
  ['a.b', 1],
  ['list[1]', 'x'],
  ['list[2]', undefined],
  ['list.length', 2],
  ['a.b.c', undefined],
  ['__proto__', undefined],
  ['constructor', undefined],
  ['none', null],
  ['none.x', undefined],
])('at %j there is %j', (text, value) => {
  const json: unknown = JSON.parse('{"a":{"b":1},"list":[0,"x"],"none":null}');
  expect(valueAtPath(json, parseJsonPath(text) ?? [])).toEqual(value);
});

it.each<[unknown, number | undefined]>([
  [1.5, 1.5],
  [-2, -2],
  ['12', 12],
  ['-12.5', -12.5],
  [true, 1],
  [false, 0],
  ['', undefined],
  ['-', undefined],
  ['--1', undefined],
  ['1e5', undefined],
  ['12 ms', undefined],
  [null, undefined],
  [[1], undefined],
  [Number.POSITIVE_INFINITY, undefined],
])('the number of %j is %s', (value, number) => {
  expect(numberOf(value)).toBe(number);
});
