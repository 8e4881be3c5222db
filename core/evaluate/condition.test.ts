import { describe, expect, it } from 'vitest';
import type { Condition, Rule } from '../model/rule.ts';
import { breachTest, firingTest } from './condition.ts';

const above: Condition = { kind: 'above', threshold: 90 };
const below: Condition = { kind: 'below', threshold: 10 };
const outside: Condition = { kind: 'outside', low: 10, high: 90 };
const equals: Condition = { kind: 'equals', value: 0 };

const VALUES = [9, 10, 11, 89, 90, 91];
const passing = (test: (value: number) => boolean) => VALUES.filter(test);

describe('a condition', () => {
  it.each<[Condition, number[]]>([
    [above, [91]],
    [below, [9]],
    [outside, [9, 91]],
    [{ kind: 'equals', value: 11 }, [11]],
  ])('is breached beyond its bounds, not at them: %j', (condition, expected) => {
    expect(passing(breachTest(condition))).toEqual(expected);
  });

  it.each([above, below, outside, equals])('is never breached by NaN: %j', (condition) => {
    expect(breachTest(condition)(Number.NaN)).toBe(false);
  });

  it.each<[Condition, Rule['recoveryThreshold'], number[]]>([
    [above, undefined, [91]],
    [above, 10, [11, 89, 90, 91]],
    [below, 90, [9, 10, 11, 89]],
    [outside, [11, 89], [9, 10, 90, 91]],
    // Checked before: a pair is for `outside` alone, and nothing is for `equals`.
    [outside, 50, [9, 91]],
    [above, [11, 89], [91]],
    [equals, 50, []],
  ])(
    'holds a firing alert up to the recovery threshold: %j, %j',
    (condition, recoveryThreshold, expected) => {
      expect(passing(firingTest({ condition, recoveryThreshold }))).toEqual(expected);
    },
  );
});
