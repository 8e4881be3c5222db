import { describe, expect, it } from 'vitest';
import { memory } from '../../test/stage-fixture.ts';
import { parseAxis, valueText, variantsOf } from './sweep-axes.ts';

const MINUTE = 60_000;

describe('an axis', () => {
  it.each([
    ['above=80..95', 'above', [80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95]],
    ['above=80..95/5', 'above', [80, 85, 90, 95]],
    ['below=0.1..0.3/0.1', 'below', [0.1, 0.2, 0.3]],
    ['above=-5..5/5', 'above', [-5, 0, 5]],
    ['above=90,80,80', 'above', [80, 90]],
    ['for=5m..7m', 'for', [5, 6, 7].map((minutes) => minutes * MINUTE)],
    ['for=0s..1h/30m', 'for', [0, 30 * MINUTE, 60 * MINUTE]],
    ['keepFiringFor=2m', 'keepFiringFor', [2 * MINUTE]],
  ])('%s', (text, field, values) => {
    expect(parseAxis(text)).toEqual({ field, values });
  });

  it.each([
    ['abov=80', '`abov=80` cannot be swept'],
    ['above', '`above` cannot be swept'],
    ['above=', 'cannot be swept'],
    ['above=high', '`high` in `above=high` is no number'],
    ['above=1..', 'is no number'],
    ['above=95..80', 'ends before it begins'],
    ['above=80..95/0', 'must be more than 0'],
    ['above=0..1e9/1', 'which is more than 1000'],
    ['above=1..Infinity', 'is no number'],
    ['for=5..15', '`5` is not a duration'],
  ])('%s is refused', (text, message) => {
    expect(() => parseAxis(text)).toThrow(message);
  });
});

describe('variants', () => {
  it('are all combinations', () => {
    const variants = variantsOf(memory, [parseAxis('above=80,90'), parseAxis('for=1m,2m')]);
    expect(variants.map(({ values }) => values)).toEqual([
      [80, MINUTE],
      [80, 2 * MINUTE],
      [90, MINUTE],
      [90, 2 * MINUTE],
    ]);
    expect(variants[2]?.rule).toEqual({
      ...memory,
      condition: { kind: 'above', threshold: 90 },
      forMs: MINUTE,
    });
    expect([valueText('for', 5 * MINUTE), valueText('above', 90)]).toEqual(['5m', '90']);
  });

  it('keep the distance of their `recoveryThreshold`, unless that is swept', () => {
    const recoveries = (...axes: string[]) =>
      variantsOf({ ...memory, recoveryThreshold: 85 }, axes.map(parseAxis)).map(
        ({ rule }) => rule.recoveryThreshold,
      );
    expect(recoveries('above=80,90')).toEqual([75, 85]);
    expect(recoveries('above=80,90', 'for=1m')).toEqual([75, 85]);
    expect(recoveries('recoveryThreshold=70,75', 'above=80')).toEqual([70, 75]);
  });

  it.each([
    [[], 'one or two axes'],
    [['above=1', 'for=1m', 'keepFiringFor=1m'], 'one or two axes'],
    [['above=1', 'above=2'], 'two different axes'],
    [['below=1'], 'rule `memory` has no `below`: its condition is > 90%'],
    [['recoveryThreshold=95'], 'would end at 95'],
    [['above=0..99/1', 'for=0s..30m'], '3100 variants'],
  ])('%j are refused', (axes, message) => {
    expect(() => variantsOf(memory, axes.map(parseAxis))).toThrow(message);
  });
});
