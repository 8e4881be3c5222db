import { expect, it } from 'vitest';
import { versionNumber } from './version.ts';

it.each([
  ['v1.37.2', 1_037_002],
  ['1.37.2', 1_037_002],
  ['v1.37.2+k3s1', 1_037_002],
  ['v1.38.0-rc.1', 1_038_000],
  ['v1.37.12-eks-1234', 1_037_012],
  ['3.7.999', 3_007_999],
  ['3.7.1000', undefined],
  ['v1.37', undefined],
  ['v1.37.2.1', undefined],
  ['v1.37.x', undefined],
  ['', undefined],
  ['\u0661.37.2', undefined],
])('%j is %s', (text, number) => {
  expect(versionNumber(text)).toBe(number);
});
